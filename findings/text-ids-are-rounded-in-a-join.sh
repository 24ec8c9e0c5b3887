#!/usr/bin/env bash
# Guess: an error, or only "7" and "8" match.
# What happens: DuckDB turns the text ids into whole numbers and rounds them: "007", "7.1" and "7.4" match 7, "7.6"
# matches 8. Under "using (item)" the text id does not even stay in the result. polars, pandas and pyarrow refuse.
# Where: duckdb 2.0.0; polars 2.1.0 and pandas 3.1.1 refuse the same join.
# For a comparison of arms: where one log has whole item ids and the other text, parts of a question (7.1, 7.2) are
# paired with question 7, and the number of pairs still looks plausible. Cast ids to text in both logs, and count pairs.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check duckdb==2.0.0 polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
import duckdb, pandas as pd, polars as pl

print({n: version(n) for n in ("duckdb", "polars", "pandas", "pyarrow")})
true, random = {"item": [7, 8], "true": [1, 0]}, {"item": ["7", "007", "7.1", "7.4", "7.6", "8"], "random": [1, 0, 0, 0, 1, 1]}
a, b = pd.DataFrame(true), pd.DataFrame(random)
pairs = sorted(duckdb.sql("select a.item, b.item from a join b on a.item = b.item").fetchall())
print("DuckDB pairs", pairs)
assert pairs == [(7, "007"), (7, "7"), (7, "7.1"), (7, "7.4"), (8, "7.6"), (8, "8")]
as_text = sorted(duckdb.sql("select a.item, b.item from a join b on a.item::text = b.item").fetchall())
print("with both as text", as_text)
assert as_text == [(7, "7"), (8, "8")]
for tool, join in (("polars", lambda: pl.DataFrame(true).join(pl.DataFrame(random), on="item")), ("pandas", lambda: a.merge(b, on="item"))):
    try:
        raise SystemExit(f"{tool} joined: {join()}")
    except (pl.exceptions.SchemaError, ValueError) as error:
        print(tool, "refuses:", str(error)[:70])
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
