"""Guard: what SFTTrainer is about to learn is what it was given, or the training ends.

TRL 1.16 changes a training set without an error: rows over `max_length` lose their end token, rows whose prompt fills it vanish, packing
drops the overflow, and a merge over the boundary takes the prompt's last token into the completion.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Counts(NamedTuple):
    """What a training set has: rows, tokens in all, and end tokens that are learnt."""

    rows: int
    tokens: int
    ends: int


def expected(rows: Iterable[Mapping[str, str]], tokenizer: Any) -> Counts:
    """Return what rows of prompt and completion have when each side is read by itself, an end token behind each completion."""
    lengths = [len(tokenizer(row["prompt"])["input_ids"]) + len(tokenizer(row["completion"])["input_ids"]) + 1 for row in rows]
    return Counts(len(lengths), sum(lengths), len(lengths))


def prepared(dataset: Iterable[Mapping[str, Any]], end: int) -> Counts:
    """Return what the trainer has made of them."""
    rows = [*dataset]
    ends = sum(row["input_ids"][-1] == end and bool(_mask(row)[-1]) for row in rows)
    return Counts(len(rows), sum(len(row["input_ids"]) for row in rows), ends)


def check(dataset: Iterable[Mapping[str, Any]], wanted: Counts, end: int) -> None:
    """End the training if the trainer has lost a row, a token or an end token."""
    found = prepared(dataset, end)
    if found != wanted:
        raise SystemExit(f"SFTTrainer learns from {found}; the rows have {wanted}: raise max_tokens, or look at separators")
    print(f"SFTTrainer learns from {found}, as the rows have them")


def _mask(row: Mapping[str, Any]) -> list[int]:
    """Return which tokens are learnt."""
    return row.get("completion_mask") or [int(label != -100) for label in row["labels"]]
