"""Tables as spreadsheets write them give the cells of the plain table, line numbers included."""

import re

import pandas as pd
import pytest

from rlvr.auditing.study_cells import read_cells
from rlvr.auditing.table_dialects import nearest, separator_of, with_points, without_line_quotes
from rlvr.auditing.table_reading import TableError

PLAIN = "study,model,benchmark,arm,accuracy,n_items\ns,m,b,frozen,0.494,500\ns,m,b,true,0.7,500\n"
OUTCOMES = "study,model,benchmark,arm,run,item,correct\n" + "".join(
    f"s,m,b,{arm},1,{item},{right}\n"
    for arm, item, right in (("frozen", "a", 0.5), ("frozen", "b", 0), ("true", "a", 1), ("true", "b", 0.25))
)


def cells(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    return read_cells([path])


def refusal(tmp_path, text):
    with pytest.raises(TableError) as it:
        cells(tmp_path, text)
    assert "\n" not in str(it.value)
    return str(it.value)


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
@pytest.mark.parametrize("plain", [PLAIN, OUTCOMES])
def test_a_spreadsheet_s_file_is_the_plain_table(tmp_path, written, plain):
    assert written(plain) != plain
    (told,) = cells(tmp_path, plain)
    (read,) = cells(tmp_path, written(plain))
    assert read == told  # accuracies, sizes, file and line
    for arm, of in told.arms.items():
        if of.outcomes is not None:
            assert read.arms[arm].outcomes.tolist() == of.outcomes.tolist()


def test_a_comma_in_a_count_is_never_a_decimal(tmp_path):
    text = PLAIN.replace(",", ";").replace("500", "1,000")
    assert "line 2: n_items must be a whole number" in refusal(tmp_path, text)
    assert refusal(tmp_path, PLAIN.replace("0.494", '"0,494"')).endswith("got '0,494'")


def test_ragged_lines_are_counted_in_their_own_separator(tmp_path):
    assert "line 2: has 5 fields; 6 semicolon-separated fields are" in refusal(
        tmp_path, PLAIN.replace(",", ";").replace("frozen;", "frozen")
    )
    assert "line 4: has 2 fields; 6 tab-separated" in refusal(tmp_path, PLAIN.replace(",", "\t") + "s\tm\n")


def test_a_workbook_and_a_spreadsheet_s_mark_are_named(tmp_path):
    assert refusal(tmp_path, "PK\3\4 and so on").endswith(
        "this is a workbook or archive; a table saved as CSV (UTF-8) is accepted"
    )
    assert "line 1: 'sep=;' is a spreadsheet's mark; column names" in refusal(
        tmp_path, "sep=;\n" + PLAIN.replace(",", ";")
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("accuracy", "acuracy", "(or accuracy_percent); did you mean accuracy by 'acuracy'? acc"),
        ("study", "Study", "line 1: missing study; did you mean study by 'Study'? accepted are the columns"),
        ("n_items", "N items", "line 1: missing n_items; did you mean n_items by 'N items'? accepted"),
        ("arm,", "colour,", "line 1: missing arm; accepted are the columns"),
        ("frozen", "frosen", "random, majority, true, got 'frosen'; did you mean frozen?"),
        ("frozen", "base", "line 2: arm must be one of frozen, random, majority, true, got 'base'"),
    ],
)  # fmt: skip
def test_what_looks_like_a_known_name_is_suggested(tmp_path, old, new, said):
    message = refusal(tmp_path, PLAIN.replace(old, new, 1))
    assert said in message and message.count("did you mean") == said.count("did you mean")


def test_an_optional_column_misspelt_is_not_passed_over(tmp_path):
    wide = PLAIN.replace("n_items", "n_items,run-sd").replace("500", "500,0.1")
    assert "line 1: the column 'run-sd' is not known, did you mean run_sd? " in refusal(tmp_path, wide)
    assert cells(tmp_path, wide.replace("run-sd", "run_sd"))[0].arms["true"].run_sd == 0.1
    assert cells(tmp_path, wide.replace("run-sd", "remark"))[0].arms["true"].run_sd is None
    both = PLAIN.replace("n_items", "n_items,run_sd,runs_sd").replace("500", "500,0.1,7")
    assert cells(tmp_path, both)[0].arms["true"].run_sd == 0.1  # the known one is there: nothing to suggest


def test_the_separator_is_that_of_most_known_names():
    known = {"study", "model", "arm"}
    assert [separator_of(text, known) for text in ("", "a;b;c", "study", "study,a;b")] == [","] * 4
    assert separator_of("\n \nstudy;model,x;arm\nstudy,model,arm", known) == ";"
    assert separator_of('"study"\t"model"', known) == "\t"


def test_quotes_around_lines_are_taken_off_only_where_every_field_hides_in_them():
    known = {"study", "model"}
    for text in ("", '"study","model"\n', '"study"\n"s"\n', '"a,b"\n"c,d"\n', "study,model\n"):
        assert without_line_quotes(text, known) == text
    assert (
        without_line_quotes('"study;model"\r\n"a ""b"";c"\r\nx;y', known) == 'study;model\r\na "b";c\r\nx;y'
    )


def test_points_for_decimal_commas_alone():
    column = pd.Series(["0,5", "0.5", "1,2,3", "a,5", "-,25", "1 "]).astype("category")
    assert with_points(column).tolist() == ["0.5", "0.5", "1,2,3", "a,5", "-.25", "1 "]


def test_the_nearest_name_or_none():
    assert nearest("TRUE", ["true", "frozen"]) == "true"
    assert nearest("samples per item", ["samples_per_item", "n_items"]) == "samples_per_item"
    assert nearest("accuracies", ["accuracy"], cutoff=0.9) == "" and nearest("", ["arm"]) == ""
