"""The datasets of many generations as one lazy table, with the place of each row as columns.

Globs of files do not give that: readers order ``gen=10`` before ``gen=2``, take the columns of the first file for those of all, and mix
sampled rows with training rows (docs/tables.md).
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.errors import HeirloomError
from heirloom.lineage import index

if TYPE_CHECKING:
    import datasets
    import pandas as pd
    import pyarrow.dataset as ds

_PLACES = ("experiment", "regime", "seed", "generation")
_KINDS = {kind.name: kind for kind in (kinds.SYNTHETIC, kinds.SELECTED, kinds.TRAIN)}


@dataclass(frozen=True)
class GenerationTable:
    """Rows of several generations, unread until they are asked for.

    Parameters
    ----------
    arrow
        A dataset of pyarrow, which filters and projects without reading everything; polars and duckdb open it, too.
    """

    arrow: ds.Dataset

    def to_pandas(self) -> pd.DataFrame:
        """Return all rows as a data frame."""
        return self.arrow.to_table().to_pandas()

    def to_datasets(self) -> datasets.Dataset:
        """Return all rows as a `datasets.Dataset`."""
        import datasets

        return datasets.Dataset(self.arrow.to_table())

    def to_polars(self) -> Any:
        """Return a lazy frame of polars, which reads what a query needs.

        Raises
        ------
        HeirloomError
            If polars is not installed.
        """
        return _installed("polars").scan_pyarrow_dataset(self.arrow)

    def to_duckdb(self) -> Any:
        """Return a relation of duckdb, which reads what a query needs.

        Raises
        ------
        HeirloomError
            If duckdb is not installed.
        """
        return _installed("duckdb").from_arrow(self.arrow)


def table(pattern: str) -> GenerationTable:
    """Return the rows of all generations whose names match, in the order of experiment, regime, seed and generation.

    Parameters
    ----------
    pattern
        ``experiment/regime/seed/generation[:what]``, in which ``*`` stands for any part, and `what` is ``synthetic`` (the default),
        ``selected`` or ``train``. Generation 0 has real rows alone, so no synthetic or selected set: ``train`` gives them. It belongs to
        the regime ``origin``, and matches each other regime as well.

    Returns
    -------
    columns ``experiment``, ``regime``, ``seed``, ``generation``, then those of the rows; one that a generation lacks is null there

    Raises
    ------
    HeirloomError
        If the pattern is none, nothing matches it, a dataset is not as it was recorded, or a column has two types.
    """
    import pyarrow as pa
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    kind, parts = _parsed(pattern)
    places = _matching(kind, parts)
    if not places:
        raise HeirloomError(f"{pattern}: {_absence(kind, parts)}")
    paths = [reading.artefact(kind.path(*place)) for place in places]
    place_fields = [("experiment", pa.string()), ("regime", pa.string()), ("seed", pa.int64()), ("generation", pa.int64())]
    try:
        schema = pa.unify_schemas([pa.schema(place_fields), *(pq.read_schema(path).remove_metadata() for path in paths)])
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise HeirloomError(f"{pattern}: a column is of two types in these generations ({error})") from None
    form, files = ds.ParquetFileFormat(), pa.fs.LocalFileSystem()
    fragments = []
    for path, place in zip(paths, places, strict=True):
        conditions = [ds.field(name) == value for name, value in zip(_PLACES, place, strict=True)]
        fragments.append(form.make_fragment(str(path), files, partition_expression=reduce(and_, conditions)))
    return GenerationTable(ds.FileSystemDataset(fragments, schema, form, files))


def _absence(kind: Kind, parts: list[str]) -> str:
    """Return why nothing matches, and what would."""
    if parts[-1] == "0" and kind is not kinds.TRAIN:
        return f"generation 0 has no {kind.word} rows, it was trained on real ones: {'/'.join(parts)}:{kinds.TRAIN.name} gives them"
    return f"no {kind.word} on this machine matches; `heirloom status` says which generations there are"


def _parsed(pattern: str) -> tuple[Kind, list[str]]:
    """Return which datasets a pattern means, and its four parts."""
    names, _, kind_name = pattern.partition(":")
    parts = names.split("/")
    kind = _KINDS.get(kind_name or kinds.SYNTHETIC.name)
    if len(parts) != len(_PLACES) or not all(parts) or kind is None:
        raise HeirloomError(f"{pattern!r}: expected experiment/regime/seed/generation[:{'|'.join(_KINDS)}], * standing for any part")
    return kind, parts


def _matching(kind: Kind, parts: list[str]) -> list[tuple[str, str, int, int]]:
    """Return the places on disk that match, sorted as numbers are."""
    keys = (kind.wildcards(path) for path in index.artefacts_on_disk())
    matches = (key for key in keys if key is not None and _fits(key, parts))
    return sorted((key["experiment"], key["regime"], int(key["seed"]), int(key["generation"])) for key in matches)


def _fits(key: dict[str, str], parts: list[str]) -> bool:
    is_origin = key["regime"] == kinds.ORIGIN
    wanted = zip(_PLACES, parts, strict=True)
    return all(fnmatchcase(key[name], part) or (name == "regime" and is_origin) for name, part in wanted)


def _installed(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError:
        raise HeirloomError(f"{package} is not installed: pip install {package}") from None
