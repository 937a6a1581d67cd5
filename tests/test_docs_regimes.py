"""Every regime that the page on regimes shows is one that the config reads."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from heirloom.specs.regime import Regime

PAGE = (Path(__file__).parents[1] / "docs/regimes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_every_declaration_is_valid_named_once_and_of_its_own() -> None:
    declared = [(name, Regime.model_validate(body)) for block in BLOCKS for name, body in yaml.safe_load(block).items()]
    assert len(dict(declared)) == len(declared) >= 17
    assert len({regime.model_dump_json() for _, regime in declared}) == len(declared)


def test_every_key_of_a_regime_is_shown() -> None:
    page = "\n".join(BLOCKS)
    assert [key for key in Regime.model_fields if f"{key}:" not in page] == ["schedules"]  # where lists and curves are kept
