"""Which rows the tests look at, and which rows belong together: one key a row.

A key is what may trade places as one under "no difference": a prompt, a replica, a document, or a row that *is* the same
on both sides. Rows of equal content are not the same for that: if they were exchanged only with each other, no exchange
could undo a difference in how often a value occurs, and equal laws of few values would be told apart. Both sides draw by
key, in one random order, so a prompt that is drawn in A is drawn in B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.belonging import UNKNOWN
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.matching import Flags, occurrence
from heirloom.diffs.rows import Matching, Table
from heirloom.runtime.streams import Stream

FEWEST_ROWS = 32
"""Of removed and of added rows, for a comparison of the two (below that the larger is compared with the kept rows), and of replicas."""

_FEWEST_EQUAL = 0.5
_FEWEST_COPIES = 16
"""Of samples of one law, 16 contents of 16 are on both sides with a chance of at most 2^-16."""
_MOST_REPEATS = 0.02
_NAME, _GROUP = np.uint64(0x6E616D65), np.uint64(0x67726F7570)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_TURN = np.uint64(29)


@dataclass(frozen=True)
class RowNames:
    """Which row each row is.

    Attributes
    ----------
    a, b
        Names, shapes (N,) and (M,); 0 where it is unknown.
    both
        Which rows both sides hold; None if that is not known.
    """

    a: Hashes
    b: Hashes
    both: tuple[Flags, Flags] | None = None


def row_names(a: Table, b: Table, matching: Matching) -> RowNames:
    """Return which rows are the same on both sides: by the user's keys, by lineage or id, else because text or numbers were copied.

    Names count if most rows of a side have one of their own, and at least half of the names that are on both sides stand
    for equal rows: numbers from 0 on may be in any two files, and then name nothing.
    """
    if a.keys is not None and b.keys is not None and _are_mostly_unique(a.keys) and _are_mostly_unique(b.keys):
        return _named_by_keys((a.keys, b.keys), matching)
    shared, at_a, at_b = np.intersect1d(a.names, b.names, return_indices=True)
    at_a, at_b = at_a[shared != UNKNOWN], at_b[shared != UNKNOWN]
    equal = a.hashes[at_a] == b.hashes[at_b]
    agree = bool(equal.size) and equal.mean() >= _FEWEST_EQUAL
    if agree and _are_mostly_unique(a.names) and _are_mostly_unique(b.names):
        both = (np.isin(a.names, shared), np.isin(b.names, shared)) if equal.all() else None
        return RowNames(a.names, b.names, both)
    copies = _copies(a.hashes, b.hashes) if matching.kept_a.any() else None
    if copies is not None:
        return RowNames(*copies, (matching.kept_a, matching.kept_b))
    return RowNames(np.zeros(len(a.hashes), np.uint64), np.zeros(len(b.hashes), np.uint64))


def _named_by_keys(keys: tuple[Hashes, Hashes], matching: Matching) -> RowNames:
    """Return the keys as names; where no pair differs, the rows that both sides hold are known as well."""
    keys_a, keys_b = keys
    edited_a, _ = matching.edited
    both = None if len(edited_a) else (np.isin(keys_a, keys_b), np.isin(keys_b, keys_a))
    return RowNames(keys_a, keys_b, both)


def _are_mostly_unique(names: Hashes) -> bool:
    return 2 * len(np.unique(names)) > len(names)


def keys(a: Table, b: Table, names: RowNames, *, grouped: bool) -> tuple[Hashes, Hashes]:
    """Return the key of each row, shapes (N,) and (M,).

    In this order: its prompt or replica, where these are the same on both sides (``grouped``); its document; its prompt,
    within its side; which row it is; else a key of its own.
    """
    return _keys(a, names.a, 1, grouped=grouped), _keys(b, names.b, 2, grouped=grouped)


def without_unit(table: Table, *, grouped: bool) -> Flags:
    """Return which rows belong to no prompt, replica or document, shape (N,)."""
    counts_as_unit = (table.units >= 0) & (grouped or not table.by_replica)
    return np.asarray((table.groups == UNKNOWN) & ~counts_as_unit)


def have_enough_units(*tables: Table) -> bool:
    """Return whether every side has enough units, such as replicas, that these and not rows can be what trades places."""
    return all(len(np.unique(table.units)) >= FEWEST_ROWS for table in tables)


def unit_places(table: Table) -> Hashes:
    """Return a key of each row's unit and place in it, shape (N,): drawing by it takes some rows of every replica, alike on both sides."""
    places = occurrence(table.units).view(np.uint64)
    return _mixed(table.units.view(np.uint64) * np.uint64(2**32) + places)


def order(table: Table, keys: Hashes) -> Hashes:
    """Return what rows are drawn by, shape (N,): their keys, but some rows of every document, alike on both sides."""
    if not table.groups.any():
        return keys
    places = _mixed(occurrence(keys).view(np.uint64))
    return np.where(table.groups == UNKNOWN, keys, _mixed(keys + places))


def draw(a: Hashes, b: Hashes, most: int, stream: Stream) -> tuple[Ints, Ints]:
    """Return ascending positions of at most ``most`` rows of either side, the same keys on both."""
    salt = np.uint64(stream.generator().integers(2**63))
    order_a, order_b = _mixed(a ^ salt), _mixed(b ^ salt)
    if max(len(a), len(b)) <= most:
        return np.arange(len(a)), np.arange(len(b))
    bound = min(_bound(order_a, most), _bound(order_b, most))
    return np.flatnonzero(order_a < bound), np.flatnonzero(order_b < bound)


def contrast(names: RowNames, a: Ints, b: Ints) -> tuple[Flags, Flags, str]:
    """Return which of the sampled rows, on which sides, tell A's law from B's, and a note where these are not all rows of A and B.

    Rows that are the same on both sides say nothing about a difference, unless next to nothing left or next to nothing
    came: then the question is whether what left (or came) is a fair sample, and the kept rows are what it is compared with.

    Returns
    -------
    flags over the sampled rows of A and of B, and the note
    """
    all_rows = np.ones(len(a), bool), np.ones(len(b), bool), ""
    if names.both is None:
        return all_rows
    in_both_a, in_both_b = names.both
    kept_a, kept_b = in_both_a[a], in_both_b[b]
    num_removed, num_added, num_kept = int((~kept_a).sum()), int((~kept_b).sum()), int(kept_a.sum())
    if not num_kept or num_removed == num_added or min(num_removed, num_added) >= FEWEST_ROWS:
        return all_rows
    if num_removed > num_added:
        return ~kept_a, kept_b, "tests compare the removed rows with the kept ones"
    return kept_a, ~kept_b, "tests compare the kept rows with the added ones"


def _copies(a: Hashes, b: Hashes) -> tuple[Hashes, Hashes] | None:
    """Return a name of each row whose content either side has equally often, or None where equal contents may be chance.

    Of contents that occur twice, samples of one law hold at most as many on both sides as twice on one side. Rows were
    copied if at least `_FEWEST_COPIES` are on both sides and hardly any is twice on one.
    """
    copied = _copied(a, b)
    if copied is None:
        return None
    is_copy_a, is_copy_b = copied
    return _copy_names(a, is_copy_a), _copy_names(b, is_copy_b)


def _copied(a: Hashes, b: Hashes) -> tuple[Flags, Flags] | None:
    """Return which rows have a content that either side has equally often, or None where equal contents may be chance."""
    contents_a, contents_b = _contents(a), _contents(b)
    elsewhere_a, elsewhere_b = contents_a.counts_in(contents_b), contents_b.counts_in(contents_a)
    num_on_both = int(((contents_a.counts == 1) & (elsewhere_a == 1)).sum())
    num_only_a = int(((contents_a.counts == 2) & (elsewhere_a == 0)).sum())
    num_only_b = int(((contents_b.counts == 2) & (elsewhere_b == 0)).sum())
    if num_on_both < _FEWEST_COPIES or num_only_a + num_only_b > num_on_both * _MOST_REPEATS:
        return None
    is_balanced_a, is_balanced_b = contents_a.counts == elsewhere_a, contents_b.counts == elsewhere_b
    return _in_rows(a, np.repeat(is_balanced_a, contents_a.counts)), _in_rows(b, np.repeat(is_balanced_b, contents_b.counts))


def _in_rows(rows: Hashes, flags: Flags) -> Flags:
    """Return flags of rows in the order of their contents in the order of the rows, shape (N,)."""
    in_rows = np.empty(len(rows), bool)
    in_rows[np.argsort(rows)] = flags
    return in_rows


@dataclass(frozen=True)
class _Contents:
    """The contents of a side, ascending, and how often each occurs; shapes (K,)."""

    hashes: Hashes
    counts: NDArray[np.int32]

    def counts_in(self, other: _Contents) -> NDArray[np.int32]:
        """Return how often each content occurs on the other side, shape (K,)."""
        places = np.searchsorted(other.hashes, self.hashes)
        np.minimum(places, len(other.hashes) - 1, out=places)
        is_there = other.hashes[places] == self.hashes
        return np.where(is_there, other.counts[places], np.int32(0))


def _contents(rows: Hashes) -> _Contents:
    hashes, counts = np.unique(rows, return_counts=True)
    return _Contents(hashes, counts.astype(np.int32))


def _copy_names(content: Hashes, is_copy: Flags) -> Hashes:
    """Return a name of each copied row: its content, and how many earlier rows of its side have the same."""
    names = _mixed(content + occurrence(content).view(np.uint64))
    return np.where(is_copy, names, UNKNOWN)


def _keys(table: Table, names: Hashes, side: int, *, grouped: bool) -> Hashes:
    """Return the key of each row; later sorts of key take the place of earlier ones, and each is made where a row has one."""
    has_unit, has_name, has_group = table.units >= 0, names != UNKNOWN, table.groups != UNKNOWN
    keys = _mixed(np.arange(len(names), dtype=np.uint64) * np.uint64(4) + np.uint64(side))
    if has_name.any():
        np.copyto(keys, _mixed(names ^ _NAME), where=has_name)
    if has_unit.any() and not (grouped or table.by_replica):
        np.copyto(keys, _mixed(_numbered(table.units) + np.uint64(side)), where=has_unit)
    if has_group.any():
        np.copyto(keys, _mixed(table.groups ^ _GROUP), where=has_group)
    if grouped and has_unit.any():
        np.copyto(keys, _mixed(_numbered(table.units)), where=has_unit)
    return keys


def _numbered(units: Ints) -> Hashes:
    """Return numbers of units between which those of two sides fit."""
    return units.view(np.uint64) * np.uint64(4)


def _mixed(values: Hashes) -> Hashes:
    mixed = values * _MIX
    mixed ^= mixed >> _TURN
    mixed *= _MIX
    return mixed


def _bound(order: Hashes, most: int) -> np.uint64:
    """Return the smallest key that is one too many."""
    return np.uint64(2**64 - 1) if len(order) <= most else np.partition(order, most)[most]
