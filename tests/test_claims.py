"""Every claim of the book has its number, its test and its source, and one that lacks them is refused."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "_ext"))

import claims

LISTED = claims.read_claims()


@pytest.mark.parametrize("claim", LISTED, ids=[claim["claim"][:40] for claim in LISTED])
def test_every_claim_stands_on_what_it_names(claim):
    assert claims.problems(claim) == []


def test_every_chapter_claims_something():
    chapters = {text.stem for text in (claims.ROOT / "chapters").glob("[0-9][0-9]-*.md")}
    ordered = [claim["chapter"] for claim in LISTED]
    assert ordered == sorted(ordered)
    assert {"01-estimand", "15-protocol", "02-spurious-rewards"} <= set(ordered) <= chapters


def test_no_claim_stands_twice():
    assert len({claim["claim"] for claim in LISTED}) == len(LISTED) > 25


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"interval": ""}, "has no interval"),
        ({"test": None}, "has no test"),
        ({"author": "me"}, "has an unknown field author"),
        ({"found": "it holds"}, "quotes no number"),
        ({"found": "{no_such}"}, "01-estimand quotes nothing as no_such"),
        ({"found": "{99-none::null}"}, "99-none quotes nothing as null"),
        ({"found": "{null}, or 0.215"}, "types a result instead of quoting it"),
        ({"interval": "95%, below {no_such}"}, "01-estimand quotes nothing as no_such"),
        ({"status": "proven"}, "has an unknown status 'proven'"),
        ({"test": "tests/no.py::test_x"}, "names a test that does not exist: tests/no.py::test_x"),
        ({"test": "tests/test_claims.py::x"}, "names a test that does not exist: tests/test_claims.py::x"),
        ({"source": "rlvr/data/none.csv"}, "names a source that does not exist: rlvr/data/none.csv"),
    ],
)  # fmt: skip
def test_a_claim_that_lacks_something_is_refused(change, fault):
    sound = next(claim for claim in LISTED if claim["chapter"] == "01-estimand")
    assert claims.problems(sound | change) == [fault]


def test_a_number_of_another_page_can_be_quoted():
    sound = next(claim for claim in LISTED if claim["chapter"] == "01-estimand")
    assert claims.problems(sound | {"found": "{14-replication::equal}"}) == []


@pytest.mark.parametrize(
    ("status", "badges"),
    [
        ("exact", ["exact"]),
        ("registered (H7)", ["registered", "contradicted"]),
        ("registered (L5 to L6)", ["registered", "1 undecided", "1 supported"]),
    ],
)
def test_a_claim_s_badges_are_its_status_and_its_verdicts(status, badges):
    assert claims.badges(status) == badges
