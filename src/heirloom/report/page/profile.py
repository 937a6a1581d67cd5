"""The profile of collapse: which of eight published meanings each arm meets, with the number that decides."""

from __future__ import annotations

from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.report.profile import table
from heirloom.report.profile.definitions import DEFINITIONS

SIGNS = {"met": "●", "not met": "○", "not measurable here": "–"}
"""Verdict → its sign."""


def context(config: Config, key: str) -> dict[str, Any] | None:
    """Return the profiles of an experiment's arms for the template; None where the run has none.

    ``{"definitions": names, "arms": [{"name", "control", "units", "readings": [{"verdict", "sign", "value", "interval", "why"}]}]}``
    """
    profiles = table.load(config, key)
    if profiles is None or profiles.empty:
        return None
    arms = []
    for regime, rows in profiles.groupby("regime", sort=False):
        readings = [_reading(row) for row in rows.to_dict("records")]
        first = rows.iloc[0]
        arms.append({"name": regime, "control": first["control"], "units": first["units"], "readings": readings})
    return {"definitions": list(DEFINITIONS), "arms": arms}


def _reading(row: dict[Any, Any]) -> dict[str, str]:
    has_number, has_interval = row["value"] == row["value"], row["low"] == row["low"]
    return {
        "definition": row["definition"],
        "verdict": row["verdict"],
        "sign": SIGNS[row["verdict"]],
        "value": number(row["value"]) if has_number else "–",
        "interval": f"{number(row['low'])} to {number(row['high'])}" if has_interval else "–",
        "measure": row["measure"] or "–",
        "why": row["note"],
    }
