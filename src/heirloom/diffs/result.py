"""The answer: what `heirloom diff` says of two datasets, as plain frozen values that turn into JSON, pandas or a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from heirloom.artefacts.files import dumps
from heirloom.diffs.plain import plain
from heirloom.diffs.row_result import Column, MovedRows, Rows
from heirloom.errors import HeirloomError, listed

if TYPE_CHECKING:
    import pandas as pd

    from heirloom.diffs.row_tables import RowTables

Kind = Literal["text", "tokens", "vectors", "table", "splits"]
Answer = Literal["same", "different rows, same distribution", "distribution shifted", "distribution seems shifted", "different"]

SCHEMA_VERSION = 2
"""Layout of a diff as JSON; in 1, rows with the same prompt were edited, and are rewritten now."""


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
class Band:
    """Types that A has in one frequency band, how many B still has, and how many neutral drift would have left, if there are generations.

    Neutral drift: B's words drawn from A's frequencies ``generations`` times over (`heirloom.theory.drift_survival`).
    """

    band: str
    types: int
    survived: int
    survival: float
    expected: float | None
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
    """Types and n-grams.

    ``generations`` lie between A and B, 0 where there are none. ``gained`` counts, by band of B's frequency, the types that A lacks.
    """

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
    """One permutation test; ``adjusted`` is its p-value after the correction for all tests of the comparison."""

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
    caveat
        Why the verdict on the law is not to be relied upon, if so.
    is_decidable
        Whether enough units trade places for a test to find anything.
    tested, untested
        What the tests look at, and a clause on what they do not; empty where they look at the whole law.
    """

    distance_name: str
    distance: float
    uncorrected: float
    direction: str
    tests: tuple[Test, ...]
    measures: tuple[Measure, ...]
    sampled: tuple[int, int]
    notes: tuple[str, ...] = ()
    caveat: str = ""
    is_decidable: bool = True
    tested: str = ""
    untested: str = ""


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
        direction = f" ({self.direction})" if self.direction else ""
        return f"{self.answer}{direction}: {self.evidence}"


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
class DatasetDiff:
    """What changed from dataset A to dataset B; sections that were not needed are None.

    Of datasets with several splits or configurations, ``splits`` has what changed in each, and the other sections are None.
    ``tables`` holds the rows behind the counts, by split ("" where there is none); they are read when they are asked for.
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
    tables: Mapping[str, RowTables] = field(default_factory=dict, compare=False, repr=False)

    @property
    def same(self) -> bool:
        """Whether both hold the same rows, in whatever order."""
        return self.verdict.answer == "same"

    @property
    def reason(self) -> str:
        """What explains the change, in one sentence without its full stop; empty where nothing simple does."""
        from heirloom.diffs.reason import reason

        return reason(self)

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, as in the JSON."""
        return {"schema_version": SCHEMA_VERSION, "same": self.same, "reason": self.reason, **plain(self)}

    def to_json(self) -> str:
        """Return sorted JSON; numbers that are not finite are null."""
        return dumps(self.to_dict())

    def write_rows(self, folder: str | Path) -> None:
        """Write the rows that are not alike as ``removed.parquet``, ``added``, ``changed`` and ``near``; of splits in a folder for each."""
        for name, tables in self.tables.items():
            tables.write(Path(folder, *name.split("/")))

    def to_pandas(self, table: str = "numbers", split: str = "") -> pd.DataFrame:
        """Return every number as one row (section, name, a, b; ``a`` alone where there is one number), or the rows behind the counts.

        Parameters
        ----------
        table
            ``numbers``, ``removed``, ``added``, ``changed`` or ``near``.
        split
            Of which split, where there are several.

        Raises
        ------
        HeirloomError
            If there is no such table or split.
        """
        import pandas as pd

        from heirloom.diffs.render.numbers import numbers

        if table == "numbers":
            return pd.DataFrame(numbers(self), columns=["section", "name", "a", "b"])
        if split not in self.tables:
            raise HeirloomError(f"{split!r} is no split of this diff; it has {listed(filter(None, self.tables)) or 'none'}")
        frame: pd.DataFrame = self.tables[split].table(table).to_pandas()
        return frame

    def _repr_html_(self) -> str:
        from heirloom.diffs.render.html import fragment

        return fragment(self)

    def __str__(self) -> str:
        return self.verdict.line
