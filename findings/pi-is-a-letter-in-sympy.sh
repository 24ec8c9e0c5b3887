#!/usr/bin/env bash
# Guess: sympy's parse_latex reads \pi and e as the numbers, as its other parser does.
# What happens: both are plain letters: 2\pi is no number, differs from 2*pi of sympify, and has no value to compare with
# 6.2832; \ln e does not become 1. \log 100 has base e, so it is not 2. The newer backend, lark, refuses \pi, and reads
# 1\,000 as 0 and 0.\overline{3} as 0 without an error.
# Where: sympy 1.14.0 parsing/latex, with antlr4-python3-runtime 4.11.1 and lark 1.3.1.
# For a comparison of arms: a grader built on it never pays a decimal for a multiple of pi, and pays pi and e like
# unknowns, so right answers of one form are refused in TRUE alone. Substitute the symbols, and look at labels as read.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check sympy==1.14.0 antlr4-python3-runtime==4.11.1 lark==1.3.1
cat > "$work/check.py" <<'EOF'
from importlib.metadata import version
from sympy import pi, simplify, sympify
from sympy.parsing.latex import parse_latex

print({n: version(n) for n in ("sympy", "antlr4-python3-runtime", "lark")})
def read(text, backend):
    try:
        return parse_latex(text, backend=backend)
    except Exception as error:
        return type(error).__name__
for text in (r"2\pi", r"\ln e", r"\log 100", r"1\,000", r"0.\overline{3}", r"\frac12"):
    print(f"{text:15} antlr {read(text, 'antlr')}   lark {read(text, 'lark')}")
two_pi = read(r"2\pi", "antlr")
assert not two_pi.is_number and two_pi != sympify("2*pi") and not simplify(two_pi - 2 * pi).is_number
assert simplify(read(r"\ln e", "antlr")) != 1 and abs(float(read(r"\log 100", "antlr")) - 4.605) < 1e-3
assert isinstance(read(r"\pi", "lark"), str) and read(r"1\,000", "lark") == read(r"0.\overline{3}", "lark") == 0
assert read(r"1\,000", "antlr") == 1000 and isinstance(read(r"0.\overline{3}", "antlr"), str)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
