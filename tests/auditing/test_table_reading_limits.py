"""What a column takes, to its last accepted value and the first refused one; and where a row stands."""

import pandas as pd
import pytest

from rlvr.auditing.table_reading import TableError, line_of, lines_of, read_frame, read_text

ARMS_ROW = {"study": "s", "model": "m", "benchmark": "b", "arm": "true", "accuracy": "0.5", "n_items": "5"}
ITEM_ROW = {
    "study": "s",
    "model": "m",
    "benchmark": "b",
    "arm": "true",
    "run": "1",
    "item": "a",
    "correct": "1",
}


def read(row):
    return read_frame("t.csv", pd.DataFrame([row]).to_csv(index=False))


@pytest.mark.parametrize(
    ("column", "accepted", "refused"),
    [
        ("accuracy", ("0", "1", "0.0", "1e-3"), ("-0.001", "1.001", "", "half")),
        ("accuracy_percent", ("0", "100", "99.99"), ("-0.1", "100.1", "", "50%")),
        ("n_items", ("1", "1000000000", "500.0", ""), ("0", "1000000001", "1.5", "-1")),
        ("samples_per_item", ("1", ""), ("0", "0.5")),
        ("n_runs", ("1", ""), ("0", "2.5")),
        ("n_evaluations", ("1", ""), ("0", "x")),
        ("run_sd_runs", ("2", "1000000000", "5.0", ""), ("1", "1000000001", "2.5")),
        ("run_sd", ("0", "100", "0.065", ""), ("-0.001", "100.1", "x")),
        ("role", ("arm", "alternative", "ARM", ""), ("other",)),
        ("comparable", ("strict", "near", "no", ""), ("yes",)),
        ("arm", ("frozen", "Random", "MAJORITY"), ("", "other")),
        ("study", ("x",), ("",)),
        ("model", ("x",), ("",)),
        ("benchmark", ("x",), ("",)),
    ],
)
def test_a_column_of_the_arms_format(column, accepted, refused):
    row = {
        name: value for name, value in ARMS_ROW.items() if (name, column) != ("accuracy", "accuracy_percent")
    }
    for value in accepted:
        assert read({**row, column: value})[column].tolist() == [value]
    for value in refused:
        with pytest.raises(TableError, match=rf"t\.csv, line 2: {column} must be .*, got '{value}'$"):
            read({**row, column: value})


@pytest.mark.parametrize(
    ("column", "accepted", "refused"),
    [
        ("correct", ("0", "1", "0.25", "True", "FALSE"), ("-0.1", "1.1", "yes", "")),
        ("run", ("x",), ("",)),
        ("item", ("x",), ("",)),
    ],
)
def test_a_column_of_the_outcomes_format(column, accepted, refused):
    for value in accepted:
        assert read({**ITEM_ROW, column: value})[column].tolist() == [value]
    for value in refused:
        with pytest.raises(TableError, match=f"line 2: {column} must be .*, got '{value}'$"):
            read({**ITEM_ROW, column: value})


def test_a_refusal_says_whether_an_empty_field_would_do():
    with pytest.raises(TableError, match="from 1 to 1,000,000,000, or empty, got '0'"):
        read({**ARMS_ROW, "n_items": "0"})
    with pytest.raises(TableError, match="one of arm, alternative, or empty, got 'x'"):
        read({**ARMS_ROW, "role": "x"})
    with pytest.raises(TableError, match="one of frozen, random, majority, true, got 'x'"):
        read({**ARMS_ROW, "arm": "x"})


def test_the_first_wrong_row_is_named_whatever_its_column():
    lines = ["study,model,benchmark,arm,accuracy,n_items", "s,m,b,true,0.5,5", "s,m,b,frozen,0.5,x",
             "s,m,b,other,0.5,5", "s,m,b,random,2,5"]  # fmt: skip
    with pytest.raises(TableError, match="line 3: n_items"):
        read_frame("t.csv", "\n".join(lines))
    with pytest.raises(TableError, match="line 3: arm"):
        read_frame("t.csv", "\n".join([*lines[:2], *lines[3:]]))


def test_columns_that_are_missing_twice_or_both():
    header = ",".join(ARMS_ROW)
    with pytest.raises(
        TableError, match=r"t\.csv, line 1: missing model, accuracy \(or accuracy_percent\); accepted"
    ):
        read_frame("t.csv", "study,benchmark,arm,n_items\ns,b,true,5\n")
    with pytest.raises(TableError, match="line 1: missing study, item; accepted are the columns"):
        read_frame("t.csv", "model,benchmark,arm,run,correct\nm,b,true,1,1\n")
    with pytest.raises(TableError, match="line 3: the column 'arm' stands twice; each is accepted once"):
        read_frame("t.csv", f"\n\n{header},arm\n")
    with pytest.raises(TableError, match="line 1: accuracy and accuracy_percent both stand"):
        read_frame("t.csv", f"{header},accuracy_percent\ns,m,b,true,0.5,5,50\n")
    both = "study,model,benchmark,arm,run,item,correct,accuracy,n_items\ns,m,b,true,1,a,1,0.5,5\n"
    assert read_frame("t.csv", both)["accuracy"].tolist() == ["0.5"]  # an accuracy makes it a table of arms


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        (" , \n", "line 1: the file is empty"),
        ("{head}\n", "line 2: no rows below the header; one row an arm or an item is accepted"),
        ("{head}\ns,m,b,true,0.5\n", "line 2: has 5 fields; 6 comma-separated fields are accepted"),
        ("{head}\ns,m,b,true,0.5,5\ns,m,b,true,0.5,5,6\n", "line 3: has 7 fields; 6 comma-separated"),
        ('{head}\ns,m,b,true,0.5,5\n"s,m,b,frozen,0.5,5\n', "line 3: unexpected end of data"),
        ('{head}\ns,m,b,true,0.5,5\n"s"x,m,b,frozen,0.5,5\n', "line 3: "),
    ],
)
def test_what_is_no_table_of_lines_alike(text, message):
    with pytest.raises(TableError, match=rf"t\.csv, {message}"):
        read_frame("t.csv", text.replace("{head}", ",".join(ARMS_ROW)))


def test_a_row_is_found_on_its_line():
    plain = "a,b\n1,2\n3,4\n"
    assert [line_of("t", plain, row) for row in (0, 1)] == [2, 3]
    assert list(lines_of("t", plain)) == list(lines_of("t", plain.rstrip())) == [2, 3]
    assert line_of("t", plain, 99) == 3
    quoted = 'a,b\n"1\n2",3\n\n4,5\n6,7'
    assert [line_of("t", quoted, row) for row in (0, 1, 2, 99)] == [2, 5, 6, 6]
    assert list(lines_of("t", "a,b\r\n1,2\r\n\r\n3,4")) == [2, 4]
    assert list(lines_of("t", "a,b\n1,2\n \n3,4\n\n")) == [2, 4]


def test_files_name_the_line_that_cannot_be_read(tmp_path):
    path = tmp_path / "t.csv"
    for raw, message in (
        (b"a,b\n1,\xff\n", "line 2: not UTF-8"),
        (b"\xff", "line 1: not UTF-8"),
        (b"a\n\n\0", "line 3: holds a NUL byte"),
        (b"\0", "line 1: holds a NUL byte"),
    ):
        path.write_bytes(raw)
        with pytest.raises(TableError, match=message):
            read_text(path)
    path.write_bytes(b"\xef\xbb\xbfa,b\n")
    assert read_text(path) == (str(path), "a,b\n")


def test_a_data_frame_is_read_as_its_file_would_be():
    frame = pd.DataFrame({
        "study": ["s", None, 'a "b"'], "model": pd.Categorical(["m", "n", "m"], ["n", "m", "unused"]),
        "benchmark": 1, "arm": "true", "accuracy": [0.5, 0.1 + 0.2, 1], "n_items": [5, 6, 7],
        "note": [None] * 3, "flag": [True, False, None], "run_sd": [0.1, None, 0.25],
    }).assign(study=["s", "t", 'a "b"'])  # fmt: skip
    name, given = read_text(frame)
    assert name == "table" and given is frame
    read_back = read_frame("t", frame.to_csv(index=False))
    direct = read_frame("table", frame)
    assert direct.astype(str).to_dict("list") == read_back.astype(str).to_dict("list")
    assert direct["accuracy"].tolist() == ["0.5", "0.30000000000000004", "1.0"]
    assert (list(lines_of("table", frame)), line_of("table", frame, 1)) == ([2, 3, 4], 3)
    with pytest.raises(TableError, match=r"table, line 3: n_items must be .*, got '-1'"):
        read_frame("table", frame.assign(n_items=[1, -1, 1]))
    with pytest.raises(TableError, match="line 2: no rows below the header"):
        read_frame("table", frame[:0])
