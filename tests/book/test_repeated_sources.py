"""Every repeated arm and every measured spread has its place on the page of sources."""

import re

from book.repeated_sources import STUDIES, repeated_anchor, repeated_link, repeated_source_page
from rlvr.planning.repeated_arms import load_repeated_arms
from rlvr.planning.spread_catalogue import measured_spreads

PAGE = repeated_source_page()
ANCHORS = re.findall(r"^\((.*)\)=$", PAGE, re.M)


def test_each_row_of_the_file_is_named_once():
    lines = [int(n) for rows in re.findall(r"lines? ([\d, ]+) of", PAGE) for n in rows.split(", ")]
    assert sorted(lines) == list(range(2, len(load_repeated_arms()) + 2))


def test_links_lead_to_places_that_exist():
    assert len(ANCHORS) == len(set(ANCHORS))
    places = [repeated_anchor(cell) for cell in measured_spreads().to_dict("records")]
    assert {place for place in places if place != "repeated-arms"} <= set(ANCHORS)
    first = measured_spreads().query("study == 'oertell2025heuristics'").iloc[0]
    assert repeated_link(first) == f"[Heuristics Considered Harmful](#{repeated_anchor(first)})"


def test_every_source_has_a_short_name():
    assert {*load_repeated_arms().study, "shao2026spurious"} == set(STUDIES)
