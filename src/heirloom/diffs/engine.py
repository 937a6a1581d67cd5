"""The one function: `diff` of two datasets, or of all splits of two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from heirloom.diffs import parts, splits
from heirloom.diffs.comparison import MAX_EXAMPLES, SAMPLE, Options, compare
from heirloom.diffs.control import control
from heirloom.diffs.result import DatasetDiff
from heirloom.errors import HeirloomError


def diff(
    a: str | Path, b: str | Path, *, max_examples: int = MAX_EXAMPLES, sample: int = SAMPLE, seed: int = 0, against_control: bool = False
) -> DatasetDiff:
    """Return what changed from dataset A to dataset B; where one has several splits or configurations, split by split.

    Parameters
    ----------
    a, b
        Paths (a Parquet file, a folder of Parquet files, a folder that `datasets` saved), references
        (``experiment/regime/seed/generation[:what][@revision]``) or repositories of the hub (``owner/name[@revision]``); of what
        holds several datasets one is named with ``:split`` or ``:configuration/split``.
    max_examples
        Rows, pairs and n-grams to show, of each sort.
    sample
        Rows of either side that the tests look at; counts are exact whatever this is.
    seed
        Of the permutations and the samples.
    against_control
        Also compare the two control generations of the same experiment and seed: what resampling alone does.

    Raises
    ------
    HeirloomError
        If a side cannot be read, the two have no data in common, or there is no control.
    """
    options = Options(max_examples, sample, seed)
    pairs = parts.paired(a, b)
    if len(pairs) > 1 or None in next(iter(pairs.values())):
        if against_control:
            raise HeirloomError(f"--against-control: {a} and {b} are no generations of a lineage, so they have no control")
        return splits.compare(str(a), str(b), pairs, options)
    ((side_a, side_b),) = pairs.values()
    assert side_a is not None
    assert side_b is not None
    result = compare(side_a, side_b, options)
    if against_control:
        return replace(result, control=control(a, b, result, options))
    return result
