#!/usr/bin/env bash
# Guess: two prompt files, one with whole labels and one with text labels, are refused or read each as written.
# What happens: the type of the first file is forced on the second, without a word: 5 then "073" gives 5 and 73,
# "073" then 5 gives "073" and "5". concatenate_datasets refuses the same pair.
# Where: datasets 5.2.0, load_dataset("json") with several data_files.
# For a comparison of arms: the order of training files decides whether labels with zeros are right, so an arm that
# adds a file in front is graded by other labels. Write labels as text in every file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import json, os
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
from datasets import Dataset, concatenate_datasets, disable_progress_bars, load_dataset

disable_progress_bars()
print("datasets", version("datasets"))
for name, label in (("number.jsonl", 5), ("text.jsonl", "073")):
    with open(name, "w") as f:
        f.write(json.dumps({"label": label}) + "\n")
def read(*names):
    return load_dataset("json", data_files=list(names), split="train", cache_dir="cache")["label"][:]
print("numbers first:", read("number.jsonl", "text.jsonl"), " text first:", read("text.jsonl", "number.jsonl"))
assert read("number.jsonl", "text.jsonl") == [5, 73] and read("text.jsonl", "number.jsonl") == ["073", "5"]
try:
    concatenate_datasets([Dataset.from_list([{"label": 5}]), Dataset.from_list([{"label": "073"}])])
    raise SystemExit("concatenate_datasets accepts the pair")
except ValueError:
    print("concatenate_datasets: ValueError")
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
