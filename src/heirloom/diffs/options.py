"""What is asked of a comparison: how rows are matched, which columns count, how much is shown and sampled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

MAX_EXAMPLES = 5
SAMPLE = 10_000
FEWEST_ROWS = 2
MAX_CELL_BYTES = 1 << 24
"""A cell of 16 MiB, once decompressed; words of a larger text would no longer fit in memory."""


@dataclass(frozen=True)
class Options:
    """How two sides are compared.

    Parameters
    ----------
    max_examples
        Rows, pairs and n-grams to show, of each sort.
    sample
        Rows of each side that the tests look at.
    seed
        Of what is drawn.
    on
        Columns whose values together name a row; empty if rows are matched by what they hold.
    text_column
        The column that is read as ``text``; empty if it has that name.
    ignore
        Columns that are left out.
    tolerance
        Two numbers of paired rows are equal if they differ by no more than this.
    max_cell_bytes
        A text, a list or bytes in one cell that takes more is refused.
    """

    max_examples: int = MAX_EXAMPLES
    sample: int = SAMPLE
    seed: int = 0
    on: tuple[str, ...] = ()
    text_column: str = ""
    ignore: tuple[str, ...] = ()
    tolerance: float = 0.0
    max_cell_bytes: int = MAX_CELL_BYTES

    def __post_init__(self) -> None:
        if self.max_examples < 0 or self.sample < FEWEST_ROWS or self.seed < 0:
            raise HeirloomError(
                f"diff: max_examples {self.max_examples}, sample {self.sample} and seed {self.seed} given; allowed are at least "
                f"0, {FEWEST_ROWS} and 0"
            )
        if not 0 <= self.tolerance < float("inf"):
            raise HeirloomError(f"--tolerance {self.tolerance}: allowed is a number from 0")
        if self.max_cell_bytes < 1:
            raise HeirloomError(f"--max-cell-bytes {self.max_cell_bytes}: allowed is a number from 1")
        contradictions = set(self.on) & set(self.ignore)
        if contradictions:
            raise HeirloomError(f"--ignore: {', '.join(sorted(contradictions))} is a key of --on, and a key is not left out")

    def stream(self, *names: str) -> Stream:
        """Return a stream of this comparison."""
        return Stream((self.seed, "diff", *names))


def names(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return names of columns: a text is divided at commas, and a list is taken as it is."""
    if text is None:
        return ()
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(filter(None, (part.strip() if isinstance(text, str) else part for part in parts)))
