#!/usr/bin/env bash
# Guess: DuckDB has one mean for the scores 1, nan, 0, 1, from a pandas table and from a polars table, and in a file.
# What happens: from pandas the nan is missing and the mean is 2/3; from polars the nan is a number and the mean is nan.
# The writer of a parquet or CSV file decides in the same way. Counted by a threshold (score > 0.5), the polars table
# has three right answers of four, as nan is above every number; the pandas table has two.
# Where: duckdb 2.0.0, polars 2.1.0, pandas 3.1.1 through pyarrow 26.0.1.
# For a comparison of arms: one query on two arms' files drops unscored answers in one and counts them as right in the
# other. Store unscored answers as missing, with a column that says so, and count them by arm.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check polars==2.1.0 duckdb==2.0.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import math
from importlib.metadata import version
import duckdb, pandas as pd, polars as pl

print({n: version(n) for n in ("polars", "duckdb", "pandas", "pyarrow")})
scores = {"score": [1.0, float("nan"), 0.0, 1.0]}
by_pandas, by_polars = pd.DataFrame(scores), pl.DataFrame(scores)
by_pandas.to_parquet("pandas.parquet"); by_polars.write_parquet("polars.parquet")
by_pandas.to_csv("pandas.csv", index=False); by_polars.write_csv("polars.csv")
for form in ("table", "parquet", "csv"):
    seen = []
    for source in ("pandas", "polars"):
        name = f"by_{source}" if form == "table" else f"'{source}.{form}'"
        seen += duckdb.sql(f"select avg(score), count(score), count(*) filter (where score > 0.5) from {name}").fetchall()
    print(f"{form:8} mean, answers, answers above 0.5: from pandas {seen[0]}, from polars {seen[1]}")
    assert abs(seen[0][0] - 2 / 3) < 1e-12 and seen[0][1:] == (3, 2)
    assert math.isnan(seen[1][0]) and seen[1][1:] == (4, 3)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
