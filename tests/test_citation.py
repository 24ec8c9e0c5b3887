"""How to cite: CITATION.cff is valid by its format's rules, and says what the page and the package say."""

import re
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml
from pybtex.database import parse_string

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import author_year  # noqa: E402
import citation  # noqa: E402

TYPES = {"software", "dataset"}
REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "type", "url", "version",
}  # fmt: skip
PERSON = {"family-names", "given-names", "alias", "affiliation", "email", "orcid", "website", "name-particle"}
ENTITY = {"name", "alias", "address", "city", "country", "email", "orcid", "website"}


def faults(cited):
    """What the Citation File Format 1.2.0 would refuse: the parts of its schema that this file uses."""
    found = [f"lacks {field}" for field in sorted(REQUIRED - set(cited))]
    found += [f"has an unknown field {field}" for field in sorted(set(cited) - KNOWN)]
    if cited.get("cff-version") != "1.2.0":
        found.append("is of another format version")
    if cited.get("type", "software") not in TYPES:
        found.append("has an unknown type")
    works = [cited, *cited.get("references", [])]
    for work in works:
        authors = work.get("authors", [])
        if not authors:
            found.append("has a work without authors")
        if any(not author or not (set(author) <= PERSON or set(author) <= ENTITY) for author in authors):
            found.append("has an author who is neither person nor entity")
    if any(not {"type", "title", "authors"} <= set(work) for work in works[1:]):
        found.append("has an incomplete reference")
    try:
        date.fromisoformat(str(cited.get("date-released", "2026-01-01")))
    except ValueError:
        found.append("has a date that is none")
    return found


def read():
    return yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_citation_file_is_valid():
    assert faults(read()) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"cff-version": "1.0.3"}, "is of another format version"),
        ({"type": "book"}, "has an unknown type"),
        ({"authors": []}, "has a work without authors"),
        ({"authors": [{"who": "me"}]}, "has an author who is neither person nor entity"),
        ({"year": 2026}, "has an unknown field year"),
        ({"date-released": "soon"}, "has a date that is none"),
        ({"references": [{"title": "x", "authors": [{"name": "y"}]}]}, "has an incomplete reference"),
    ],
)
def test_an_invalid_one_is_refused(change, fault):
    assert faults(read() | change) == [fault]


def test_a_missing_title_is_refused():
    cited = read()
    del cited["title"]
    assert faults(cited) == ["lacks title"]


def test_package_changelog_and_file_agree():
    cited = read()
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.*)"', package, re.M).group(1) == cited["version"]
    latest = re.search(r"^## (\d.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M).group(1)
    assert latest == f"{cited['version']} ({cited['date-released']})"


def test_the_study_on_the_page_is_the_bibliography_s():
    page = (ROOT / "chapters" / "cite.md").read_text(encoding="utf-8")
    entry = (ROOT / "references.bib").read_text(encoding="utf-8")

    def fields(text):
        found = re.search(r"@misc\{gao2026true,(.*?)\n\}", text, re.S).group(1)
        return [" ".join(value.split()) for value in re.findall(r"= \{(.*?)\},?\n", found + "\n", re.S)]

    assert fields(page) == fields(entry) and len(fields(page)) == 4


def test_the_entry_has_an_address_and_people_once_the_file_has_them():
    published = read() | {"doi": "10.1/x", "authors": [{"family-names": "Doe", "given-names": "Jane"}]}
    entry = citation.bibtex(published)
    assert "author = {Doe, Jane}" in entry and "doi = {10.1/x}" in entry and "url" not in entry
    assert str(read()["version"]) in entry
    assert [words.split()[1] for words in citation.lacking(published)] == ["address"]
    assert len(citation.lacking(read())) == 3 - len({"doi", "url"} & set(read()))


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        ("Gao, Yuze", "Gao, 2026"),
        ("Tang, Ann and Munos, Ben", "Tang and Munos, 2026"),
        ("von Werra, Leandro and Li, A and Wu, B", "von Werra et al., 2026"),
        ("{While AI}", "While AI, 2026"),
    ],
)
def test_an_entry_is_labelled_as_the_text_cites_it(author, shown):
    entry = parse_string(
        f"@misc{{x, author = {{{author}}}, title = {{T}}, year = {{2026}}}}", "bibtex"
    ).entries["x"]
    assert author_year.label(entry) == shown
    twice = author_year.AuthorYearLabels().format_labels([entry, entry])
    assert list(twice) == [f"{shown}a", f"{shown}b"]
