"""The option `--run-sd` of several commands: a number or the catalogue's law, for all arms or for one."""

from __future__ import annotations

from rlvr._checks import real, shown
from rlvr.arms import ARMS

__all__ = ["CATALOGUE", "RUN_SD_HELP", "read_run_sd"]

CATALOGUE = "catalogue"
RUN_SD_HELP = (
    "Run-to-run standard deviation (a fraction) of every trained arm, or of one: random=0.03. "
    "from=catalogue, or random=catalogue, takes what others measured and integrates over its uncertainty."
)


def read_run_sd(texts: list[str]) -> dict[str, float | str]:
    """Map each arm to a fraction or ``CATALOGUE``; a value for one arm overrides the value for all."""
    accepted = (
        "a fraction from 0 to 0.5, or one of random=, majority=, true= and such a fraction; catalogue may "
        "stand for a fraction (from=catalogue for all arms)"
    )
    of_all: float | str | None = None
    found: dict[str, float | str] = {}
    given: dict[str, str] = {}
    for text in texts:
        arm, equals, number = text.strip().rpartition("=")
        before = given.setdefault("" if arm == "from" else arm, text)
        if before is not text and before.strip() != text.strip():
            raise ValueError(
                f"--run-sd must have one value for {arm if arm in ARMS else 'all arms'}, got {shown(before)} "
                f"and {shown(text)}; leave one out"
            )
        if number == CATALOGUE and arm in ("", "from"):
            of_all = CATALOGUE
            continue
        if equals and arm not in ARMS[1:]:
            raise ValueError(f"--run-sd must be {accepted}, got {shown(text)}")
        if number == CATALOGUE:
            found[arm] = CATALOGUE
            continue
        try:
            value = float(number)
        except ValueError:
            raise ValueError(f"--run-sd must be {accepted}, got {shown(text)}") from None
        value = real("--run-sd", value, accepted, above=0, below=0.5, closed=True)
        if equals:
            found[arm] = value
        else:
            of_all = value
    return {arm: found.get(arm, of_all) for arm in ARMS[1:] if arm in found or of_all is not None}  # type: ignore[misc]
