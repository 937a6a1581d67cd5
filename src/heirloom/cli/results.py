"""The commands of results: is the config sound, gather the measures, draw and print them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, ConfigFile, complete
from heirloom.cli.panels import LOOK, RUN
from heirloom.errors import HeirloomError
from heirloom.numerals import counted

app = typer.Typer()


@app.command(rich_help_panel=RUN, epilog="Example: heirloom check --thorough --config configs/lm.yaml")
def check(
    config: ConfigFile = CONFIG,
    *,
    thorough: Annotated[bool, typer.Option("--thorough", help="Also count the rows of text sources that might be too small.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing when all is well.")] = False,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", help="Also ask a profile's cluster: partition, account, accounting, and whether a node sees this folder."
        ),
    ] = False,
    path: Annotated[
        Path | None, typer.Argument(help="The profile that --profile means; profiles/site, or else profiles/slurm, if none is given.")
    ] = None,
) -> None:
    """Check a config and its sources, and the cluster of a profile, writing nothing."""
    from heirloom import preflight
    from heirloom.config import load
    from heirloom.lineage import layout

    if path is not None and not profile:
        raise HeirloomError(f"{path}: --profile stands before the path of a profile, and --config before that of a config")
    settings = load(config)
    layout.check(settings)
    with progress.waiting("check"):
        preflight.guarded(preflight.thorough if thorough else preflight.cheap, settings)
    if not quiet:
        num_lineages = sum(1 for _ in settings.lineages())
        typer.echo(f"{config}: {counted(len(settings.experiments), 'experiment')}, {counted(num_lineages, 'lineage')}")
    if profile:
        from heirloom.planning import accounting

        line = accounting.check_profile(path or accounting.usual_profile())
        if not quiet:
            typer.echo(line)


@app.command(hidden=True)
def summarise(config: ConfigFile = CONFIG) -> None:
    """Gather every generation's measures into the config's results: metrics.parquet, metrics.json and plots/."""
    from heirloom.config import load
    from heirloom.report import files, run_settings

    settings = load(config)
    run_settings.check_data(settings)
    files.write(settings)


@app.command(hidden=True)
def plot(config: ConfigFile = CONFIG) -> None:
    """Draw figures/ from metrics.parquet, both among the config's results."""
    from heirloom.config import load
    from heirloom.report import run_settings
    from heirloom.report.figures import draw

    settings = load(config)
    run_settings.check(settings)
    draw.write(settings)


@app.command(rich_help_panel=LOOK, epilog="Example: heirloom report --against HEAD~1")
def report(
    config: ConfigFile = CONFIG,
    against: Annotated[
        str, typer.Option(help="Another run to compare with on the page: a git revision, a folder of results, or its metrics.parquet.")
    ] = "",
    *,
    full: Annotated[bool, typer.Option("--full", help="Show all experiments; else the page shows at most sixty.")] = False,
) -> None:
    """Write report.html and claims.csv from the results of the config's last run; nothing is run again."""
    from rich.filesize import decimal

    from heirloom.config import load
    from heirloom.report import contents, run_settings
    from heirloom.report.page import build

    loaded_config = load(config)
    run_settings.check(loaded_config)
    with progress.waiting("report"):
        build.write(loaded_config, config, against, full=full)
    contents.write()
    page = Path(loaded_config.results.page)
    typer.echo(f"{page}: {decimal(page.stat().st_size)}")


@app.command(rich_help_panel=LOOK, epilog="Example: heirloom show transformer/replace/0")
def show(
    reference: Annotated[
        str, typer.Argument(autocompletion=complete, help="experiment/regime/seed for a lineage, or what `heirloom trace` takes.")
    ],
    config: ConfigFile = CONFIG,
) -> None:
    """Print a lineage, dataset or checkpoint: curves, facts and settings."""
    from heirloom import results
    from heirloom.report import show as job

    job.show(reference, results=results.of(config))


@app.command(rich_help_panel=LOOK, epilog="Example: heirloom summary --config configs/quick.yaml")
def summary(
    config: ConfigFile = CONFIG,
    *,
    full: Annotated[bool, typer.Option("--full", help="Every measure of every arm, theory, onsets, and every claim.")] = False,
) -> None:
    """Print what a run found, in 60 lines at most; with --full, every number beside theory where there is one."""
    from heirloom.config import load

    if full:
        from heirloom.report.summary import print_summary

        print_summary(load(config))
    else:
        from heirloom.report import overview

        with progress.waiting("summary"):
            lines = overview.lines(load(config))
        typer.echo("\n".join(lines))


@app.command(hidden=True)
def reference(config: ConfigFile = CONFIG) -> None:
    """Write docs/reference/default.json from the results of the last run: what `heirloom summary` compares later runs with."""
    from heirloom.config import load
    from heirloom.report import reference as job
    from heirloom.report import run_settings

    settings = load(config)
    run_settings.check(settings)
    typer.echo(f"{job.FILE}: {counted(job.write(settings), 'number')}")


@app.command(rich_help_panel=LOOK, epilog="Example: heirloom theory --config configs/theory.yaml")
def theory(
    config: ConfigFile = CONFIG,
    *,
    page: Annotated[Path | None, typer.Option("--page", help="Renew the table in this Markdown page instead of printing it.")] = None,
) -> None:
    """Print each closed form of the last run beside what was simulated, and z, as Markdown."""
    from heirloom.artefacts.files import write_text
    from heirloom.config import load
    from heirloom.errors import line
    from heirloom.report import agreement, run_settings

    settings = load(config)
    lines = agreement.markdown(agreement.load(settings.results))
    note = run_settings.note(settings)
    if note:
        typer.echo(line(note), err=True)
    if page is None:
        typer.echo(lines, nl=False)
    else:
        text = page.read_text(encoding="utf-8")
        write_text(page, agreement.page_with_table(text, lines))


@app.command(hidden=True)
def schema(*, fix: Annotated[bool, typer.Option("--fix", help="Write the file instead of comparing it.")] = False) -> None:
    """Compare schemas/config.schema.json with the config models, or write it."""
    from heirloom import schema as job
    from heirloom.config import Config

    job.run(Config, fix=fix)
