"""How to cite: CITATION.cff is valid by its format's rules, and says what the page and the package say."""

import re
from datetime import date
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
TYPES = {"software", "dataset"}
REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license",
    "license-url", "preferred-citation", "references", "repository", "repository-artifact",
    "repository-code", "type", "url", "version",
}  # fmt: skip
PERSON = {"family-names", "given-names", "alias", "affiliation", "email", "orcid", "website", "name-particle"}
ENTITY = {"name", "alias", "address", "city", "country", "email", "orcid", "website"}


def faults(citation):
    """What the Citation File Format 1.2.0 would refuse: the parts of its schema that this file uses."""
    found = [f"lacks {field}" for field in sorted(REQUIRED - set(citation))]
    found += [f"has an unknown field {field}" for field in sorted(set(citation) - KNOWN)]
    if citation.get("cff-version") != "1.2.0":
        found.append("is of another format version")
    if citation.get("type", "software") not in TYPES:
        found.append("has an unknown type")
    works = [citation, *citation.get("references", [])]
    for work in works:
        authors = work.get("authors", [])
        if not authors:
            found.append("has a work without authors")
        if any(not author or not (set(author) <= PERSON or set(author) <= ENTITY) for author in authors):
            found.append("has an author who is neither person nor entity")
    if any(not {"type", "title", "authors"} <= set(work) for work in works[1:]):
        found.append("has an incomplete reference")
    try:
        date.fromisoformat(str(citation.get("date-released", "2026-01-01")))
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
    citation = read()
    del citation["title"]
    assert faults(citation) == ["lacks title"]


def test_page_package_and_file_agree():
    citation, page = read(), (ROOT / "chapters" / "cite.md").read_text(encoding="utf-8")
    package = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r'^version = "(.*)"', package, re.M).group(1) == citation["version"]
    assert f"Version {citation['version']}" in page
    assert citation["authors"][0]["name"] in page
    latest = re.search(r"^## (\d.*)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M).group(1)
    assert latest == f"{citation['version']} ({citation['date-released']})"


def test_the_study_on_the_page_is_the_bibliography_s():
    page = (ROOT / "chapters" / "cite.md").read_text(encoding="utf-8")
    entry = (ROOT / "references.bib").read_text(encoding="utf-8")

    def fields(text):
        found = re.search(r"@misc\{gao2026true,(.*?)\n\}", text, re.S).group(1)
        return [" ".join(value.split()) for value in re.findall(r"= \{(.*?)\},?\n", found + "\n", re.S)]

    assert fields(page) == fields(entry) and len(fields(page)) == 4
