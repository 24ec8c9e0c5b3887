#!/usr/bin/env bash
# Guess: a prompt file whose label column holds texts and numbers is refused, or read as text.
# What happens: datasets reads the texts as JSON too: "073" becomes 73, "0.50" 0.5, "1e5" 100000.0, "[1,2]" a list,
# "true" True, "null" and "NaN" None; "1/2" stays text. One number among the labels is enough. The same rows through
# Dataset.from_list raise an error; written with to_parquet, pandas reads "073" and datasets reads 73.
# Where: datasets 5.2.0, JSON loader with the Json feature type (new in 2026).
# For a comparison of arms: labels with leading zeros (AIME), lists and "NaN" change before the grader sees them, so
# TRUE is paid by other labels than the file's. Write every label as text, and compare labels as read with the file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import json, os
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
import pandas
from datasets import Dataset, disable_progress_bars, load_dataset

disable_progress_bars()
print("datasets", version("datasets"))
def read(labels, name):
    with open(name, "w") as f:
        f.writelines(json.dumps({"label": x}) + "\n" for x in labels)
    return load_dataset("json", data_files=name, split="train", cache_dir="cache")
texts = ["073", "0.50", "1e5", "[1,2]", "true", "null", "NaN", "1/2", "12,000"]
alone = read(texts, "texts.jsonl")["label"][:]
mixed = read(texts + [5], "mixed.jsonl")
print("all labels are texts:", alone)
print("one label is a 5:    ", mixed["label"][:])
assert alone == texts
assert mixed["label"][:] == [73, 0.5, 100000.0, [1, 2], True, None, None, "1/2", "12,000", 5]
try:
    Dataset.from_list([{"label": "5"}, {"label": 5}])
    raise SystemExit("from_list accepts mixed labels")
except Exception as error:
    print("from_list:", type(error).__name__)
mixed.to_parquet("mixed.parquet")
other = pandas.read_parquet("mixed.parquet")["label"].tolist()[0]
again = load_dataset("parquet", data_files="mixed.parquet", split="train", cache_dir="cache")["label"][0]
print("first label of the parquet file: pandas", repr(other), "datasets", repr(again))
assert other == "073" and again == 73
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
