"""The folder of stored tables, and the one way to read them."""

from rlvr._data import DATA, stored_table


def test_the_folder_lies_in_the_package_and_says_what_it_holds():
    assert DATA.name == "data" and DATA.parent.name == "rlvr"
    text = (DATA / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DATA.iterdir() if path.name not in text and path.name != "README.md"] == []


def test_a_table_is_read_as_asked():
    numbers, texts = stored_table("crossings.csv"), stored_table("crossings.csv", dtype=str)
    assert numbers["n"].dtype.kind == "i" and isinstance(texts["n"].iloc[0], str)
    assert len(numbers) == len(texts) > 0
