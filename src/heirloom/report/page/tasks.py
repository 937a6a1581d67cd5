"""Tasks: what the models of the last generation score, and on which items they differ from generation 0 and from the control."""

from __future__ import annotations

from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number
from heirloom.report import task_scores


def context(config: Config, key: str) -> dict[str, Any] | None:
    """Return the scores of an experiment's last generation and of its origin for the template; None if it has no tasks."""
    scores = task_scores.load(config, key)
    if scores is None or scores.empty:
        return None
    last_generation = scores["generation"].max()
    shown = scores[scores["generation"].isin([0, last_generation])]
    return {"generation": int(last_generation), "rows": [_row(row) for row in shown.to_dict("records")]}


def _row(row: dict[Any, Any]) -> dict[str, str]:
    has_interval, has_test = row["low"] == row["low"], row["p"] == row["p"]
    return {
        "task": f"{row['task']} {row['metric']}",
        "arm": str(row["regime"]),
        "seed": str(row["seed"]),
        "items": f"{row['items']:,}" + (f", {row['cut_items']:,} cut" if row["cut_items"] else ""),
        "score": number(row["score"]),
        "interval": f"{row['low']:.3f} to {row['high']:.3f}" if has_interval else "–",
        "against": str(row["against"]) or "–",
        "lost": f"{row['lost']:.0f}" if has_test else "–",
        "gained": f"{row['gained']:.0f}" if has_test else "–",
        "p": f"{row['p']:.2g}" if has_test else "–",
        "p_holm": f"{row['p_holm']:.2g}" if has_test else "–",
    }
