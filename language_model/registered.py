"""The runs of the third and the fourth protocol; their random numbers come from the digest of its bytes.

The unit of replication is the pair. Its number and the digest are the key of the order of questions, the
coins, the samples, and the choice of held-out questions. Arms and cells share all of these, pair by pair.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from rlvr._data import DATA, stored_bytes

__all__ = ["PROTOCOL", "Registration", "registration"]

PROTOCOL = DATA / "protocol-3.yml"


class Registration(NamedTuple):
    """A protocol's runs and settings."""

    digest: str
    """SHA-256 of the protocol's bytes."""
    runs: list[dict[str, Any]]
    """Pair by pair."""


def registration(path: Path = PROTOCOL) -> Registration:
    """Read a protocol and list its runs."""
    data = stored_bytes(path)
    content, digest = yaml.safe_load(data), hashlib.sha256(data).hexdigest()
    settings, numbers = content["settings"], content["sample"]
    common = {"layers": None, "every": settings["every"], "device": "cpu", "dtype": "float32"}
    runs = []
    for pair in range(max(numbers.values())):
        for cell in content["cells"].values():
            own = settings["training"] | cell.get("training", {})
            for arm in cell["arms"]:
                usual = {"frozen": 1, "random": numbers["n_pairs"]}.get(arm, numbers["n_runs"])
                n_pairs = cell.get("n_runs", {}).get(arm, usual)
                if pair >= n_pairs:
                    continue
                runs += [
                    {
                        "family": cell["family"], "arm": arm, "design": cell["design"], "pair": pair,
                        "turned": turned, "split": f"{digest} {pair}", "key": f"{digest} {pair}", **common,
                        "settings": own,
                    }
                    for turned in ((False, True) if arm == "random" else (False,))
                ]  # fmt: skip
    return Registration(digest, runs)
