"""The command `heirloom plan`: what a config will cost, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli.arguments import CONFIG, ConfigFile

if TYPE_CHECKING:
    from heirloom.planning.plan import Plan
    from heirloom.report.claims.seeds import Need
    from heirloom.report.resolution import Resolution

app = typer.Typer()


@app.command()
def plan(
    config: ConfigFile = CONFIG,
    *,
    gflops: Annotated[float | None, typer.Option(min=0.001, help="Billion operations a second that a job's device reaches.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Jobs that run at once.")] = 1,
) -> None:
    """Print jobs, hours, memory, disk and the longest path of a config, and warn where the disk is too small."""
    import shutil

    from heirloom.config import load
    from heirloom.planning import estimate
    from heirloom.planning import plan as planning
    from heirloom.report import resolution
    from heirloom.report.claims import seeds

    read = load(config)
    rate = estimate.RATE if gflops is None else gflops * 1e9
    found = planning.plan(read, estimate.calibration(read) if gflops is None else {}, rate)
    _print(found, jobs)
    _print_resolutions(resolution.recorded(read))
    _print_needs(seeds.recorded(read))
    free = shutil.disk_usage(Path.cwd()).free
    if found.written > free:
        typer.echo(f"warning: the disk has {_size(free)} free, and the run leaves {_size(found.written)} on it", err=True)


def _print(found: Plan, at_once: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in ("experiment", "step"):
        table.add_column(name)
    for name in ("jobs", "time", "longest", "memory", "disk", "from"):
        table.add_column(name, justify="right")
    for line in found.lines:
        source = "earlier runs" if line.calibrated else "the config"
        times = _time(line.seconds), _time(line.longest)
        table.add_row(line.experiment, line.step, f"{line.jobs:,}", *times, f"{line.memory_mb:,.0f} MB", _size(line.written), source)
    console = Console()
    console.print(table)
    hours = found.seconds * found.num_threads / 3600
    console.print(
        f"{found.jobs:,} jobs, {hours:,.1f} hours of a thread; {_size(found.written)} on disk, {_size(found.checkpoints)} of it checkpoints"
    )
    least = max(found.path, found.seconds / at_once)
    console.print(f"longest path {_time(found.path)}; with {at_once} at once at least {_time(least)}", highlight=False)


def _print_resolutions(resolutions: list[Resolution]) -> None:
    """Print the smallest difference that each arm's seeds resolve; arms that share a control share a line."""
    from heirloom.report.flips import ENOUGH

    if not resolutions:
        typer.echo("smallest difference that the seeds resolve: not known before a control has run")
        return
    typer.echo("smallest difference to the control that the seeds resolve, four times of five, by the scatter of the control that was run:")
    arms: dict[Resolution, list[str]] = {}
    for one in resolutions:
        arms.setdefault(one._replace(regime=""), []).append(one.regime)
    for one, regimes in arms.items():
        more = f"; {one.words(ENOUGH)} with {ENOUGH}" if one.seeds < ENOUGH else ""
        with_seeds = f"{one.words(one.seeds)} with {one.seeds} seed{'s' if one.seeds > 1 else ''}{more}"
        typer.echo(f"  {one.experiment} ({', '.join(regimes)}), {one.measure}: {with_seeds}")


def _print_needs(needs: list[Need]) -> None:
    """Print for each claim that the last run left inconclusive how many seeds would decide it."""
    if needs:
        typer.echo("seeds that would decide what the last run left inconclusive, four times of five, by how far its seeds scatter:")
    for need in needs:
        typer.echo(f"  {need.words}")


def _time(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"


def _size(number: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / 1e3:,.0f} kB"
