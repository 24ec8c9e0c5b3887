"""The reader: what it accepts, and that whatever it refuses it refuses in its own words."""

import csv
import io
import string
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlvr.auditing.study_cells import read_cells
from rlvr.auditing.table_columns import ARMS_NEED, OPTIONAL, OUTCOMES_NEED
from rlvr.auditing.table_reading import TableError, lines_of, read_frame, read_text

HEADER = "study,model,benchmark,arm,accuracy,n_items"
GOOD = f"{HEADER}\ns,m,b,frozen,0.25,500\ns,m,b,true,0.75,500\n"

BAD = {
    "empty file": ("", ["line 1", "empty", "accuracy"]),
    "blank lines only": ("\n\n", ["line 1", "empty"]),
    "header only": (HEADER + "\n", ["line 2", "no rows"]),
    "missing column": ("study,model,benchmark,arm,accuracy\ns,m,b,true,0.5\n", ["line 1", "missing n_items"]),
    "missing accuracy": ("study,model,benchmark,arm,n_items\ns,m,b,true,5\n", ["line 1", "accuracy_percent"]),
    "both accuracies": (HEADER + ",accuracy_percent\ns,m,b,true,0.5,5,50\n", ["line 1", "both stand"]),
    "column twice": (HEADER + ",n_items\ns,m,b,true,0.5,5,5\n", ["line 1", "'n_items' stands twice"]),
    "unknown arm": (GOOD + "s,m,b,spurious,0.5,500\n", ["line 4", "arm must be one of frozen, random"]),
    "accuracy of 150": (GOOD.replace("0.75", "150"), ["line 3", "accuracy must be a fraction", "'150'"]),
    "percent of 150": (
        GOOD.replace("accuracy", "accuracy_percent").replace("0.75", "150"),
        ["line 3", "from 0 to 100", "'150'"],
    ),
    "negative": (GOOD.replace("0.75", "-0.1"), ["line 3", "fraction from 0 to 1"]),
    "percent sign": (GOOD.replace("0.75", "75%"), ["line 3", "'75%'"]),
    "fraction then percent": (GOOD.replace("0.75", "75.0"), ["line 3", "percentages go in accuracy_percent"]),
    "not a number": (GOOD.replace("0.75", "NaN"), ["line 3", "accuracy", "'NaN'"]),
    "infinite": (GOOD.replace("0.75", "inf"), ["line 3", "'inf'"]),
    "no accuracy": (GOOD.replace("0.75", ""), ["line 3", "accuracy", "''"]),
    "text for a number": (GOOD.replace("500\ns", "five hundred\ns"), ["line 2", "n_items", "five hundred"]),
    "half an item": (GOOD.replace("0.75,500", "0.75,0.5"), ["line 3", "n_items", "whole number"]),
    "no items at all": (GOOD.replace("0.75,500", "0.75,0"), ["line 3", "n_items", "from 1"]),
    "no study": (GOOD.replace("s,m,b,true", ",m,b,true"), ["line 3", "study must be a name"]),
    "too many fields": (GOOD + "s,m,b,random,0.5,500,9\n", ["line 4", "7 fields"]),
    "too many fields in every row": (f"{HEADER}\ns,m,b,true,0.5,5,7\n", ["line 2", "7 fields"]),
    "too few fields": (GOOD + "s,m,b,random\n", ["line 4", "4 fields"]),
    "open quote": (GOOD + 's,m,b,"random,0.5,500\n', ["line 4"]),
    "bars": (GOOD.replace(",", "|"), ["line 1", "missing study"]),
    "semicolons, one short": (GOOD.replace(",", ";") + "s;m\n", ["line 4", "6 semicolon-separated fields"]),
    "nul byte": (GOOD + "s,m,b,random\0,0.5,500\n", ["line 4", "NUL"]),
    "unknown role": (HEADER + ",role\ns,m,b,true,0.5,5,boss\n", ["line 2", "role must be one of arm"]),
}


@pytest.mark.parametrize("text, expected", BAD.values(), ids=BAD)
def test_refusals_name_file_line_and_what_is_accepted(tmp_path, text, expected):
    path = tmp_path / "arms.csv"
    path.write_bytes(text.encode())
    with pytest.raises(TableError) as refusal:
        read_cells([path])
    for fragment in [str(path), "accepted" if "must be" not in str(refusal.value) else "must be", *expected]:
        assert fragment in str(refusal.value)


def test_a_good_table_passes_every_check_that_the_bad_ones_fail(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text(GOOD)
    (cell,) = read_cells([path])
    assert {name: arm.accuracy for name, arm in cell.arms.items()} == {"frozen": 0.25, "true": 0.75}


@pytest.mark.parametrize("make", ["missing", "folder", "latin-1"])
def test_files_that_are_no_text_files(tmp_path, make):
    path = tmp_path / "arms.csv"
    if make == "folder":
        path.mkdir()
    if make == "latin-1":
        path.write_bytes((GOOD + "s,modèle,b,random,0.5,500\n").encode("latin-1"))
    with pytest.raises(TableError) as refusal:
        read_text(path)
    expected = {"missing": "no such file", "folder": "a folder", "latin-1": "line 4: not UTF-8"}[make]
    assert expected in str(refusal.value) and "accepted" in str(refusal.value)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_bom_blank_lines_and_quoted_newlines_keep_line_numbers(tmp_path, ending):
    rows = [HEADER, 's,"m', 'second line",b,frozen,0.25,500', "", "s,m,b,true,oops,500"]
    path = tmp_path / "arms.csv"
    path.write_bytes(b"\xef\xbb\xbf" + ending.join(rows).encode())
    with pytest.raises(TableError, match="line 5: accuracy"):
        read_cells([path])


def test_line_numbers_agree_with_the_csv_module():
    text = 'a,b\n1,2\n\n"3\n4",5\n6,7\n'
    assert list(lines_of("t", text)) == [2, 4, 6]
    plain = "a,b\n1,2\n3,4\n"
    assert list(lines_of("t", plain))[:2] == [2, 3]


def test_spaces_around_values_and_the_spelling_true_of_a_spreadsheet_are_fine():
    text = HEADER.replace(",", " , ") + "\n s , m ,b, TRUE , 0.5 , 500.0 \n"
    (cell,) = read_cells([pd.read_csv(io.StringIO(text), dtype=str)])
    assert cell.arms["true"].n_items == 500


texts = st.text(max_size=400)
fields = st.one_of(
    st.sampled_from(["s", "m", "b", "frozen", "random", "majority", "true", "0.5", "49.4", "1e3", "nan", ""]),
    st.text(max_size=8),
    st.floats().map(str),
)
columns = st.sampled_from([*ARMS_NEED, *OPTIONAL, *OUTCOMES_NEED, "accuracy", "accuracy_percent", "other"])


@st.composite
def almost_tables(draw):
    """Tables with plausible headers, so that the fuzzing gets past the first check."""
    header = draw(st.permutations([*ARMS_NEED, draw(st.sampled_from(["accuracy", "accuracy_percent"]))]))
    if draw(st.booleans()):
        header = [*OUTCOMES_NEED]
    header = [*header, *draw(st.lists(columns, max_size=2))]
    width = st.integers(max(1, len(header) - draw(st.sampled_from([0, 0, 0, 1]))), len(header))
    rows = draw(st.lists(width.flatmap(lambda n: st.lists(fields, min_size=n, max_size=n)), max_size=6))
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


@pytest.mark.slow
@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=st.one_of(texts, almost_tables()))
def test_any_text_gives_cells_or_a_refusal_with_a_line(text):
    try:
        frame = read_frame("fuzz.csv", text)
    except TableError as refusal:
        assert str(refusal).startswith("fuzz.csv, line ")
    else:
        assert len(frame)


@pytest.mark.slow
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(raw=st.one_of(st.binary(max_size=300), almost_tables().map(str.encode), texts.map(str.encode)))
def test_any_bytes_give_cells_or_a_refusal(tmp_path_factory, raw):
    path = tmp_path_factory.mktemp("fuzz") / "arms.csv"
    path.write_bytes(raw)
    try:
        cells = read_cells([path])
    except TableError as refusal:
        assert str(path) in str(refusal)
    else:
        assert cells and all(0 <= arm.accuracy <= 1 for cell in cells for arm in cell.arms.values())


names = st.text(string.ascii_letters + string.digits + " ,\"'\n;é", min_size=1, max_size=8).filter(str.strip)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    model=names,
    accuracies=st.dictionaries(
        st.sampled_from(["frozen", "random", "majority", "true"]), st.integers(0, 500), min_size=1
    ),
)
def test_what_is_written_comes_back(model, accuracies):
    table = pd.DataFrame(
        {
            "study": "s",
            "model": model,
            "benchmark": "b",
            "arm": list(accuracies),
            "accuracy": [n / 500 for n in accuracies.values()],
            "n_items": 500,
        }
    )
    (cell,) = read_cells([table])
    assert cell.model == model.strip() and not cell.notices
    assert {name: arm.accuracy for name, arm in cell.arms.items()} == {
        name: n / 500 for name, n in accuracies.items()
    }


def test_a_lone_dash_is_standard_input_and_no_other_name_is(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n")))
    assert read_text("-") == ("standard input", "a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    for name in ("+", "a"):
        Path(name).write_text("c\n")
        assert read_text(name) == (name, "c\n")
