#!/usr/bin/env bash
# Guess: a column, None where the function gave nothing.
# What happens: where the first item has no label, `map` drops the labels of all items without a message; where the
# first item has one and a later item has none, `map` raises a KeyError. A streamed data set keeps the labels of
# some items. `from_generator` and `from_list` drop a key that the first item lacks as well.
# Where: datasets 5.2.0.
# For a comparison of arms: whether the label column exists depends on the first question, so a reward function with a
# default label trains without labels. Return the same keys for every item, and check the columns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datasets==5.2.0
cat > "$work/check.py" <<'EOF'
import os
os.environ["HF_DATASETS_OFFLINE"], os.environ["HF_HOME"] = "1", "cache"
from importlib.metadata import version
import datasets

print("datasets", version("datasets"))
datasets.disable_progress_bars()

def labelled(row):
    return {"label": row["solution"][5:]} if row["solution"].startswith("#### ") else {}

unread_first = datasets.Dataset.from_dict({"solution": ["see the text", "#### 5", "#### 7"]})
unread_later = datasets.Dataset.from_dict({"solution": ["#### 5", "see the text", "#### 7"]})
print("first item unread:", unread_first.map(labelled)[:])
assert unread_first.map(labelled).column_names == ["solution"]
try:
    raise SystemExit(f"later item unread: {unread_later.map(labelled)[:]}")
except KeyError as error:
    print("later item unread: KeyError", error)
streamed = [row.get("label") for row in unread_first.to_iterable_dataset().map(labelled)]
print("streamed:", streamed)
assert streamed == [None, "5", "7"]
rows = [{"question": "a"}, {"question": "b", "label": "5"}]
for made in (datasets.Dataset.from_generator(lambda: iter(rows)), datasets.Dataset.from_list(rows)):
    assert made.column_names == ["question"]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
