"""Rankings of mitigations: who comes first, what is better than what for certain, and what each costs.

A picture beside the numbers has a point for each value and a line for its interval, all on one axis.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.lineage import cost_table, costs
from heirloom.report.ranking import table
from heirloom.report.ranking.effort import Effort
from heirloom.report.ranking.table import BASELINE

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 200.0
"""Of the picture's axis, in the units of its SVG."""


def context(config: Config) -> list[dict[str, Any]]:
    """Return the rankings for the template: ``[{"name", "measure", "better", "rows"}]``; none where the config has none."""
    rankings = table.load(config)
    if rankings is None:
        return []
    cpu_seconds = cpu_seconds_by_arm()
    result = []
    for name, rows in rankings.groupby("ranking", sort=False):
        ranking = config.rankings[str(name)]
        x = axis(rows)
        entries = [{**_row(row, cpu_seconds), **_marks(row, x)} for row in rows.to_dict("records")]
        baseline = x(float(rows.loc[rows["knob"] == BASELINE, "value"].iloc[0]))
        result.append({"name": name, "measure": ranking.measure, "better": ranking.better, "rows": entries, "baseline": baseline})
    return result


def axis(rows: pd.DataFrame) -> Callable[[float], float]:
    """Return where a number lies on the axis of a ranking, from 0 to `WIDTH`: logarithmic if all values and intervals are positive."""
    numbers = rows[["value", "low", "high"]]
    least, greatest = float(numbers.min().min()), float(numbers.max().max())
    scale: Callable[[float], float] = math.log if least > 0 else float
    span = (scale(greatest) - scale(least)) or 1.0
    return lambda number: round(WIDTH * (scale(number) - scale(least)) / span, 1)


def cpu_seconds_by_arm() -> dict[str, float]:
    """Return the CPU seconds of all recorded jobs of each arm, as experiment/regime."""
    seconds: dict[str, float] = {}
    for row in cost_table.read(costs.COSTS, ["experiment", "regime", "cpu_seconds"]):
        arm = f"{row['experiment']}/{row['regime']}"
        seconds[arm] = seconds.get(arm, 0.0) + (row["cpu_seconds"] or 0.0)
    return seconds


def _marks(row: Mapping[Any, Any], x: Callable[[float], float]) -> dict[str, Any]:
    """Return where a row's point lies, and the two ends of its interval; none with one seed."""
    ends = (row["low"], row["high"])
    return {"at": x(row["value"]), "ends": [] if math.isnan(row["low"]) else [x(end) for end in ends]}


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
