"""Run a command as older processors would compute it, and report which of its checks fail.

    python tools/any_cpu.py -- pytest ...                  every variant
    python tools/any_cpu.py Prescott glibc -- pytest ...   two of them

Libraries select their code by the processor, and so sums round differently. Each variant excludes one choice
through an environment variable. A variant that changes nothing on this machine (its processor lacks newer
instructions, or it has another C library) is named and left out, because it would prove nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np

# OpenBLAS computes matrix products, and selects code by processor names of 2004, 2008 and 2011.
VARIANTS = {name: {"OPENBLAS_CORETYPE": name} for name in ("Prescott", "Nehalem", "Sandybridge")}
# NumPy can disable only features above its baseline; it refuses the names of the baseline.
_FOUND = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
VARIANTS["NumPy"] = {"NPY_DISABLE_CPU_FEATURES": " ".join(_FOUND)}
# The C library has exp, log and pow with and without fused multiply-add.
VARIANTS["glibc"] = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA"}
VARIANTS["Numba"] = {"NUMBA_CPU_NAME": "generic"}

# Results of each library, or the compiler's code, for the same input.
FINGERPRINT = """
import hashlib, json, math
import numba, numpy as np

def short(thing):
    return hashlib.sha256(thing).hexdigest()[:8]

@numba.njit("void(float64[::1])")
def double(x):
    for i in range(x.size):
        x[i] *= 2.0

x = np.random.default_rng(0).uniform(-5, 5, (200, 200))
loops = [f(x) for f in (np.exp, np.sin, np.tanh)] + [f(np.abs(x)) for f in (np.log, np.log1p, np.sqrt)]
scalar = np.array([f(v) for f in (math.exp, math.sin, math.expm1) for v in x.ravel()])
print(json.dumps({
    "matrix products": short((x @ x).tobytes() + np.linalg.solve(x, x[0]).tobytes()),
    "NumPy's loops": short(b"".join(y.tobytes() for y in loops)),
    "the C library's functions": short(scalar.tobytes()),
    "compiled code": short("".join(double.inspect_asm().values()).encode()),
}))
"""


def fingerprint(variant: dict[str, str]) -> dict[str, str]:
    """Results of the libraries under a variant, each as a short hash."""
    shown = subprocess.run(
        [sys.executable, "-c", FINGERPRINT],
        env={**os.environ, **variant},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(shown.stdout)


def main(names: list[str], command: list[str]) -> int:
    unknown = [name for name in names if name not in VARIANTS]
    if unknown or not command:
        sys.exit(f"wanted: [{' | '.join(VARIANTS)}] ... -- command; got {' '.join(names) or 'no command'}")
    plain, outcome = fingerprint({}), {}
    for name in names or VARIANTS:
        settings = " ".join(f"{key}={value!r}" for key, value in VARIANTS[name].items())
        changed = [part for part, bits in fingerprint(VARIANTS[name]).items() if bits != plain[part]]
        print(f"\n=== {name}: {settings}, changes {', '.join(changed) or 'nothing here'}", flush=True)
        if changed:
            code = subprocess.run(command, env={**os.environ, **VARIANTS[name]}, check=False).returncode
            outcome[name] = "passes" if code == 0 else f"FAILS (exit {code})"
        else:
            outcome[name] = "not run: it changes nothing on this machine"
    print("\n" + "\n".join(f"{name:12} {result}" for name, result in outcome.items()))
    return any(result.startswith("FAILS") for result in outcome.values())


if __name__ == "__main__":
    split = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    sys.exit(main(sys.argv[1:split], sys.argv[split + 1 :]))
