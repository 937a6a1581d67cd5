"""Which rows the tests look at, and which rows belong together: one key a row, and the rows whose keys come first in a random order.

A key is what may trade places as one under "no difference": a prompt, a replica, or a row that both sides hold. Both sides draw by
key, so a prompt that is drawn in A is drawn in B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.matching import occurrence
from heirloom.diffs.rows import Matched, Table
from heirloom.streams import Stream

FEWEST_ROWS = 32
"""Of removed and of added rows, for a comparison of the two (below that the larger is compared with the kept rows), and of replicas."""

_MIX = np.uint64(0x9E3779B97F4A7C15)
_TURN = np.uint64(29)


def keys(a: Table, b: Table, matched: Matched, *, grouped: bool) -> tuple[Hashes, Hashes]:
    """Return the key of each row, shapes (N,) and (M,): its unit where units are grouped, the row itself if kept, else its own."""
    return _keys(a, matched.kept_a, 1, grouped=grouped), _keys(b, matched.kept_b, 2, grouped=grouped)


def many(*tables: Table) -> bool:
    """Return whether every side has enough units, such as replicas, that these and not rows can be what trades places."""
    return all(len(np.unique(table.units)) >= FEWEST_ROWS for table in tables)


def places(table: Table) -> Hashes:
    """Return a key of each row's unit and place in it, shape (N,): drawing by it takes some rows of every replica, alike on both sides."""
    return _mixed(table.units.view(np.uint64) * np.uint64(2**32) + occurrence(table.units).view(np.uint64))


def draw(a: Hashes, b: Hashes, most: int, stream: Stream) -> tuple[Ints, Ints]:
    """Return ascending positions of at most ``most`` rows of either side, the same keys on both."""
    salt = np.uint64(stream.generator().integers(2**63))
    order_a, order_b = _mixed(a ^ salt), _mixed(b ^ salt)
    if max(len(a), len(b)) <= most:
        return np.arange(len(a)), np.arange(len(b))
    bound = min(_bound(order_a, most), _bound(order_b, most))
    return np.flatnonzero(order_a < bound), np.flatnonzero(order_b < bound)


def contrast(matched: Matched, a: Ints, b: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_], str]:
    """Return which of the sampled rows, on which sides, tell A's law from B's, and a note where these are not all rows of A and B.

    Rows that both sides hold say nothing about a difference, unless next to nothing left or next to nothing came: then the question is
    whether what left (or came) is a fair sample, and the kept rows are what it is compared with.

    Returns
    -------
    flags over the sampled rows of A and of B, and the note
    """
    everything = np.ones(len(a), bool), np.ones(len(b), bool), ""
    kept_a, kept_b = matched.kept_a[a], matched.kept_b[b]
    removed, added, shared = int((~kept_a).sum()), int((~kept_b).sum()), int(kept_a.sum())
    if not shared or removed == added or min(removed, added) >= FEWEST_ROWS:
        return everything
    if removed > added:
        return ~kept_a, kept_b, "tests compare the removed rows with the kept ones"
    return kept_a, ~kept_b, "tests compare the kept rows with the added ones"


def _keys(table: Table, kept: NDArray[np.bool_], side: int, *, grouped: bool) -> Hashes:
    own = _mixed(np.arange(len(kept), dtype=np.uint64) * np.uint64(4) + np.uint64(side))
    found = np.where(kept, table.hashes, own)
    if grouped:
        has_unit = table.units >= 0
        found = np.where(has_unit, _mixed(table.units.view(np.uint64) * np.uint64(4)), found)
    return found


def _mixed(values: Hashes) -> Hashes:
    mixed = values * _MIX
    mixed ^= mixed >> _TURN
    return mixed * _MIX


def _bound(order: Hashes, most: int) -> np.uint64:
    """Return the smallest key that is one too many."""
    return np.uint64(2**64 - 1) if len(order) <= most else np.partition(order, most)[most]
