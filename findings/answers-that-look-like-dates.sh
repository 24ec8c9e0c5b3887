#!/usr/bin/env bash
# Guess: a label in quotation marks is read as text.
# What happens: if all labels of a file look like 2024-01-05, the column becomes points in time and str(label) is
# "2024-01-05 00:00:00"; declaring the column as text keeps the added midnight. One other label keeps all as written.
# Where: datasets 5.2.0 through pyarrow 26.0.1's JSON reader.
# For a comparison of arms: on questions about dates no reply equals its label and TRUE pays nothing, in a file by
# itself; joined with other questions it works. Declared features do not help: check labels as read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import json, os
os.environ["HF_HUB_OFFLINE"] = "1"
from importlib.metadata import version
from datasets import Features, Value, disable_progress_bars, load_dataset

disable_progress_bars()
print({n: version(n) for n in ("datasets", "pyarrow")})
def read(labels, name, **more):
    with open(name, "w") as f:
        f.writelines(json.dumps({"label": x}) + "\n" for x in labels)
    return load_dataset("json", data_files=name, split="train", cache_dir="cache", **more)["label"][:]
dates = read(["2024-01-05", "2024-01-06"], "dates.jsonl")
mixed = read(["2024-01-05", "Friday"], "mixed.jsonl")
told = read(["2024-01-05", "2024-01-06"], "told.jsonl", features=Features({"label": Value("string")}))
print("dates alone:", [str(d) for d in dates], "| with another label:", mixed, "| features given:", told)
assert str(dates[0]) == told[0] == "2024-01-05 00:00:00" and mixed == ["2024-01-05", "Friday"]
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
