#!/usr/bin/env bash
# Guess: a key that some lines of a JSONL log have, such as `error`, is a column after reading.
# What happens: polars looks at the first 100 lines; a key that first appears later is left out without a word, so a log
# in which the last 100 of 300 samples failed has no `error` column. pandas and DuckDB read it. A value of another type
# after line 100 (0.5 after 0 and 1) is an error, so only the missing key is silent.
# Where: polars 2.1.0 read_ndjson and scan_ndjson, infer_schema_length.
# For a comparison of arms: failures are often late (a full disk, a limit of calls), so the count of failed samples is
# 0 in an arm that has many. Use infer_schema_length=None.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check polars==2.1.0 duckdb==2.0.0 pandas==3.1.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import json
from importlib.metadata import version
import duckdb, pandas as pd, polars as pl

print({n: version(n) for n in ("polars", "duckdb", "pandas")})
with open("log.jsonl", "w") as file:
    for i in range(300):
        file.write(json.dumps({"id": i, "score": i % 2, **({"error": "limit"} if i >= 200 else {})}) + "\n")
columns = {"polars read": pl.read_ndjson("log.jsonl").columns, "polars scan": pl.scan_ndjson("log.jsonl").collect().columns,
           "polars, all lines": pl.read_ndjson("log.jsonl", infer_schema_length=None).columns,
           "pandas": list(pd.read_json("log.jsonl", lines=True)),
           "duckdb": duckdb.sql("select * from read_json_auto('log.jsonl')").columns}
for reader, names in columns.items():
    print(f"{reader:18}", names)
    assert ("error" in names) == (reader not in ("polars read", "polars scan"))
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
