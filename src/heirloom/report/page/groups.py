"""Groups: what each arm still has of each group of rows, and which vanished first."""

from __future__ import annotations

import math
from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.report import group_table


def context(config: Config, key: str) -> list[dict[str, str]] | None:
    """Return a row per arm and group for the template; None where the experiment has no groups."""
    groups = group_table.load(config, key)
    return None if groups is None else [_row(row) for row in groups.to_dict("records")]


def _row(row: dict[Any, Any]) -> dict[str, str]:
    deviation = "" if math.isnan(row["se"]) else f" ± {number(row['se'])}"
    return {
        "arm": str(row["regime"]),
        "rank": str(row["rank"]),
        "group": str(row["group"]),
        "real": number(row["real_share"]),
        "share": f"{number(row['share'])}{deviation}",
        **{column: _number(row[column]) for column in ("trained", "alive", "neutral_alive", "half_gone", "neutral_half_gone")},
    }


def _number(value: float) -> str:
    return "–" if math.isnan(value) else number(value)
