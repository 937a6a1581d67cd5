"""The command `heirloom plan`: what a config will cost, before anything runs."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, ConfigFile
from heirloom.cli.listing import Full, echo
from heirloom.cli.panels import RUN
from heirloom.numerals import counted

if TYPE_CHECKING:
    from heirloom.config import Config
    from heirloom.planning.plan import Line, Plan
    from heirloom.report.claims.seeds import Need
    from heirloom.report.resolution import Resolution

app = typer.Typer()

_COLUMNS = 80


@app.command(rich_help_panel=RUN, epilog="Example: heirloom plan --config configs/lm.yaml")
def plan(
    config: ConfigFile = CONFIG,
    *,
    changes: Annotated[bool, typer.Option("--changes", help="Only what the next run does anew, and which changed keys cost that.")] = False,
    gflops: Annotated[float | None, typer.Option(min=0.001, help="Billion operations a second that a job's device reaches.")] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Jobs that run at once; as many as this machine has cores by default.")
    ] = None,
    full: Full = False,
) -> None:
    """Print jobs, hours, memory, disk and the longest path of a config, and warn where the disk is too small."""
    import shutil

    from rich.filesize import decimal

    from heirloom.config import load
    from heirloom.planning import estimate
    from heirloom.planning import plan as planning
    from heirloom.report import resolution
    from heirloom.report.claims import seeds

    settings = load(config)
    if changes:
        with progress.waiting("plan"):
            lines = _changes(settings)
        echo(lines[:-1], full=full)
        typer.echo(lines[-1])
        return
    if gflops is None:
        costs = planning.plan(settings, estimate.calibration(settings))
    else:
        costs = planning.plan(settings, {}, gflops * 1e9)
    echo(_rows(costs), full=full)
    for line in _totals(costs, jobs or len(os.sched_getaffinity(0))):
        typer.echo(line)
    _print_rest(settings, costs.jobs)
    echo(planning.guesses(settings), full=full)
    echo(_resolutions(resolution.of_last_run(settings)), full=full)
    echo(_needs(seeds.of_last_run(settings)), full=full)
    free_bytes = shutil.disk_usage(Path.cwd()).free
    if costs.disk_bytes > free_bytes:
        free_space, needed_space = decimal(free_bytes), decimal(round(costs.disk_bytes))
        typer.echo(f"warning: the disk has {free_space} free, and the run leaves {needed_space} on it", err=True)


def _print_rest(settings: Config, num_jobs: int) -> None:
    """Print how much of the plan is left to do, where some of its jobs are done."""
    from heirloom.errors import HeirloomError
    from heirloom.planning import changes

    try:
        pending = changes.pending(settings)
    except HeirloomError as error:
        typer.echo(f"this is the whole config; what of it is done is not known: {error}")
        return
    if len(pending) < num_jobs:
        typer.echo(f"this is the whole config; {changes.total(settings, pending)}")


def _changes(settings: Config) -> list[str]:
    """Return a line for each cause of jobs of the next run, and the total."""
    from heirloom.planning import changes

    pending = changes.pending(settings)
    causes = [cause.line for cause in changes.causes(settings, pending)]
    return [*causes, changes.total(settings, pending)]


def _rows(costs: Plan) -> list[str]:
    """Return the table of a plan in lines of 80 columns: each experiment with a line per step."""
    from itertools import groupby

    rows = [_row("", "jobs", "time", "longest", "memory", "disk", "files")]
    for experiment, lines in groupby(costs.lines, lambda line: line.experiment):
        rows.append(experiment)
        rows += [_step(line) for line in lines]
    return rows


def _totals(costs: Plan, jobs_at_once: int) -> list[str]:
    """Return what all jobs of a plan need, and where the times come from."""
    from rich.filesize import decimal

    from heirloom.numerals import counted
    from heirloom.planning.times import words

    thread_time = words(costs.seconds * costs.num_threads)
    disk, checkpoints = decimal(round(costs.disk_bytes)), decimal(round(costs.checkpoints))
    shortest_time = max(costs.path, costs.seconds / jobs_at_once)
    return [
        f"{counted(costs.jobs, 'job')}, {thread_time} of a thread",
        f"{disk} in {counted(costs.files, 'file')}, {checkpoints} of it checkpoints",
        f"longest path {words(costs.path)}; with {jobs_at_once} at once at least {words(shortest_time)}",
        _source(costs),
    ]


def _step(line: Line) -> str:
    from rich.filesize import decimal

    from heirloom.planning.estimate import MEGABYTE
    from heirloom.planning.times import words

    sizes = decimal(round(line.memory_mb * MEGABYTE)), decimal(round(line.disk_bytes))
    mark = "" if line.is_calibrated else "*"
    return _row(f"  {line.step}{mark}", f"{line.jobs:,}", words(line.seconds), words(line.longest), *sizes, f"{line.files:,}")


def _row(name: str, *cells: str) -> str:
    widths = (8, 11, 11, 12, 12, 10)
    return f"{name:16}" + "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _source(costs: Plan) -> str:
    """Return where the times come from."""
    if all(line.is_calibrated for line in costs.lines):
        return "times: by earlier runs of this config"
    if not any(line.is_calibrated for line in costs.lines):
        return "times: by the config alone; earlier runs correct them"
    return "times: by earlier runs of this config; those of *, which have not run, by the config alone"


def _resolutions(resolutions: list[Resolution]) -> Iterator[str]:
    """Yield the smallest difference that each arm's seeds resolve; arms that share a control share a line."""
    from heirloom.report.flips import ENOUGH

    if not resolutions:
        yield "smallest difference that the seeds resolve: not known before a control has run"
        return
    yield _wrapped(
        "smallest difference to the control that the seeds resolve, four times of five, by the scatter of the control that was run:"
    )
    arms: dict[Resolution, list[str]] = {}
    for resolution in resolutions:
        arms.setdefault(resolution._replace(regime=""), []).append(resolution.regime)
    for resolution, regimes in arms.items():
        seeds = resolution.seeds
        words = f"{resolution.words(seeds)} with {seeds} seed{'s' if seeds > 1 else ''}"
        if seeds < ENOUGH:
            words += f"; {resolution.words(ENOUGH)} with {ENOUGH}"
        yield _wrapped(f"  {resolution.experiment} ({', '.join(regimes)}), {resolution.measure}: {words}")


def _needs(needs: list[Need]) -> Iterator[str]:
    """Yield for each claim that the last run left inconclusive how many seeds would decide it."""
    if needs:
        yield _wrapped("seeds that would decide what the last run left inconclusive, four times of five, by how far its seeds scatter:")
    yield from (_wrapped(f"  {need.words}") for need in needs)


def _wrapped(sentence: str) -> str:
    """Return a sentence in lines of 80 columns."""
    return textwrap.fill(sentence, _COLUMNS, subsequent_indent="    ", break_long_words=False)
