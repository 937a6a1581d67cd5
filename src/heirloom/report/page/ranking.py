"""Rankings of mitigations: who comes first, what is better than what for certain, and what each costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.lineage import cost_table, costs
from heirloom.report.ranking import table
from heirloom.report.ranking.effort import Effort


def context(config: Config) -> list[dict[str, Any]]:
    """Return the rankings for the template: ``[{"name", "measure", "better", "rows"}]``; none where the config has none."""
    rankings = table.load(config)
    if rankings is None:
        return []
    cpu_seconds = cpu_seconds_by_arm()
    result = []
    for name, rows in rankings.groupby("ranking", sort=False):
        ranking = config.rankings[str(name)]
        entries = [_row(row, cpu_seconds) for row in rows.to_dict("records")]
        result.append({"name": name, "measure": ranking.measure, "better": ranking.better, "rows": entries})
    return result


def cpu_seconds_by_arm() -> dict[str, float]:
    """Return the CPU seconds of all recorded jobs of each arm, as experiment/regime."""
    seconds: dict[str, float] = {}
    for row in cost_table.read(costs.COSTS, ["experiment", "regime", "cpu_seconds"]):
        arm = f"{row['experiment']}/{row['regime']}"
        seconds[arm] = seconds.get(arm, 0.0) + (row["cpu_seconds"] or 0.0)
    return seconds


def _row(row: Mapping[Any, Any], cpu_seconds: Mapping[str, float]) -> dict[str, str]:
    return {
        "place": "beside" if math.isnan(row["place"]) else f"{row['place']:.0f}",
        "knob": row["knob"],
        "arm": row["arm"],
        "value": number(row["value"]),
        "interval": f"{number(row['low'])} to {number(row['high'])}",
        "better_than": row["better_than"] or "–",
        "p": "–" if math.isnan(row["p_baseline"]) else f"{row['p_baseline']:.2g}",
        **{column: number(row[column]) for column in Effort._fields},
        "cpu": number(cpu_seconds[row["arm"]]) if row["arm"] in cpu_seconds else "–",
    }
