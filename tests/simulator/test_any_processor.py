"""The compiled kernel has the same bits for whatever processor it is compiled."""

import hashlib
import os
import platform
import subprocess
import sys

import pytest

CODE = """
import hashlib
from dataclasses import replace
from rlvr import GRPOConfig, TaskFamily, simulate

plain = GRPOConfig(n_steps=12)
every = replace(
    plain, optimizer="adam", inner_updates=2, clip=(0.05, 0.1), verifier_noise=(0.1, 0.2),
    filtering="refill", tie_break="uniform", kl="reverse", kl_coefficient=0.1,
)
digest = hashlib.sha256()
for config in (plain, every):
    digest.update(simulate(TaskFamily(prior_spread=0.1), config, n_tasks=2, n_seeds=5).curves.tobytes())
print(digest.hexdigest())
"""
PROCESSORS = ["generic", "haswell"] if platform.machine().lower() in ("x86_64", "amd64") else ["generic"]


@pytest.mark.slow
def test_the_same_bits_compiled_for_any_processor(tmp_path):
    running = []
    for name in PROCESSORS:
        environment = os.environ | {"NUMBA_CPU_NAME": name, "NUMBA_CACHE_DIR": str(tmp_path / name)}
        environment.pop("NUMBA_CPU_FEATURES", None)
        running.append(
            subprocess.Popen([sys.executable, "-c", CODE], env=environment, stdout=subprocess.PIPE, text=True)
        )
    here = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True).stdout
    assert len(here.strip()) == hashlib.sha256().digest_size * 2
    assert [process.communicate()[0] for process in running] == [here] * len(PROCESSORS)
