"""What left, what came, what was rewritten: every row of both sides gets one status, and the counts add up.

A row is kept if the other side has an equal one (as multisets), rewritten if the other side has another continuation of its
prompt, edited if it is known to be the same row with other cells, else removed or added. Equal means equal data
columns; ids and ancestry do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from heirloom.data import arrow_columns
from heirloom.diffs import belonging, cells, matching, values
from heirloom.diffs.cells import Hashes, Ints
from heirloom.diffs.common import Common
from heirloom.diffs.row_result import Group
from heirloom.diffs.sides import Side
from heirloom.words import SPACED_PIECE

NO_UNIT = -1
UNKNOWN = -1
KINDS = ("real", "synthetic")


@dataclass(frozen=True)
class Table:
    """Of each row its hash, its number of tokens, its unit (the prompt of a text, the replica of a vector), origin, depth; shapes (N,).

    ``names`` says which row it is, ``groups`` which document it is a part of, both hashed and 0 where that is not known. ``others``
    hashes the further columns of data, where there are any beside the content. ``keys`` hashes the columns that name a row by the
    user's word. ``by_replica`` says that units are replicas.
    """

    hashes: Hashes
    lengths: NDArray[np.int32]
    units: Ints
    kinds: NDArray[Any]
    depths: NDArray[Any]
    names: Hashes
    groups: Hashes
    others: Hashes | None = None
    by_replica: bool = False
    keys: Hashes | None = None


_NO_PAIRS: tuple[Ints, Ints] = (np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Matching:
    """Status of each row: flags of shape (N,) and (M,), and positions (A, B) of pairs.

    Parameters
    ----------
    edited
        Pairs of rows that are one row with other cells: of one key, of one place, or with few words that differ.
    changed
        Pairs of kept rows whose content is equal and whose further columns are not.
    rewritten
        Pairs of rows with the same prompt and another continuation.
    """

    kept_a: NDArray[np.bool_]
    kept_b: NDArray[np.bool_]
    edited: tuple[Ints, Ints]
    changed: tuple[Ints, Ints] = _NO_PAIRS
    rewritten: tuple[Ints, Ints] = _NO_PAIRS

    @property
    def unmatched(self) -> tuple[Ints, Ints]:
        """Positions of the removed and of the added rows."""
        paired_a, paired_b = self.paired
        return _without_partner(self.kept_a, paired_a), _without_partner(self.kept_b, paired_b)

    @property
    def paired(self) -> tuple[Ints, Ints]:
        """Positions of the edited and of the rewritten rows."""
        pairs = zip(self.edited, self.rewritten, strict=True)
        paired_a, paired_b = (np.concatenate(positions) for positions in pairs)
        return paired_a, paired_b

    def with_edits(self, edited: tuple[Ints, Ints]) -> Matching:
        """Return the matching with further pairs that were edited, ascending in A."""
        edited_a, edited_b = (np.concatenate(positions) for positions in zip(self.edited, edited, strict=True))
        order = np.argsort(edited_a, kind="stable")
        return replace(self, edited=(edited_a[order], edited_b[order]))


def _without_partner(is_kept: NDArray[np.bool_], paired: Ints) -> Ints:
    is_unmatched = ~is_kept
    is_unmatched[paired] = False
    return np.flatnonzero(is_unmatched)


def read(side: Side, shared: Common, names: belonging.Belonging | None = None) -> Table:
    """Return the table of a side, its rows hashed over the data columns; one pass over the file."""
    names = names or belonging.Belonging()
    unit = "replica" if "x" in shared.data else "parent"
    ancestry = [name for name in (unit, "kind", "depth") if _has_ancestry(side, name)]
    length_columns = [name for name in ("tokens", *shared.data) if _has_lengths(side, name)][:1]
    columns = list(dict.fromkeys([*shared.data, *length_columns, *ancestry, *shared.others, *names.columns, *shared.keys]))
    table = _empty(side.num_rows, shared, ancestry, names)
    start = 0
    for batch in side.batches(columns):
        span = slice(start, start + batch.num_rows)
        table.hashes[span] = _content(batch, shared)
        if table.others is not None:
            table.others[span] = values.record_hashes(batch.select(list(shared.others)))
        if table.keys is not None:
            table.keys[span] = values.record_hashes(batch.select(list(shared.keys)))
        for name in length_columns:
            table.lengths[span] = _lengths(batch.column(name))
        if unit in ancestry:
            table.units[span] = _numbers(batch.column(unit), NO_UNIT)
        if "kind" in ancestry:
            table.kinds[span] = _kinds(batch.column("kind"))
        if "depth" in ancestry:
            table.depths[span] = _numbers(batch.column("depth"), UNKNOWN)
        if names.row:
            table.names[span] = belonging.row_names(batch, names)
        if names.unit or names.documents:
            table.groups[span] = belonging.units(batch, names)
        start = span.stop
    return table


def _empty(size: int, shared: Common, ancestry: Sequence[str], names: belonging.Belonging) -> Table:
    """Return a table of some size that is to be filled; what no column tells is one number for all rows."""
    unit = "replica" if "x" in shared.data else "parent"
    return Table(
        hashes=np.empty(size, np.uint64),
        lengths=np.zeros(size, np.int32),
        units=_filled(size, np.int64(NO_UNIT), is_known=unit in ancestry),
        kinds=_filled(size, np.int8(UNKNOWN), is_known="kind" in ancestry),
        depths=_filled(size, np.int16(UNKNOWN), is_known="depth" in ancestry),
        names=_filled(size, belonging.UNKNOWN, is_known=bool(names.row)),
        groups=_filled(size, belonging.UNKNOWN, is_known=bool(names.unit or names.documents)),
        others=np.empty(size, np.uint64) if shared.data and shared.others else None,
        by_replica=unit == "replica",
        keys=np.empty(size, np.uint64) if shared.keys else None,
    )


def _filled(size: int, number: np.generic, *, is_known: bool) -> NDArray[Any]:
    """Return a number for each row, that of all rows in one place where it is not known by row."""
    return np.full(size, number) if is_known else np.broadcast_to(number, size)


def match(a: Table, b: Table, *, same_prompts: bool, by_place: bool = False) -> Matching:
    """Return every row's status.

    Parameters
    ----------
    same_prompts
        Whether both sides answer the same prompts: then rows are paired by prompt.
    by_place
        Whether rows that differ are paired by their place in the file, if there are as many and they stand in the same places.
    """
    if a.keys is not None and b.keys is not None:
        return Matching(*_kept_by_names((a.keys, b.keys), (_whole(a), _whole(b))))
    if a.others is not None and b.others is not None:
        kept_a, kept_b, changed = _kept_with_others((a.hashes, b.hashes), (a.others, b.others))
    else:
        (kept_a, kept_b), changed = matching.kept(a.hashes, b.hashes), _NO_PAIRS
    rewritten = matching.pairs(a.units, b.units, ~kept_a, ~kept_b) if same_prompts else _NO_PAIRS
    edited = _NO_PAIRS
    if by_place and len(kept_a) == len(kept_b) and (kept_a == kept_b).all():
        edited = np.flatnonzero(~kept_a), np.flatnonzero(~kept_b)
    return Matching(kept_a, kept_b, edited, changed, rewritten)


def _kept_with_others(
    content: tuple[Hashes, Hashes], others: tuple[Hashes, Hashes]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], tuple[Ints, Ints]]:
    """Match rows that are equal in all columns first, then rows of equal content, in order of appearance: they are kept as well."""
    kept_a, kept_b, changed = _kept_by_names(content, others)
    kept_a[changed[0]], kept_b[changed[1]] = True, True
    return kept_a, kept_b, changed


def _kept_by_names(
    names: tuple[Hashes, Hashes], rest: tuple[Hashes, Hashes]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], tuple[Ints, Ints]]:
    """Match rows that are equal in name and rest, then rows of equal names in order of appearance; those are pairs, and not kept."""
    names_a, names_b = names
    rest_a, rest_b = rest
    kept_a, kept_b = matching.kept(values.mixed(names_a) + rest_a, values.mixed(names_b) + rest_b)
    unequal_a, unequal_b = np.flatnonzero(~kept_a), np.flatnonzero(~kept_b)
    has_name_a, has_name_b = matching.kept(names_a[unequal_a], names_b[unequal_b])
    changed_a, changed_b = unequal_a[has_name_a], unequal_b[has_name_b]
    pairs_a = changed_a[np.argsort(names_a[changed_a], kind="stable")]
    pairs_b = changed_b[np.argsort(names_b[changed_b], kind="stable")]
    order = np.argsort(pairs_a)
    return kept_a, kept_b, (pairs_a[order], pairs_b[order])


def _whole(table: Table) -> Hashes:
    """Return a hash a row over all of its data."""
    return table.hashes if table.others is None else values.mixed(table.hashes) + table.others


def repeated(hashes: Hashes) -> int:
    """Return how many rows of a side equal an earlier one."""
    ordered = np.sort(hashes)
    return int((ordered[1:] == ordered[:-1]).sum())


def same_order(a: Table, b: Table) -> bool:
    """Return whether rows that are all matched stand in the same order."""
    others = a.others is None or b.others is None or bool((a.others == b.others).all())
    return bool((a.hashes == b.hashes).all()) and others


def groups(a: Table, b: Table, matching: Matching) -> Iterator[Group]:
    """Yield the counts by origin and by depth, where the columns are there."""
    paired_a, paired_b = matching.paired
    status_a, status_b = _status(matching.kept_a, paired_a), _status(matching.kept_b, paired_b)
    for by, values_a, values_b in (("kind", a.kinds, b.kinds), ("depth", a.depths, b.depths)):
        group_values = {*np.unique(values_a).tolist(), *np.unique(values_b).tolist()} - {UNKNOWN}
        for value in sorted(group_values):
            counts_a = np.bincount(status_a[values_a == value], minlength=3).tolist()
            counts_b = np.bincount(status_b[values_b == value], minlength=3).tolist()
            yield Group(by, KINDS[value] if by == "kind" else str(value), *counts_a, *counts_b)


def same_prompts(a: Side, b: Side) -> bool:
    """Return whether prompt ids mean the same rows on both sides: the prompts' fingerprints where known, else experiment and seed."""
    prompts = [side.inputs("prompts") for side in (a, b)]
    if all(prompts):
        return prompts[0][0].sha256 == prompts[1][0].sha256
    return _family_tree(a) == _family_tree(b)


def _family_tree(side: Side) -> tuple[Any, ...]:
    from heirloom.artefacts import kinds

    lineage = kinds.LINEAGE.wildcards(side.path_here) or {}
    return lineage.get("experiment"), lineage.get("seed")


def _status(is_kept: NDArray[np.bool_], paired: Ints) -> NDArray[np.int8]:
    status = np.where(is_kept, 0, 2).astype(np.int8)
    status[paired] = 1
    return status


def _content(batch: pa.RecordBatch, shared: Common) -> Hashes:
    """Return a hash a row over its content; of a table over all columns that both sides have."""
    if shared.by_value or not shared.data:
        return values.record_hashes(batch.select(list(shared.data or shared.others)))
    return cells.row_hashes(batch.select(list(shared.data)))


def _has_ancestry(side: Side, name: str) -> bool:
    """Return whether a column tells a row's unit, origin or depth; a column of that name that others wrote may hold anything."""
    if not side.has(name):
        return False
    column_type = arrow_columns.bare_type(side.schema.field(name).type)
    is_integer = pa.types.is_signed_integer(column_type)
    if name in ("parent", "replica"):
        return bool(is_integer)
    fits = arrow_columns.is_text(column_type) if name == "kind" else is_integer or pa.types.is_floating(column_type)
    return bool(fits and (side.is_ours or side.has("born", "depth_max")))


def _has_lengths(side: Side, name: str) -> bool:
    """Return whether rows have lengths by a column: numbers in lists, or text."""
    if not side.has(name):
        return False
    column_type = side.schema.field(name).type
    return arrow_columns.is_list_of_numbers(column_type) or (name == "text" and arrow_columns.is_text(column_type))


def _lengths(column: pa.Array) -> NDArray[Any]:
    """Return tokens of each row, or pieces between white space (`words.SPACED_PIECE`) where there are no tokens."""
    if arrow_columns.is_list_of_numbers(column.type):
        lengths = pc.list_value_length(arrow_columns.bare_values(column))
    else:
        lengths = pc.count_substring_regex(cells.strings(column)[0], SPACED_PIECE)
    return np.asarray(pc.fill_null(lengths, 0).to_numpy(zero_copy_only=False))


def _kinds(column: pa.Array) -> NDArray[Any]:
    """Return the position of each row's kind in `KINDS`, shape (N,)."""
    kinds = arrow_columns.raw_text(column, "column kind")
    positions = pc.index_in(kinds, pa.array(KINDS).cast(pa.large_binary()))
    return np.asarray(pc.fill_null(positions, UNKNOWN).to_numpy(zero_copy_only=False))


def _numbers(column: pa.Array, null_value: int) -> NDArray[Any]:
    numbers = pc.fill_null(arrow_columns.bare_values(column), null_value).to_numpy(zero_copy_only=False)
    return np.asarray(np.rint(numbers) if numbers.dtype.kind == "f" else numbers)
