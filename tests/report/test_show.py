"""A lineage and an artefact in the terminal."""

from __future__ import annotations

import io
import math
from pathlib import Path

import pytest
from rich.console import Console

from heirloom.errors import HeirloomError
from heirloom.report import show


def output_of(reference: str) -> str:
    console = Console(file=io.StringIO(), width=120)
    show.show(reference, console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_a_sparkline_runs_from_the_least_to_the_greatest_and_stays_short() -> None:
    assert show.sparkline([0.0, 1.0, 2.0, 7.0]) == "▁▂▃█"
    assert show.sparkline([5.0, math.nan, 5.0]) == "▁ ▁"
    assert show.sparkline([math.nan]) == " "
    assert len(show.sparkline([float(i) for i in range(1000)])) == show.WIDTH


def test_a_lineage_is_shown_with_its_curves_and_an_artefact_with_its_facts(written: Path) -> None:
    lineage = output_of("words/replace/1")
    assert "test perplexity" in lineage
    assert "61" in lineage
    assert "▁" in lineage
    artefact = output_of("words/replace/1/2")
    assert "fingerprint" in artefact
    assert "sample" in artefact
    assert "<script>" in artefact


def test_what_is_not_there_is_refused_with_what_is(written: Path) -> None:
    message = "not among the results of config.yaml"
    with pytest.raises(HeirloomError, match=rf"^words/replace/7: {message}; regimes: control, keep, origin, replace; seeds: 0, 1$"):
        show.show("words/replace/7")
    with pytest.raises(HeirloomError, match=rf"^word/replace/0: {message}; experiments: crossed__biased, .*words$"):
        show.show("word/replace/0")
