"""Small datasets on disk: text, tokens or vectors as Parquet, without any of Heirloom's own columns unless given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes columns as a Parquet file and gives its path."""

    def written(name: str, **columns: Sequence[Any] | pa.Array) -> Path:
        path = tmp_path / f"{name}.parquet"
        pq.write_table(pa.table(dict(columns)), path)
        return path

    return written
