"""What the manifest of real data says of its making: how many documents were read, which of them were dropped, and so of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DROPPED = {
    "dropped_null": "nulls",
    "dropped_without_text": "without a word",
    "train_dropped_equal_to_held_out": "of train equal to held-out ones",
    "valid_dropped_equal_to_held_out": "of valid equal to test ones",
}
_LONGER = {"pairs_prompts_too_long": "prompts", "pairs_completions_too_long": "completions"}
_KEPT = {
    "train_kept_equal_to_held_out": "of train equal to held-out ones",
    "valid_kept_equal_to_held_out": "of valid equal to test ones",
}


def sentence(manifest: Mapping[str, Any]) -> str:
    """Return the counts of a manifest of real data in words; empty where documents were not counted."""
    counts = manifest.get("counts", {})
    if "documents_read" not in counts:
        return ""
    parts = [f"{counts['documents_read']:,} read from {counts['files']:,} files"]
    drops = _enumeration(counts, _DROPPED)
    parts.append(f"dropped: {drops}" if drops else "none dropped")
    repeats = _enumeration(counts, _KEPT)
    if repeats:
        parts.append(f"packed, so kept: {repeats}")
    parts += _pairs(counts)
    return "; ".join(parts)


def _pairs(counts: Mapping[str, int]) -> list[str]:
    """Return the counts of pairs in words; nothing where rows are no pairs."""
    if "pairs_read" not in counts:
        return []
    longer = _enumeration(counts, _LONGER)
    what_became = _enumeration(counts, {"pairs_dropped": "dropped", "pairs_truncated": "truncated"})
    limits = f"longer than the limits: {longer} ({what_became})" if longer else "none longer than the limits"
    return [f"{counts['pairs_read']:,} pairs, {limits}"]


def _enumeration(counts: Mapping[str, int], words: Mapping[str, str]) -> str:
    """Return the counts that are not 0, each with its words."""
    return ", ".join(f"{counts[key]:,} {what}" for key, what in words.items() if counts.get(key))
