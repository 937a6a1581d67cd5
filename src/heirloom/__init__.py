"""Heirloom: what each generation of models inherits from the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heirloom.diffs.engine import diff
    from heirloom.diffs.result import DatasetDiff

__all__ = ["DatasetDiff", "__version__", "diff"]

__version__ = "0.1.0"

_LAZY = {"diff": "heirloom.diffs.engine", "DatasetDiff": "heirloom.diffs.result"}


def __getattr__(name: str) -> Any:
    """Import what is heavy when it is first asked for."""
    if name not in _LAZY:
        raise AttributeError(f"module 'heirloom' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
