#!/usr/bin/env bash
# Guess: an answer that could not be read (None) is no vote, whichever table library counts the votes.
# What happens: of None, None, None, 5, 5 the mode is None in polars, in the standard library and (as nan) in SciPy; it
# is 5 in pandas, DuckDB and pyarrow. On a tie of 9 and 7 pandas and pyarrow give the smaller, DuckDB and the standard
# library the first.
# Where: polars 2.1.0, pandas 3.1.1, duckdb 2.0.0, pyarrow 26.0.1, scipy 1.17.1.
# For a comparison of arms: MAJORITY has no label where most answers are unread, or the label of the few that are read,
# by the library alone. Drop unread answers and break ties explicitly, and count both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check polars==2.1.0 duckdb==2.0.0 pandas==3.1.1 pyarrow==26.0.1 scipy==1.17.1 numpy==2.4.6
cat > "$work/check.py" <<'EOF'
import statistics
from importlib.metadata import version
import duckdb, pandas as pd, polars as pl, pyarrow as pa, pyarrow.compute as pc
from scipy.stats import mode

print({n: version(n) for n in ("polars", "duckdb", "pandas", "pyarrow", "scipy")})
def votes(answers):
    frame = pd.DataFrame({"answer": answers}, dtype="object")
    numbers = [float("nan") if a is None else float(a) for a in answers]
    return {"pandas": frame.answer.mode()[0], "duckdb": duckdb.sql("select mode(answer) from frame").fetchall()[0][0],
            "pyarrow": pc.mode(pa.array([a and int(a) for a in answers]))[0].as_py()["mode"],
            "polars": pl.Series(answers).value_counts(sort=True).row(0)[0], "statistics": statistics.mode(answers),
            "scipy": str(mode(numbers).mode)}
unread, tie = votes([None, None, None, "5", "5"]), votes(["9", "7", "7", "9"])
print("three unread, two say 5:", unread)
print("9, 7, 7, 9:", tie)
assert unread == {"pandas": "5", "duckdb": "5", "pyarrow": 5, "polars": None, "statistics": None, "scipy": "nan"}
assert (tie["pandas"], tie["pyarrow"], tie["scipy"], tie["duckdb"], tie["statistics"]) == ("7", 7, "7.0", "9", "9")
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
