"""The command `heirloom plan`: what a config will cost, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli.arguments import CONFIG, ConfigFile
from heirloom.cli.panels import RUN

if TYPE_CHECKING:
    from heirloom.planning.plan import Plan
    from heirloom.report.claims.seeds import Need
    from heirloom.report.resolution import Resolution

app = typer.Typer()


@app.command(rich_help_panel=RUN, epilog="Example: heirloom plan --config configs/lm.yaml")
def plan(
    config: ConfigFile = CONFIG,
    *,
    gflops: Annotated[float | None, typer.Option(min=0.001, help="Billion operations a second that a job's device reaches.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Jobs that run at once.")] = 1,
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
    if gflops is None:
        costs = planning.plan(settings, estimate.calibration(settings))
    else:
        costs = planning.plan(settings, {}, gflops * 1e9)
    _print(costs, jobs)
    for guess in planning.guesses(settings):
        typer.echo(guess)
    _print_resolutions(resolution.of_last_run(settings))
    _print_needs(seeds.of_last_run(settings))
    free_bytes = shutil.disk_usage(Path.cwd()).free
    if costs.disk_bytes > free_bytes:
        free_space, needed_space = decimal(free_bytes), decimal(round(costs.disk_bytes))
        typer.echo(f"warning: the disk has {free_space} free, and the run leaves {needed_space} on it", err=True)


def _print(costs: Plan, jobs_at_once: int) -> None:
    from rich.console import Console
    from rich.filesize import decimal
    from rich.table import Table

    from heirloom.planning.estimate import MEGABYTE

    table = Table(box=None, header_style="bold")
    for name in ("experiment", "step"):
        table.add_column(name)
    for name in ("jobs", "time", "longest", "memory", "disk", "from"):
        table.add_column(name, justify="right")
    for line in costs.lines:
        source = "earlier runs" if line.is_calibrated else "the config"
        times = _time(line.seconds), _time(line.longest)
        sizes = decimal(round(line.memory_mb * MEGABYTE)), decimal(round(line.disk_bytes))
        table.add_row(line.experiment, line.step, f"{line.jobs:,}", *times, *sizes, source)
    console = Console()
    console.print(table)
    hours = costs.seconds * costs.num_threads / 3600
    disk, checkpoints = decimal(round(costs.disk_bytes)), decimal(round(costs.checkpoints))
    console.print(f"{costs.jobs:,} jobs, {hours:,.1f} hours of a thread; {disk} on disk, {checkpoints} of it checkpoints")
    shortest_time = max(costs.path, costs.seconds / jobs_at_once)
    console.print(f"longest path {_time(costs.path)}; with {jobs_at_once} at once at least {_time(shortest_time)}", highlight=False)


def _print_resolutions(resolutions: list[Resolution]) -> None:
    """Print the smallest difference that each arm's seeds resolve; arms that share a control share a line."""
    from heirloom.report.flips import ENOUGH

    if not resolutions:
        typer.echo("smallest difference that the seeds resolve: not known before a control has run")
        return
    typer.echo("smallest difference to the control that the seeds resolve, four times of five, by the scatter of the control that was run:")
    arms: dict[Resolution, list[str]] = {}
    for resolution in resolutions:
        arms.setdefault(resolution._replace(regime=""), []).append(resolution.regime)
    for resolution, regimes in arms.items():
        seeds = resolution.seeds
        words = f"{resolution.words(seeds)} with {seeds} seed{'s' if seeds > 1 else ''}"
        if seeds < ENOUGH:
            words += f"; {resolution.words(ENOUGH)} with {ENOUGH}"
        typer.echo(f"  {resolution.experiment} ({', '.join(regimes)}), {resolution.measure}: {words}")


def _print_needs(needs: list[Need]) -> None:
    """Print for each claim that the last run left inconclusive how many seeds would decide it."""
    if needs:
        typer.echo("seeds that would decide what the last run left inconclusive, four times of five, by how far its seeds scatter:")
    for need in needs:
        typer.echo(f"  {need.words}")


def _time(seconds: float) -> str:
    """Return an expected time in its largest unit. rich writes times as clocks do (0:08:24), finer than an estimate can be."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} s"
