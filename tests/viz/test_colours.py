"""Colours recomputed: contrast on each background, and distance between those that meet, as colour-blind eyes see them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

from viz.colours import DARK, LIGHT, Palette, recolouring
from viz.memory_stack import COLOURS

ROOT = Path(__file__).parents[2]
MEANINGS = ("frozen", "trainable", "quantized", "base", "chosen", "rejected")
MEET = (
    ("frozen", "trainable"),
    ("frozen", "base"),
    ("trainable", "base"),
    ("frozen", "quantized"),
    ("trainable", "quantized"),
    ("chosen", "rejected"),
)
PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])

# Linear RGB to cone responses: Viénot, Brettel and Mollon 1999, Color Research and Application 24(4), equations 1 to 6.
LMS = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
PROTANOPIA = np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]])
DEUTERANOPIA = np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]])
# Tritanopia on linear RGB: Machado, Oliveira and Fernandes 2009, IEEE TVCG 15(6), table for severity 1.0.
TRITANOPIA = np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]])
SEEN = {
    "everyone": np.eye(3),
    "protanopia": np.linalg.inv(LMS) @ PROTANOPIA @ LMS,
    "deuteranopia": np.linalg.inv(LMS) @ DEUTERANOPIA @ LMS,
    "tritanopia": TRITANOPIA,
}


def linear(colour: str) -> np.ndarray:
    """sRGB to linear light, IEC 61966-2-1."""
    channel = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def contrast(one: str, two: str) -> float:
    """WCAG 2.2, definition of contrast ratio."""
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, two))
    return (high + 0.05) / (low + 0.05)


def lab(light: np.ndarray) -> np.ndarray:
    """Linear RGB to CIE L*a*b* 1976 under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ light / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one: str, two: str, eyes: str) -> float:
    a, b = (lab(np.clip(SEEN[eyes] @ linear(colour), 0, 1)) for colour in (one, two))
    return float(np.linalg.norm(a - b))


@PALETTES
@pytest.mark.parametrize("meaning", [*MEANINGS, "text"])
def test_contrast_is_enough_to_read(palette: Palette, meaning: str) -> None:
    assert contrast(getattr(palette, meaning), palette.background) >= 4.5


@PALETTES
@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize(("one", "two"), MEET)
def test_colours_that_meet_stay_apart(palette: Palette, one: str, two: str, eyes: str) -> None:
    assert distance(getattr(palette, one), getattr(palette, two), eyes) >= 16


@PALETTES
@pytest.mark.parametrize("eyes", SEEN)
def test_below_and_above_zero_stay_apart(palette: Palette, eyes: str) -> None:
    for scale in (palette.delta, palette.factor):
        below, above = [colour for at, colour in scale if at < 0.5], [colour for at, colour in scale if at > 0.5]
        assert distance(below[0], above[-1], eyes) >= 16


def test_the_checks_can_fail() -> None:
    assert contrast("#777777", "#FFFFFF") < 4.5
    assert distance("#DB2777", "#5F6B7A", "protanopia") < 16


def test_repainting_gives_each_light_colour_one_dark_partner() -> None:
    pairs = recolouring()
    assert pairs[LIGHT.trainable] == DARK.trainable
    assert {colour for _, colour in LIGHT.delta} | {getattr(LIGHT, meaning) for meaning in MEANINGS} <= pairs.keys()


def test_charts_use_no_colour_that_the_dark_theme_would_leave_as_it_is() -> None:
    written = {
        (file.name, colour)
        for file in (ROOT / "viz").glob("*.py")
        if file.name != "colours.py"
        for colour in re.findall(r"#[0-9A-Fa-f]{6}|rgba?\([\d., ]*\)", file.read_text("utf-8"))
    }
    assert written == set()
    assert set(COLOURS.values()) <= recolouring().keys()


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_the_app_theme_and_the_words_on_pages_use_the_same_colours(theme: str, palette: Palette) -> None:
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))["theme"][theme]
    names = {"blue": "frozen", "orange": "trainable", "violet": "quantized", "gray": "base", "green": "chosen", "red": "rejected"}
    for streamlit_name, meaning in names.items():
        assert settings[f"{streamlit_name}TextColor"] == getattr(palette, meaning)
    assert (settings["backgroundColor"], settings["textColor"]) == (palette.background, palette.text)
    style = (ROOT / "lessons" / "theme" / "page.css").read_text("utf-8").lower()
    for meaning in MEANINGS:
        assert f".dl-{meaning} {{ color: light-dark({getattr(LIGHT, meaning).lower()}, {getattr(DARK, meaning).lower()}); }}" in style
