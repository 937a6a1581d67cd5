"""What `heirloom diff` says of single rows, pairs of rows and columns: plain frozen values, parts of `result.DatasetDiff`."""

from __future__ import annotations

from dataclasses import dataclass

from heirloom.numerals import num_rows


@dataclass(frozen=True)
class Group:
    """Rows of one origin (real, synthetic) or one depth; kept + edited + removed are A's, kept + edited + added are B's.

    Edited are here the rewritten rows, too.
    """

    by: str
    value: str
    kept_a: int
    edited_a: int
    removed: int
    kept_b: int
    edited_b: int
    added: int


@dataclass(frozen=True)
class Piece:
    """A stretch of text, and whether the other side has another one here."""

    text: str
    changed: bool


@dataclass(frozen=True)
class Pair:
    """Two rows side by side, cut into pieces."""

    a: tuple[Piece, ...]
    b: tuple[Piece, ...]


@dataclass(frozen=True)
class Edits:
    """Edits of rewritten or of edited rows, by Levenshtein distance over tokens or words, on ``measured`` pairs.

    Parameters
    ----------
    one_word
        Pairs that differ by one token or word.
    changed_share
        Edit distance / tokens of the longer row, mean over pairs.
    first_change
        Median position of the first token that differs, counted from 0.
    """

    measured: int
    inserted: int
    deleted: int
    replaced: int
    changed_share: float
    first_change: float
    one_word: int


@dataclass(frozen=True)
class Template:
    """The beginning that ``rows`` of the ``looked_at`` rows share."""

    text: str
    rows: int
    looked_at: int


@dataclass(frozen=True)
class Rows:
    """What left, came and was changed. A's rows are kept + edited + rewritten + removed, B's kept + edited + rewritten + added.

    Parameters
    ----------
    edited
        Rows with a small change (at most a fifth of the words), or of one key or one place and with other cells.
    rewritten
        Rows with the same prompt and another continuation.
    rewrites
        The edits of the rewritten rows; ``edits`` are those of the edited ones.
    repeated_a, repeated_b
        Rows beyond the first of their content within a side.
    near_removed, near_added
        Removed rows that have a near-duplicate among the added, and the other way round, among ``near_checked`` (A, B) rows.
    """

    same: bool
    same_order: bool
    kept: int
    edited: int
    removed: int
    added: int
    rewritten: int
    repeated_a: int
    repeated_b: int
    near_removed: int = 0
    near_added: int = 0
    near_checked: tuple[int, int] = (0, 0)
    groups: tuple[Group, ...] = ()
    edits: Edits | None = None
    rewrites: Edits | None = None
    removed_template: Template | None = None
    added_template: Template | None = None
    removed_examples: tuple[str, ...] = ()
    added_examples: tuple[str, ...] = ()
    edited_examples: tuple[Pair, ...] = ()
    rewritten_examples: tuple[Pair, ...] = ()
    near_examples: tuple[Pair, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MovedRows:
    """Rows that A has in one split and B in another."""

    before: str
    after: str
    rows: int

    @property
    def line(self) -> str:
        """The same as a sentence without its full stop."""
        return f"{num_rows(self.rows)} of {self.before} in A {'is' if self.rows == 1 else 'are'} in {self.after} in B"


@dataclass(frozen=True)
class Column:
    """A column that is not alike on both sides, of a table that Heirloom did not write.

    Parameters
    ----------
    name, name_b
        Its name in A (in B where A lacks it), and in B where that is another one: the same values under another name.
    type_a, type_b
        Its types, None where a side lacks it.
    differs, matched
        Rows whose cells differ, among the rows that were matched.
    values_a, values_b
        Cells without an equal one on the other side, counted over the whole column, where a table's rows could not be matched.
    examples
        Cells before and after.
    is_empty
        Whether neither side has a value in it, where its types differ: then nothing says that they mean the same.
    """

    name: str
    type_a: str | None
    type_b: str | None
    name_b: str | None = None
    differs: int = 0
    matched: int = 0
    values_a: int = 0
    values_b: int = 0
    examples: tuple[str, ...] = ()
    is_empty: bool = False

    @property
    def is_same(self) -> bool:
        """Whether the values are equal, whatever their types."""
        one_sided = self.type_a is None or self.type_b is None
        return not (one_sided or self.name_b or self.differs or self.values_a or self.values_b)

    @property
    def line(self) -> str:
        """What is to be said of it, as part of a sentence."""
        if self.type_a is None or self.type_b is None:
            return f"column {self.name} is only in {'B' if self.type_a is None else 'A'}"
        types = f"column {self.name}: {self.type_a} against {self.type_b}, " if self.type_a != self.type_b else ""
        subject = types or f"{self.name} "
        if self.name_b:
            return f"column {self.name} is named {self.name_b} in B, with equal values"
        if self.differs:
            return f"{subject}differs in {self.differs:,} of {num_rows(self.matched)}"
        if self.values_a or self.values_b:
            return f"{subject}has {self.values_a:,} cells without an equal one in B, and B {self.values_b:,} without one in A"
        return f"{types}{'no value on either side' if self.is_empty else 'values equal'}"
