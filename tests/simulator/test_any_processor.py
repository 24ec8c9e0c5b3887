"""The compiled kernel has the same bits for whatever processor it is compiled.

With every rule in use, since that code does all that the one without rare rules does; that the two agree to
the bit is tested in `test_kernel_training.py`.
"""

import os
import platform
import subprocess
import sys

import pytest

CODE = """
import hashlib
from rlvr import GRPOConfig, TaskFamily, simulate

every = GRPOConfig(
    n_steps=12, optimizer="adam", inner_updates=2, clip=(0.05, 0.1), verifier_noise=(0.1, 0.2),
    filtering="refill", tie_break="uniform", kl="reverse", kl_coefficient=0.1,
)
runs = simulate(TaskFamily(prior_spread=0.1), every, n_tasks=2, n_seeds=5)
digest = hashlib.sha256(runs.curves.tobytes()).hexdigest()
"""
PROCESSORS = ["generic", "haswell"] if platform.machine().lower() in ("x86_64", "amd64") else ["generic"]


@pytest.mark.slow
@pytest.mark.timeout(600)  # it compiles three times
def test_the_same_bits_compiled_for_any_processor():
    running = []
    for name in PROCESSORS:  # the cache keeps what is compiled for each processor apart
        environment = os.environ | {"NUMBA_CPU_NAME": name}
        environment.pop("NUMBA_CPU_FEATURES", None)
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", f"{CODE}print(digest)"],
                env=environment,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    here = {}
    exec(CODE, here)
    assert [process.communicate()[0].strip() for process in running] == [here["digest"]] * len(PROCESSORS)
