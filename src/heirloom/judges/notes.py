"""What judges did, in words: the notes that manifests keep of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Note = Mapping[str, Any]
"""A judge's ``judge`` (words), ``given`` and ``kept`` (rows), and where it was blind ``real_rows`` and ``real_wins``."""


def sentence(note: Note) -> str:
    """Return what a judge did: how many rows it was given, how many it threw away, and whether it took real rows for better ones."""
    thrown_away = note["given"] - note["kept"]
    words = f"{note['judge']}; {note['given']:,} rows judged, {thrown_away:,} thrown away"
    if "real_wins" not in note:
        return words
    return f"{words}; blind, and {note['real_rows']:,} real rows scored higher in {100 * note['real_wins']:.1f} % of the pairs"


def total(selections: Iterable[Sequence[Note]]) -> list[dict[str, Any]]:
    """Return one note for each judge in a row, over several selections: sums of rows, and the mean of `real_wins`."""
    by_judge: dict[int, list[Note]] = {}
    for selection in selections:
        for place, note in enumerate(selection):
            by_judge.setdefault(place, []).append(note)
    return [_sum(notes) for notes in by_judge.values()]


def _sum(notes: Sequence[Note]) -> dict[str, Any]:
    sums = {key: sum(note[key] for note in notes) for key in ("given", "kept", "real_rows") if key in notes[0]}
    if "real_wins" not in notes[0]:
        return {**notes[0], **sums}
    return {**notes[0], **sums, "real_wins": sum(note["real_wins"] for note in notes) / len(notes)}
