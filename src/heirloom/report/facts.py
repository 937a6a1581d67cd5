"""The facts of one artefact that the page and the terminal show: fingerprint, rows, cost, and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.filesize import decimal

from heirloom import reading
from heirloom.diffs.render.blocks import number
from heirloom.lineage import cost_table, costs, references
from heirloom.lineage.artefact import Artefact, Input
from heirloom.runtime import usage
from heirloom.workflow.steps import job_of

Ledger = Mapping[tuple[Any, ...], Mapping[str, Any]]
"""The cost table by the key of its jobs."""

_DIGITS = 12


def facts(node: Artefact, place: Path, costs_by_job: Ledger) -> list[tuple[str, str]]:
    """Return pairs of words, with a dash where nothing is known.

    Parameters
    ----------
    place
        Where the artefact lies, if it is here.
    """
    size = node.manifest.get("size")
    sources = ", ".join(_source(source) for source in node.inputs)
    return [
        ("fingerprint", node.sha256),
        ("rows", number(rows(place))),
        ("bytes", number(None if size is None else float(size))),
        ("step", node.step),
        ("cost", _cost(costs_by_job.get(job_of(node.step, node.path)))),
        ("made from", sources or "–"),
    ]


def _source(source: Input) -> str:
    """Return an input in words: its role, and its name or the first digits of its fingerprint."""
    name = references.name_of(source.name) if source.name else source.sha256[:_DIGITS]
    return f"{source.role}: {name}"


def ledger() -> Ledger:
    """Return the cost table; empty where no run has written one."""
    costs_by_job: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in cost_table.read(costs.COSTS):
        key = tuple(row[part] for part in costs.KEY)
        costs_by_job[key] = row
    return costs_by_job


def rows(path: Path) -> float | None:
    """Return the number of rows of a dataset; None if it is not here, or is no dataset.

    Raises
    ------
    HeirloomError
        If it is here, and not as it was recorded.
    """
    import pyarrow.parquet as pq

    if path.suffix != ".parquet" or not path.is_file():
        return None
    return float(pq.read_metadata(reading.artefact(path)).num_rows)


def seconds(node: Artefact, costs_by_job: Ledger) -> float | None:
    """Return the wall time of the job that made an artefact, in seconds; None where it is not known."""
    row = costs_by_job.get(job_of(node.step, node.path))
    return None if row is None else row["seconds"]


def _cost(row: Mapping[str, Any] | None) -> str:
    if row is None or row["seconds"] is None:
        return "–"
    peak, num_tokens = row["peak_memory_mb"], row["tokens"]
    memory = "" if peak is None else f", {decimal(round(peak * usage.MB))} at most"
    tokens = "" if num_tokens is None else f", {num_tokens:,.0f} tokens"
    return f"{row['seconds']:.1f} s{memory}{tokens}"
