"""Settings: what the slice in a manifest says, whatever version of Heirloom has written it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def setting(fields: Mapping[str, Any], key: str) -> Any:
    """Return a setting of a slice, or of the first step inside it that has the setting. A chain's slice holds those of its steps."""
    parts = (fields, *fields.get("steps", {}).values())
    return next((part[key] for part in parts if key in part), None)


def by_dotted_key(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as dotted key → value."""
    fields: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            fields |= by_dotted_key(value, f"{prefix}{key}.")
        else:
            fields[f"{prefix}{key}"] = value
    return fields
