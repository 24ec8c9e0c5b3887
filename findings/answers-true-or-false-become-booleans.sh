#!/usr/bin/env bash
# Guess: text.
# What happens: DuckDB reads a CSV column of T and F (or t and f) as booleans, so a table made from it holds "true" and
# "false" as text, and no answer "T". One other letter in the file keeps the column as text, and so does a cast in the
# very query that reads the file. polars, pandas and pyarrow keep the letters.
# Where: duckdb 2.0.0; polars 2.1.0, pandas 3.1.1 and pyarrow 26.0.1 keep text.
# For a comparison of arms: in a file where every answer is T or F the labels change, in a file with one unreadable
# answer they do not, so the arm with the better format is scored wrong. Pass the types of the columns.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check duckdb==2.0.0 polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
import duckdb, pandas as pd, polars as pl
from pyarrow import csv

print({n: version(n) for n in ("duckdb", "polars", "pandas", "pyarrow")})
for name, answers in (("letters", "TF"), ("small", "tf"), ("unread", "TF?")):
    with open(f"{name}.csv", "w") as file:
        file.write("item,answer\n" + "".join(f"{i},{answers[i % len(answers)]}\n" for i in range(30)))
def read(name):
    duckdb.sql(f"create or replace table answers as select * from '{name}.csv'")
    return sorted(row[0] for row in duckdb.sql("select distinct answer::text from answers").fetchall())

seen = {name: read(name) for name in ("letters", "small", "unread")}
print("DuckDB, once in a table:", seen)
assert seen["letters"] == seen["small"] == ["false", "true"] and seen["unread"] == ["?", "F", "T"]
straight = duckdb.sql("select distinct answer::text from 'letters.csv' order by 1").fetchall()
print("cast in the query that reads the file:", straight)
assert straight == [("F",), ("T",)]
others = [pl.read_csv("letters.csv")["answer"].to_list(), list(pd.read_csv("letters.csv")["answer"]), csv.read_csv("letters.csv")["answer"].to_pylist()]
assert all(set(answers) == {"T", "F"} for answers in others)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
