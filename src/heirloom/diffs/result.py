"""The answer: what `heirloom diff` says of two datasets, as plain frozen values that turn into JSON, pandas or a page."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from heirloom.manifest import dumps

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["text", "tokens", "vectors", "table", "splits"]
Answer = Literal["same", "different rows, same distribution", "distribution shifted", "different"]

SCHEMA_VERSION = 1
"""Layout of a diff as JSON."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not alike: a column, a config key, an input. None where a side lacks it."""

    what: str
    a: str | None
    b: str | None


@dataclass(frozen=True)
class SideSummary:
    """One dataset: its name, sha256 of its bytes, rows, tokens, bytes on disk, and column types.

    Tokens are words where there are no tokens, numbers for vectors, and None where no row had to be read.
    """

    name: str
    sha256: str
    rows: int
    tokens: int | None
    bytes: int
    columns: dict[str, str]


@dataclass(frozen=True)
class Identity:
    """Whether they are the same file, of the same shape, of the same making.

    Parameters
    ----------
    lineage
        The differences at the most upstream step where the two ancestries part, and ``lineage_step``, its name.
    """

    a: SideSummary
    b: SideSummary
    same_bytes: bool
    schema: tuple[Difference, ...] = ()
    lineage: tuple[Difference, ...] = ()
    lineage_step: str = ""


@dataclass(frozen=True)
class Group:
    """Rows of one origin (real, synthetic) or one depth; kept + edited + removed are A's, kept + edited + added are B's."""

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
    """Edits of rows with the same prompt, by Levenshtein distance over tokens, on ``measured`` pairs.

    Parameters
    ----------
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


@dataclass(frozen=True)
class Rows:
    """What left, came and was rewritten. A's rows are kept + edited + removed, B's are kept + edited + added.

    Parameters
    ----------
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
    repeated_a: int
    repeated_b: int
    near_removed: int = 0
    near_added: int = 0
    near_checked: tuple[int, int] = (0, 0)
    groups: tuple[Group, ...] = ()
    edits: Edits | None = None
    removed_examples: tuple[str, ...] = ()
    added_examples: tuple[str, ...] = ()
    edited_examples: tuple[Pair, ...] = ()
    near_examples: tuple[Pair, ...] = ()
    notes: tuple[str, ...] = ()


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
        if self.name_b:
            return f"column {self.name} is named {self.name_b} in B, with equal values"
        if self.differs:
            return f"{types or f'{self.name} '}differs in {self.differs:,} of {self.matched:,} rows"
        if self.values_a or self.values_b:
            return (
                f"{types or f'{self.name} '}has {self.values_a:,} cells without an equal one in B, and B {self.values_b:,} without one in A"
            )
        return f"{types}values equal"


@dataclass(frozen=True)
class Band:
    """Types that A has in one frequency band, how many B still has, and how many neutral drift would have left.

    Neutral drift: B's words drawn from A's frequencies ``generations`` times over (`heirloom.theory.drift_survival`).
    """

    band: str
    types: int
    survived: int
    survival: float
    expected: float
    lost_examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moved:
    """An n-gram whose frequency moved: counts, log-odds ratio B against A, and its z-score (Monroe et al. 2008)."""

    n: int
    gram: str
    count_a: int
    count_b: int
    log_odds: float
    z: float


@dataclass(frozen=True)
class Measure:
    """One number of both sides, such as ``distinct_2``."""

    name: str
    a: float
    b: float


@dataclass(frozen=True)
class Vocabulary:
    """Types and n-grams. ``gained`` counts, by band of B's frequency, the types that A lacks."""

    unit: str
    types_a: int
    types_b: int
    lost: int
    gained: int
    generations: int
    bands: tuple[Band, ...]
    gained_bands: tuple[Measure, ...]
    gained_examples: tuple[str, ...]
    moved: tuple[Moved, ...]
    measures: tuple[Measure, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Test:
    """One permutation test; ``adjusted`` is its p-value after Holm's correction over all tests of the comparison."""

    __test__ = False  # keeps pytest from collecting it

    name: str
    statistic: float
    p_value: float
    adjusted: float
    units: int
    note: str


@dataclass(frozen=True)
class Distribution:
    """How far apart the two laws are, and whether that is more than chance.

    Parameters
    ----------
    distance
        Jensen-Shannon distance of the words in [0, 1], corrected for what finite counts add; for vectors the energy distance.
    measures
        Further numbers of both sides: perplexity under the origin, or means, spreads and tails of vectors.
    sampled
        Rows of A and B that the tests saw.
    """

    distance_name: str
    distance: float
    uncorrected: float
    direction: str
    tests: tuple[Test, ...]
    measures: tuple[Measure, ...]
    sampled: tuple[int, int]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Control:
    """The same comparison between two control generations: what resampling alone does."""

    a: str
    b: str
    distance: float
    ratio: float | None


@dataclass(frozen=True)
class Verdict:
    """One line: the answer, the direction where there is one, and the evidence."""

    answer: Answer
    direction: str
    evidence: str

    @property
    def line(self) -> str:
        """The verdict in one sentence."""
        return f"{self.answer}{f' ({self.direction})' if self.direction else ''}: {self.evidence}"


@dataclass(frozen=True)
class Split:
    """One split or configuration of either side: its rows, None where a side lacks it, and what changed, None likewise."""

    name: str
    rows_a: int | None
    rows_b: int | None
    diff: DatasetDiff | None

    @property
    def line(self) -> str:
        """What became of it."""
        if self.diff:
            return self.diff.verdict.line
        return "only in A" if self.rows_b is None else "only in B"


@dataclass(frozen=True)
class MovedRows:
    """Rows that A has in one split and B in another."""

    before: str
    after: str
    rows: int

    @property
    def line(self) -> str:
        """The same as a sentence without its full stop."""
        return f"{self.rows:,} rows of {self.before} in A are in {self.after} in B"


@dataclass(frozen=True)
class DatasetDiff:
    """What changed from dataset A to dataset B; sections that were not needed are None.

    Of datasets with several splits or configurations, ``splits`` has what changed in each, and the other sections are None.
    """

    kind: Kind
    identity: Identity
    rows: Rows | None
    vocabulary: Vocabulary | None
    distribution: Distribution | None
    control: Control | None
    verdict: Verdict
    columns: tuple[Column, ...] = ()
    splits: tuple[Split, ...] = ()
    moved: tuple[MovedRows, ...] = ()

    @property
    def same(self) -> bool:
        """Whether both hold the same rows, in whatever order."""
        return self.verdict.answer == "same"

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, as in the JSON."""
        return {"schema_version": SCHEMA_VERSION, "same": self.same, **_plain(asdict(self))}

    def to_json(self) -> str:
        """Return sorted JSON; numbers that are not finite are null."""
        return dumps(self.to_dict())

    def to_pandas(self) -> pd.DataFrame:
        """Return every number as one row: section, name, a, b (or value in ``a`` alone where there is one number)."""
        import pandas as pd

        from heirloom.diffs.render.numbers import numbers

        return pd.DataFrame(numbers(self), columns=["section", "name", "a", "b"])

    def _repr_html_(self) -> str:
        from heirloom.diffs.render.html import fragment

        return fragment(self)

    def __str__(self) -> str:
        return self.verdict.line


def _plain(value: Any) -> Any:
    """Return JSON's own types: tuples as lists, numbers that are not finite as None."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
