"""Heirloom: what each generation of models inherits from the last."""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` has it as well, and would be half of what a job's client imports

if TYPE_CHECKING:
    from typing import Any

    from heirloom.diffs.engine import diff
    from heirloom.diffs.result import DatasetDiff
    from heirloom.report import plot
    from heirloom.report.generation_table import table
    from heirloom.report.notebook import enter_project, load_dataset, load_metrics

__all__ = ["DatasetDiff", "__version__", "diff", "enter_project", "load_dataset", "load_metrics", "plot", "table"]

__version__ = "0.2.0"

_LAZY = {
    "diff": "heirloom.diffs.engine",
    "DatasetDiff": "heirloom.diffs.result",
    "enter_project": "heirloom.report.notebook",
    "load_dataset": "heirloom.report.notebook",
    "load_metrics": "heirloom.report.notebook",
    "plot": "heirloom.report",
    "table": "heirloom.report.generation_table",
}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'heirloom' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(_LAZY[name])
    return getattr(home, name) if hasattr(home, name) else import_module(f"{_LAZY[name]}.{name}")


def __dir__() -> list[str]:
    """Return the names that there are, those that are imported when asked for included."""
    return sorted(__all__)
