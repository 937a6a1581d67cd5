"""The colours of the page's charts can be told from its ground in a light and in a dark scheme."""

from __future__ import annotations

import re

import pytest

from heirloom.report import looks
from heirloom.report.page import build

CSS = (build.TEMPLATES / "style.css").read_text(encoding="utf-8")
LIGHT, DARK = (dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root\{(.*?)\}", CSS, re.DOTALL)[:2])
FEWEST = 4.5
"""Contrast of text with its ground (WCAG 2.2, success criterion 1.4.3)."""
LINES = {colour.lower() for colour in (*looks.PALETTE, *looks.VIRIDIS, looks.GREY, looks.BLACK)}


def luminance(colour: str) -> float:
    """Return the relative luminance of an sRGB colour (WCAG 2.2)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_line_and_its_label_has_the_contrast_of_text(scheme: dict[str, str]) -> None:
    contrasts = {colour: contrast(scheme[f"x-{colour[1:]}"], scheme["paper"]) for colour in LINES}
    assert {colour: ratio for colour, ratio in contrasts.items() if ratio < FEWEST} == {}
    assert contrast(scheme["repeat"], scheme["repeatb"]) >= FEWEST
    assert contrast(scheme["soft"], scheme["tint"]) >= FEWEST


def test_a_figure_asks_for_the_page_s_colours() -> None:
    from heirloom.report.page import drawings

    spec = drawings.themed({"mark": "line", "encoding": {"color": {"scale": {"range": ["#D55E00", "red"]}}}})
    assert spec["encoding"]["color"]["scale"]["range"] == ["var(--x-d55e00, #D55E00)", "red"]
    assert spec["config"]["axis"]["labelColor"] == "var(--ink)"
