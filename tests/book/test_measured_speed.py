"""The stored measurements: a line a goal, empty cells as empty text."""

from book.measured_speed import speed_attempts, stored_benchmarks


def test_benchmarks_are_found_by_key_and_have_no_missing_cells():
    table = stored_benchmarks()
    assert table.index.name == "key" and table.index.is_unique
    assert list(table)[:5] == ["quantity", "unit", "measured", "accepted", "verdict"]
    assert not table.isna().any(axis=None) and (table[["unit", "verdict"]] == "").any(axis=None)


def test_attempts_are_text_and_empty_where_nothing_was_measured():
    table = speed_attempts()
    assert list(table) == ["tried", "measure", "before", "predicted", "found", "kept", "why"]
    assert not table.isna().any(axis=None) and (table == "").any(axis=None)
    assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)
