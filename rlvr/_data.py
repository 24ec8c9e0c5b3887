"""Where the stored tables lie, and the one way to read them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

__all__ = ["DATA", "stored_table"]

DATA = Path(__file__).parent / "data"
"""The folder of transcribed numbers, protocols and stored results; its README says what each file is."""


def stored_table(name: str, **options: Any) -> pd.DataFrame:
    """Read one CSV file of the folder; `options` go to pandas."""
    return pd.read_csv(DATA / name, encoding="utf-8", **options)
