"""The rewards in an environment that holds the package's folder and the standard library alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import rlvr

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "rlvr"}:
            raise ImportError("imported " + name)

sys.meta_path.insert(0, Nothing())
import pkgutil
import rlvr, rlvr.rewards
for module in pkgutil.iter_modules(rlvr.rewards.__path__, "rlvr.rewards."):
    __import__(module.name)
assert rlvr.true_reward is rlvr.rewards.true_reward
batch = dict(prompts=["p"] * 4, completions=["1", "2", "2", "none"], completion_ids=None)
print(rlvr.true_reward(**batch, answer=[1] * 4), rlvr.majority_reward(**batch))
print(rlvr.random_reward(**batch, step=0))
print(sorted({name.partition(".")[0] for name in sys.modules} - sys.stdlib_module_names - {"__main__"}))
"""


def test_an_empty_environment_is_enough(tmp_path):
    shutil.copytree(Path(rlvr.__file__).parent / "rewards", tmp_path / "rlvr" / "rewards")
    shutil.copy(rlvr.__file__, tmp_path / "rlvr")
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", SCRIPT, tmp_path], capture_output=True, text=True, check=False
    )
    first, second, third = ended.stdout.splitlines() or [ended.stderr, "", ""]
    assert first == "[1.0, 0.0, 0.0, 0.0] [0.0, 1.0, 1.0, 0.0]", ended.stderr
    assert second.count(".0") == 4 and third == "['rlvr']"
