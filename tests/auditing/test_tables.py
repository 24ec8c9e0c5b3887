"""The reader of tables: what it accepts, as a file or as a spreadsheet writes it, and how it refuses."""

import csv
import io
import re
import string
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlvr.auditing.cells import read_cells
from rlvr.auditing.tables import ARMS_NEED, OF_ARMS, OUTCOMES_NEED, REMARKS, TableError, read_table

HEADER = "study,model,benchmark,arm,accuracy,n_items"
GOOD = f"{HEADER}\ns,m,b,frozen,0.25,500\ns,m,b,true,0.75,500\n"
PERCENT = GOOD.replace("accuracy", "accuracy_percent")
ITEMS = "study,model,benchmark,arm,run,item,correct\n"
OUTCOMES = ITEMS + "s,m,b,frozen,1,a,0.5\ns,m,b,frozen,1,b,0\ns,m,b,true,1,a,1\ns,m,b,true,1,b,0.25\n"


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "arms.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def refusal(source):
    with pytest.raises(TableError) as refused:
        read_table(source)
    assert "\n" not in str(refused.value)
    assert any(word in str(refused.value) for word in ("accepted", "must be", "ignored"))
    return str(refused.value)


# What is accepted ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";").replace("0.", "0,"),
        lambda text: text.replace(",", "\t").replace("0.", ","),
        lambda text: "\ufeff" + text.replace(",", ";").replace("\n", "\r\n"),
        lambda text: re.sub("^(.*)$", r'"\1"', text.rstrip("\n"), flags=re.M) + "\n",
        lambda text: "\ufeff" + "".join(f'"{line}"\r\n' for line in text.split()),
        lambda text: re.sub("([^,\n]+)", r'"\1"', text),
        lambda text: re.sub("([^;\n]+)", r'"\1"', text.replace(",", ";")),
    ],
)
@pytest.mark.parametrize("plain", [GOOD, OUTCOMES])
def test_a_spreadsheet_s_file_is_the_plain_table(write, written, plain):
    assert written(plain) != plain
    (expected,), (read,) = read_cells([write(plain)]), read_cells([write(written(plain))])
    assert read == expected  # accuracies, sizes, file and line
    for name, arm in expected.arms.items():
        if arm.outcomes is not None:
            assert read.arms[name].outcomes.tolist() == arm.outcomes.tolist()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('"study;model;benchmark;arm;accuracy;n_items"\n"a ""b"";m;b;true;0,5;9"\n', ['a "b"', "0.5"]),
        ("\n \nstudy;model;benchmark;arm;accuracy;n_items\ns,x;m;b;true; +,25 ;9", ["s,x", " +.25 "]),
        (HEADER + '\n"s,x",m,b,true,"0.5",9\n', ["s,x", "0.5"]),
    ],
)
def test_quotes_and_decimal_commas_where_they_belong(write, text, values):
    assert read_table(write(text)).frame[["study", "accuracy"]].to_numpy().tolist() == [values]


def test_quotes_stay_where_not_every_field_hides_in_them(write):
    for text in ('"study","model"\n', '"study"\n"s"\n', '"a,b"\n"c,d"\n'):
        assert "line 1: missing " in refusal(write(text))


@pytest.mark.parametrize(
    ("row", "column", "accepted", "refused"),
    [
        (GOOD, "accuracy", ("0", "1", "0.0", "1e-3"), ("-0.001", "1.001", "", "half", "NaN", "inf", "75%")),
        (PERCENT, "accuracy_percent", ("0", "100", "99.99"), ("-0.1", "100.1", "", "50%")),
        (
            GOOD,
            "n_items",
            ("1", "1000000000", "500.0", ""),
            ("0", "1000000001", "1.5", "-1", "five", "1.000", "1.319", "12.000"),
        ),
        (GOOD, "samples_per_item", ("1", ""), ("0", "0.5")),
        (GOOD, "n_runs", ("1", ""), ("0", "2.5")),
        (GOOD, "n_evaluations", ("1", ""), ("0", "x")),
        (GOOD, "run_sd_runs", ("2", "1000000000", "5.0", ""), ("1", "1000000001", "2.5")),
        (GOOD, "run_sd", ("0", "100", "0.065", ""), ("-0.001", "100.1", "x")),
        (GOOD, "role", ("arm", "alternative", "ARM", ""), ("other",)),
        (GOOD, "comparable", ("strict", "near", "no", ""), ("yes",)),
        (GOOD, "decoding", ("greedy", "Sampled", "not applicable", ""), ("beam",)),
        (GOOD, "arm", ("frozen", "Random", "MAJORITY"), ("", "other")),
        (GOOD, "study", ("x",), ("",)),
        (GOOD, "model", ("x",), ("",)),
        (GOOD, "benchmark", ("x",), ("",)),
        (OUTCOMES, "correct", ("0", "1", "0.25", "True", "FALSE"), ("-0.1", "1.1", "yes", "")),
        (OUTCOMES, "run", ("x",), ("",)),
        (OUTCOMES, "item", ("x",), ("",)),
    ],
)
def test_what_a_column_takes(write, row, column, accepted, refused):
    frame = pd.read_csv(io.StringIO(row), dtype=str).head(1)

    def of(value):
        return write(frame.assign(**{column: value}).to_csv(index=False))

    for value in accepted:
        assert read_table(of(value)).frame[column].tolist() == [value]
    empty = "" in accepted
    for value in refused:
        message = refusal(of(value))
        assert re.search(
            rf"arms\.csv, line 2: {column} must be .*, got '{value}'(; did you|; a point|$)", message
        )
        assert (", or empty, got" in message) == empty


def test_spaces_around_values_and_the_spelling_true_of_a_spreadsheet_are_fine():
    text = HEADER.replace(",", " , ") + "\n s , m ,b, TRUE , 0.5 , 500.0 \n"
    (cell,) = read_cells([pd.read_csv(io.StringIO(text), dtype=str)])
    assert cell.arms["true"].n_items == 500


def test_an_accuracy_makes_it_a_table_of_arms(write):
    both = "study,model,benchmark,arm,run,item,correct,accuracy,n_items\ns,m,b,true,1,a,1,0.5,5\n"
    assert read_table(write(both)).frame["accuracy"].tolist() == ["0.5"]


def test_a_lone_dash_is_standard_input_and_no_other_name_is(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(GOOD.encode())))
    table = read_table("-")
    assert (table.name, table.text) == ("standard input", GOOD)
    monkeypatch.chdir(tmp_path)
    for name in ("+", "a"):
        Path(name).write_text(PERCENT.replace("0.", ""))
        assert (read_table(name).name, list(read_table(name).frame)[4]) == (name, "accuracy_percent")


def test_a_data_frame_is_read_as_its_file_would_be(write):
    frame = pd.DataFrame({
        "study": ["s", "t", 'a "b"'], "model": pd.Categorical(["m", "n", "m"], ["n", "m", "unused"]),
        "benchmark": 1, "arm": "true", "accuracy": [0.5, 0.1 + 0.2, 1], "n_items": [5, 6, 7],
        "note": [None] * 3, "flag": [True, False, None], "run_sd": [0.1, None, 0.25],
    })  # fmt: skip
    direct, from_file = read_table(frame), read_table(write(frame.to_csv(index=False)))
    assert direct.frame.astype(str).to_dict("list") == from_file.frame.astype(str).to_dict("list")
    assert direct.frame["accuracy"].tolist() == ["0.5", "0.30000000000000004", "1.0"]
    assert (direct.name, list(direct.lines)) == ("table", [2, 3, 4])
    assert "table, line 3: n_items must be" in refusal(frame.assign(n_items=[1, -1, 1]))
    assert "table, line 2: no rows below the header" in refusal(frame[:0])


def test_blank_columns_and_lines_of_a_spreadsheet_are_passed_over(write):
    ragged = "".join(f"{line},,\n,,,,,,,\n" for line in GOOD.splitlines())
    table = read_table(write(ragged))
    assert table.frame[HEADER.split(",")].equals(read_table(write(GOOD)).frame) and [*table.lines] == [3, 5]


@pytest.mark.parametrize("dtype", ["float32", "Float32"])
def test_a_number_in_single_precision_is_a_whole_number_of_answers(dtype):
    values = pd.array([0.494, 0.786], dtype=dtype)
    frame = pd.DataFrame({"arm": ["frozen", "true"], "accuracy": values, "n_items": 500})
    (cell,) = read_cells(frame)
    assert not any("whole number" in notice for notice in cell.notices)
    assert cell.arms["true"].accuracy == pytest.approx(0.786, abs=1e-7)


def test_known_columns_in_the_index_of_a_frame_are_read():
    runs = pd.DataFrame({"arm": ["true"] * 2 + ["frozen"], "seed": [1, 2, 1], "accuracy": 0.5, "n_items": 5})
    means = runs.groupby(["arm", "seed"])[["accuracy", "n_items"]].mean()
    assert read_cells(means)[0].arms["true"].seeds == ("1", "2")
    spread = runs.groupby("arm").agg({"accuracy": ["mean", "std"], "n_items": "first"})
    message = refusal(spread)
    assert "accuracy by 'accuracy_mean'" in message and "std" not in message


@pytest.mark.parametrize(
    "source",
    [None, 0.5, {"arm": ["true"]}, [{"arm": "true"}], pd.Series([0.5]), pd.DataFrame({"arm": [["true"]]})],
)
def test_what_is_no_table_is_told_what_is(source):
    with pytest.raises(TableError, match=r"DataFrame|lists or arrays|missing"):
        read_cells(source)


@pytest.mark.parametrize("column, name", [("n_samples", "samples_per_item"), ("cluster", "one row an item")])
def test_a_column_of_another_format_is_said_to_be_passed_over(column, name, write):
    text = GOOD.replace("n_items", f"n_items,{column}").replace("500\n", "500,64\n")
    assert any(column in notice and name in notice for notice in read_table(write(text)).notices)


# What is refused ----------------------------------------------------------------------------------

BAD = {
    "empty file": ("", ["line 1", "empty", "accuracy"]),
    "blank lines only": ("\n\n", ["line 1", "empty"]),
    "blank fields only": (" , \n", ["line 1", "empty"]),
    "header only": (HEADER + "\n", ["line 2", "no rows below the header; one row an arm or an item"]),
    "missing column": ("study,model,benchmark,arm,accuracy\ns,m,b,true,0.5\n", ["line 1", "missing n_items"]),
    "missing two": ("study,benchmark,arm,n_items\ns,b,true,5\n",
                    ["line 1: missing accuracy (or accuracy_percent); accepted"]),
    "missing of outcomes": ("model,benchmark,arm,run,correct\nm,b,true,1,1\n", ["missing item; acc"]),
    "both accuracies": (HEADER + ",accuracy_percent\ns,m,b,true,0.5,5,50\n", ["line 1", "both given"]),
    "column twice": (f"\n\n{HEADER},n_items\n", ["line 3", "'n_items' appears twice"]),
    "unknown arm": (GOOD + "s,m,b,spurious,0.5,500\n", ["line 4", "arm must be one of frozen, random"]),
    "first wrong row": (GOOD.replace("frozen,0.25,500", "frozen,0.5,x") + "s,m,b,other,2,5\n",
                        ["line 2: n_items"]),
    "first wrong row's arm": (GOOD + "s,m,b,other,0.5,5\ns,m,b,random,2,5\n", ["line 4: arm"]),
    "fraction then percent": (GOOD.replace("0.75", "75.0"), ["line 3", "percentages go in accuracy_percent"]),
    "count with a comma": (GOOD.replace(",", ";").replace("500", "1,000"), ["line 2: n_items must be"]),
    "decimal comma in commas": (GOOD.replace("0.25", '"0,25"'), ["got '0,25'"]),
    "too many fields": (GOOD + "s,m,b,random,0.5,500,9\n", ["line 4", "7 fields; 6 comma-separated fields"]),
    "too many fields in every row": (f"{HEADER}\ns,m,b,true,0.5,5,7\n", ["line 2", "7 fields"]),
    "too few fields": (GOOD + "s,m,b,random\n", ["line 4", "4 fields"]),
    "semicolons, one short": (GOOD.replace(",", ";") + "s;m\n", ["line 4", "6 semicolon-separated fields"]),
    "tabs, one short": (GOOD.replace(",", "\t") + "s\tm\n", ["line 4: has 2 fields; 6 tab-separated"]),
    "open quote": (GOOD + 's,m,b,"random,0.5,500\n', ["line 4: unexpected end of data"]),
    "text after a quote": (GOOD + '"s"x,m,b,random,0.5,500\n', ["line 4: "]),
    "bars": (GOOD.replace(",", "|"), ["line 1", "missing arm"]),
    "nul byte": (GOOD + "s,m,b,random\0,0.5,500\n", ["line 4: holds a NUL byte"]),
    "nul byte at once": ("\n\0", ["line 2: holds a NUL byte"]),
    "not UTF-8": ((GOOD + "s,modèle,b,random,0.5,500\n").encode("latin-1"), ["line 4: not UTF-8"]),
    "not UTF-8 at once": (b"\n\xff", ["line 2: not UTF-8"]),
    "workbook": ("PK\3\4 and so on", ["workbook or archive; a table saved as CSV (UTF-8) is accepted"]),
    "spreadsheet's mark": ("sep=;\n" + GOOD.replace(",", ";"), ["line 1: 'sep=;' is a line for"]),
}  # fmt: skip


@pytest.mark.parametrize("text, expected", BAD.values(), ids=BAD)
def test_refusals_name_file_line_and_what_is_accepted(write, text, expected):
    path = write(text)
    message = refusal(path)
    assert [part for part in (str(path), *expected) if part not in message] == []


@pytest.mark.parametrize("value", ["-", "NaN", "n/a"])
def test_an_arm_without_a_result_has_no_row(write, value):
    assert "left out" in refusal(write(GOOD.replace("0.75", value)))


def test_what_is_no_file_of_text(tmp_path):
    assert "no such file; a comma-separated text file" in refusal(tmp_path / "none.csv")
    assert "this is a folder; a comma-separated text file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("accuracy", "acuracy", "(or accuracy_percent); did you mean accuracy by 'acuracy'? acc"),
        ("study", "Study", "line 1: the column 'Study' is not known, did you mean study? "),
        ("n_items", "N items", "line 1: missing n_items; did you mean n_items by 'N items'? accepted"),
        ("benchmark", "dataset", "'dataset' is not known, did you mean benchmark? "),
        ("benchmark", "data_source", "'data_source' is not known, did you mean benchmark? "),
        ("model", "Model name", "'Model name' is not known, did you mean model? "),
        (
            "benchmark",
            "seed,run",
            "line 1: the columns seed and run are both given; the one that tells runs apart is acc",
        ),
        ("arm,", "colour,", "line 1: missing arm; accepted are the columns"),
        ("frozen", "frosen", "gt, got 'frosen'; did you mean frozen?"),
        (
            "frozen",
            "start",
            "line 2: arm must be one of frozen, random, majority, true, or a common name of one ",
        ),
        ("n_items", "n_items,run-sd", "line 1: the column 'run-sd' is not known, did you mean run_sd? "),
        ("n_items", "n_items,Decoding", "'Decoding' is not known, did you mean decoding? "),
    ],
)
def test_what_looks_like_a_known_name_is_suggested(write, old, new, hint):
    text = GOOD.replace(old, new, 1)
    message = refusal(write(text.replace("500\n", "500,\n") if new.count(",") > old.count(",") else text))
    assert hint in message and message.count("did you mean") == hint.count("did you mean")


@pytest.mark.parametrize("misspelt", ["sample_per_item", "samples per item"])
def test_a_column_of_outcomes_that_counts_is_not_passed_over_misspelt(write, misspelt):
    text = re.sub("$", ",2", OUTCOMES.strip(), flags=re.M).replace("correct,2", f"correct,{misspelt}")
    assert "is not known, did you mean samples_per_item?" in refusal(write(text))


def test_other_columns_are_passed_over(write):
    wide = GOOD.replace("n_items", "n_items,remark").replace("500", "500,0.1")
    assert read_cells([write(wide)])[0].arms["true"].run_sd is None
    both = GOOD.replace("n_items", "n_items,run_sd,runs_sd").replace("500", "500,0.1,7")
    assert read_cells([write(both)])[0].arms["true"].run_sd == 0.1  # the known one is there


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (["s,m,b,true,0.5,5", "t,m,b,true,0.5,5"], [2, 3]),
        (["s,m,b,true,0.5,5", "", '"t', 'u",m,b,true,0.5,5', "v,m,b,true,0.5,5"], [2, 4, 6]),
        (["s,m,b,true,0.5,5", " ", "t,m,b,true,0.5,5", ""], [2, 4]),  # a line of spaces is blank, too
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_row_is_found_on_its_line(write, rows, lines, ending):
    for end in ("", ending):
        table = read_table(write("\ufeff" + ending.join([HEADER, *rows]) + end))
        assert list(table.lines) == lines
        assert [table.place(row).rpartition(" ")[2] for row in (0, 99)] == [str(lines[0]), str(lines[-1])]


# Whatever comes -----------------------------------------------------------------------------------

fields = st.one_of(
    st.sampled_from(["s", "m", "b", "frozen", "random", "majority", "true", "0.5", "49.4", "1e3", "nan", ""]),
    st.text(max_size=8),
    st.floats().map(str),
)
columns = st.sampled_from(
    [*ARMS_NEED, *OF_ARMS, *REMARKS, *OUTCOMES_NEED, "accuracy", "accuracy_percent", "other"]
)


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
@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    raw=st.one_of(
        st.binary(max_size=300),
        almost_tables().map(str.encode),
        almost_tables().map(str.encode),
        st.text(max_size=400).map(str.encode),
    )
)
def test_any_bytes_give_cells_or_a_refusal_with_a_line(tmp_path_factory, raw):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(raw)
    try:
        cells = read_cells([path])
    except TableError as refused:
        assert str(path) in str(refused)
        packed = (b"PK", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
        assert raw.startswith(packed) or re.search(r", line \d+", str(refused))
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
    shares = {name: n / 500 for name, n in accuracies.items()}
    table = {"study": "s", "model": model, "benchmark": "b", "arm": list(shares), "n_items": 500}
    (cell,) = read_cells([pd.DataFrame({**table, "accuracy": list(shares.values())})])
    assert cell.model == model.strip() and not cell.notices
    assert {name: arm.accuracy for name, arm in cell.arms.items()} == shares


def test_columns_by_the_names_that_people_give_them_are_hinted_at(write):
    text = refusal(write("arm,benchmark,n_seeds,mean,std,n,seed\ntrue,b,3,0.6,0.02,50,1\n"))
    hints = {"n_runs": "n_seeds", "accuracy": "mean", "run_sd": "std", "n_items": "n"}
    for name, column in hints.items():
        assert f"did you mean {name} by '{column}'?" in text
    assert "study by" not in text


def test_a_table_of_very_many_columns_is_refused_at_once(tmp_path):
    (tmp_path / "t.csv").write_text(",".join(f"column{n}" for n in range(100_000)))
    with pytest.raises(TableError, match="line 1: 100,000 columns; at most 1,000 are accepted"):
        read_table(tmp_path / "t.csv")
