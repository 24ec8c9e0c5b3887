"""In the dark theme a figure's colours keep their hues, and labels in them can be read."""

import colorsys
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from book.drawing import NEUTRAL_COLOURS
from rlvr.plots import ARM_COLOURS, TERM_COLOURS

CSS = (Path(__file__).parent.parent.parent / "_static" / "report.css").read_text(encoding="utf-8")
GROUND = np.array(to_rgb("#14181e"))  # the theme's
LUMA = np.array([0.213, 0.715, 0.072])  # of the filters' own definition
HUED = sorted({*TERM_COLOURS.values(), *ARM_COLOURS.values(), *NEUTRAL_COLOURS})


def dark(colour):
    """What ``invert(1) hue-rotate(180deg)`` and blending by ``screen`` make of a colour."""
    turned = 1 - np.array(to_rgb(colour))
    rotated = np.clip(2 * LUMA @ turned - turned, 0, 1)
    return 1 - (1 - rotated) * (1 - GROUND)


def luminance(rgb):
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    light, deep = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (deep + 0.05)


def test_the_style_sheet_does_what_is_computed_here():
    assert re.search(r"filter: invert\(1\) hue-rotate\(180deg\) !important; mix-blend-mode: screen;", CSS)
    assert np.allclose(dark("white"), GROUND) and np.allclose(dark("black"), 1)


@pytest.mark.parametrize("colour", HUED)
def test_a_label_is_read_in_both_themes(colour):
    assert contrast(np.array(to_rgb(colour)), np.ones(3)) >= 4.5
    assert contrast(dark(colour), GROUND) >= 4.5


@pytest.mark.parametrize("colour", sorted({*TERM_COLOURS.values()} - {"#000000", "#4D4D4D"}))
def test_a_colour_keeps_its_hue(colour):
    before, after = (colorsys.rgb_to_hsv(*rgb)[0] for rgb in (to_rgb(colour), dark(colour)))
    assert abs(before - after) < 0.04  # of the circle
