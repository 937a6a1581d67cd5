"""Which rows are in both: exact matching of rows by hash as multisets, and of rewritten rows by prompt. Only numbers here.

Shapes: N and M rows of the two sides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Ints

Flags = NDArray[np.bool_]

_BLOCK = 1 << 20
_LARGEST = np.iinfo(np.int64).max


def occurrence(keys: NDArray[Any]) -> Ints:
    """Return for each row how many earlier rows have its key, shape (N,)."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    is_first = np.ones(keys.size, bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    first = np.flatnonzero(is_first)
    sizes = np.diff(np.append(first, keys.size))
    rank = np.empty(keys.size, np.int64)
    rank[order] = np.arange(keys.size) - np.repeat(first, sizes)
    return rank


def kept(a: NDArray[Any], b: NDArray[Any]) -> tuple[Flags, Flags]:
    """Return which rows of each side have a partner: of equal rows the first min(count in A, count in B) of either side."""
    order_a, order_b = np.argsort(a, kind="stable"), np.argsort(b, kind="stable")
    ordered_a, ordered_b = a[order_a], b[order_b]
    return _has_partner(order_a, ordered_a, ordered_b), _has_partner(order_b, ordered_b, ordered_a)


def num_kept(a: NDArray[Any], b: NDArray[Any]) -> int:
    """Return how many rows of each side have a partner on the other: of equal rows min(count in A, count in B).

    Both arrays are sorted in place, so that no copy of them is held.
    """
    a.sort()
    b.sort()
    total = 0
    for start in range(0, len(a), _BLOCK):
        keys = a[start : start + _BLOCK]
        same_keys = b[np.searchsorted(b, keys[0], "left") : np.searchsorted(b, keys[-1], "right")]
        rank = np.arange(start, start + len(keys)) - np.searchsorted(a, keys, "left")
        num_equal = np.searchsorted(same_keys, keys, "right") - np.searchsorted(same_keys, keys, "left")
        total += int((rank < num_equal).sum())
    return total


def _has_partner(order: Ints, ordered: NDArray[Any], other_ordered: NDArray[Any]) -> Flags:
    """Return which rows have a partner among the keys of the other side.

    Both sides are searched in ascending order: at ten million rows a search in the rows' own order waits for memory at each step.

    Parameters
    ----------
    order, ordered
        The rows by ascending key, and their keys; shapes (N,).
    other_ordered
        Ascending keys of the other side, shape (M,).
    """
    num_equal = np.searchsorted(other_ordered, ordered, "right") - np.searchsorted(other_ordered, ordered, "left")
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered, "left")
    has_partner = np.empty(len(ordered), bool)
    has_partner[order] = rank < num_equal
    return has_partner


def pairs(a: Ints, b: Ints, open_a: Flags, open_b: Flags) -> tuple[Ints, Ints]:
    """Return positions (A, B) of rows with the same prompt, the first of A with the first of B, and so on.

    Parameters
    ----------
    a, b
        Row id of each row's prompt, -1 where there is none; shapes (N,) and (M,).
    open_a, open_b
        Rows that may be paired: those that were not kept.
    """
    rows_a, rows_b = np.flatnonzero(open_a & (a >= 0)), np.flatnonzero(open_b & (b >= 0))
    ranks_a, ranks_b = occurrence(a[rows_a]), occurrence(b[rows_b])
    width = 1 + max(int(ranks_a.max(initial=0)), int(ranks_b.max(initial=0)))
    prompts_a, prompts_b = a[rows_a], b[rows_b]
    largest_prompt = max(int(prompts_a.max(initial=0)), int(prompts_b.max(initial=0)))
    if largest_prompt > _LARGEST // width - 1:
        _, codes = np.unique(np.concatenate([prompts_a, prompts_b]), return_inverse=True)
        prompts_a, prompts_b = np.split(codes, [len(prompts_a)])
    keys_a, keys_b = prompts_a * width + ranks_a, prompts_b * width + ranks_b
    _, at_a, at_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    order = np.argsort(at_a)
    return rows_a[at_a[order]], rows_b[at_b[order]]
