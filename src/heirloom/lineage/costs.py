"""What each job cost: a table of what jobs write at their end (`usage`). No rule reads it, and it is in no fingerprint."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import records
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json, write_text
from heirloom.errors import HeirloomError
from heirloom.lineage import cost_table, git
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS, job_of

if TYPE_CHECKING:
    import pyarrow as pa

COSTS = Path(paths.RESULTS, "costs.parquet")
COMMITS = Path(".heirloom/commits.json")
"""Jobs and their commits as the table has them, which tells which table: private memory, for those who can do without the library."""
FILES = Path("logs/costs")
KEY = Job._fields
_MEASURED = ("seconds", "cpu_seconds", "peak_memory_mb", "read_mb", "written_mb")

Row = dict[str, Any]


def gather() -> int:
    """Add the files that jobs have written since to the cost table, and return how many rows are new.

    Rows without a file here (jobs run elsewhere, logs cleaned up) are kept. Columns: step, experiment, regime, seed,
    generation; seconds, cpu_seconds, peak_memory_mb, read_mb and written_mb (mebibytes) of the job's last attempt,
    as `usage.measure` gives them; tokens, as `_tokens` counts them; then commit and changes, as `git.tree` gives them
    when the row is gathered.
    """
    since = COSTS.stat().st_mtime_ns if COSTS.exists() else 0
    files = sorted(file for file in FILES.rglob("*.json") if file.stat().st_mtime_ns >= since)
    rows = [row for row in map(_row, files) if row]
    if rows:
        _merge(rows)
    return len(rows)


def commits(root: Path = Path()) -> dict[tuple[Any, ...], str]:
    """Return job → commit of the cost table in a project's folder, and after a plus 16 digits that tell uncommitted changes apart.

    Raises
    ------
    HeirloomError
        As `cost_table.read` does.
    """
    table = root / COSTS
    remembered = _remembered_commits(root) if table.is_file() else None
    if remembered is None:
        return _commits(cost_table.read(table, [*KEY, "commit", "changes"]))
    cost_table.check(table)
    return remembered


def _remembered_commits(root: Path) -> dict[tuple[Any, ...], str] | None:
    """Return job → commit as they were written down beside the table that lies here; None if they were not."""
    try:
        memory = records.json_value((root / COMMITS).read_text(encoding="utf-8"))
        is_of_table = memory["table"] == read_json(root / paths.fingerprint(COSTS))
        return {tuple(key): str(commit) for *key, commit in memory["commits"]} if is_of_table else None
    except (OSError, ValueError, KeyError, TypeError, HeirloomError):
        return None


def _commits(rows: list[Row]) -> dict[tuple[Any, ...], str]:
    return {_key(row): f"{row['commit']}+{row['changes']}" if row["changes"] else row["commit"] for row in rows}


def _merge(new_rows: list[Row]) -> None:
    import pyarrow as pa

    commit, changes = git.tree()
    rows = {_key(row): row for row in cost_table.read(COSTS)}
    for key, row in _by_key(new_rows).items():
        rows[key] = {**row, "commit": commit, "changes": changes}
    ordered_rows = [rows[key] for key in sorted(rows, key=_rank)]
    cost_table.write(pa.Table.from_pylist(ordered_rows, _schema()), COSTS)
    memory = {"table": read_json(paths.fingerprint(COSTS)), "commits": [[*key, commit] for key, commit in _commits(ordered_rows).items()]}
    write_text(COMMITS, json.dumps(memory))


def _key(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def _rank(key: tuple[Any, ...]) -> list[tuple[bool, Any]]:
    """Return what keys are sorted by, where a part may be None."""
    return [(part is not None, part) for part in key]


def _by_key(rows: list[Row]) -> dict[tuple[Any, ...], Row]:
    """Return rows by key. The shards of a set and the machines of a job are one row: sums, and the largest peak of memory."""
    row_of: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = _key(row)
        row_of[key] = _sum(row_of[key], row) if key in row_of else row
    return row_of


def _sum(first: Row, second: Row) -> Row:
    sums = {name: _add(first[name], second[name]) for name in _MEASURED}
    peak = max(first["peak_memory_mb"] or 0.0, second["peak_memory_mb"] or 0.0)
    return {**second, **sums, "peak_memory_mb": peak}


def _add(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


def _schema() -> pa.Schema:
    import pyarrow as pa

    text, number, measure = pa.string(), pa.int64(), pa.float64()
    types = dict(zip(KEY, (text, text, text, number, number), strict=True)) | dict.fromkeys(_MEASURED, measure)
    return pa.schema([*types.items(), ("tokens", number), ("commit", text), ("changes", text)])


def _row(file: Path) -> Row | None:
    """Return the row of a job's file, or None if the file is not one of the workflow's or is not fully written."""
    name, *parts = file.relative_to(FILES).with_suffix("").parts
    path = "/".join(("data", *parts))
    try:
        usage = read_json(file)
    except HeirloomError:
        return None
    if kinds.key_of(path) is None:
        return None
    measures = {column: _number(usage.get(column)) for column in _MEASURED}
    job = job_of(name, path)
    return {**job._asdict(), **measures, "tokens": _tokens(job)}


def _tokens(job: Job) -> int | None:
    """Return the tokens that a job wrote (real, mix, sample, select), trained on (once an epoch) or scored; None without text."""
    step = STEPS.get(job.step)
    if step is None:
        return None
    counts = (_tokens_in(Path(kind.at(job.key))) for kind in step.datasets)
    tokens = [count for count in counts if count is not None]
    if step.main.form != "model" or not tokens:
        return sum(tokens) if tokens else None
    try:
        fit = manifest.read(paths.manifest(step.main.at(job.key)))["slice"]["fit"]
    except HeirloomError:  # a manifest that is damaged is named by itself
        return None
    return sum(tokens) * int(fit.get("schedule", fit).get("epochs", 1))


def _tokens_in(dataset: Path) -> int | None:
    """Return how many tokens a dataset holds, from the footer of its file; None if it has none, or is not here any more."""
    import pyarrow.parquet as pq

    if not dataset.is_file():
        return None
    metadata = pq.read_metadata(dataset)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    columns = [group.column(i) for group in groups for i in range(group.num_columns)]
    counts = [column.num_values for column in columns if column.path_in_schema.startswith("tokens.")]
    return sum(counts) if counts else None


def _number(measured: Any) -> float | None:
    """Return what a job has written as a number; None where it could not measure that, or the file was changed by hand."""
    return float(measured) if type(measured) in (int, float) and math.isfinite(measured) else None
