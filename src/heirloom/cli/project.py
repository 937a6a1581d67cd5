"""The commands that begin, run and watch a project: `init`, `run`, `status`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, ConfigFile
from heirloom.cli.listing import Full, echo
from heirloom.cli.panels import RUN
from heirloom.errors import HeirloomError

app = typer.Typer()
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""What a command does not know goes on to Snakemake."""


@app.command(rich_help_panel=RUN, epilog="Example: heirloom init my-project --data reviews.jsonl")
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    *,
    example: Annotated[str | None, typer.Option(help="What it runs: text (the default), pairs, gaussian or external.")] = None,
    data: Annotated[str | None, typer.Option(help="Text or pairs of your own instead: a file, a folder, or a hub id.")] = None,
    model: Annotated[
        str | None, typer.Option(help="With --data, the causal language model that is fine-tuned: a hub id or a folder.")
    ] = None,
) -> None:
    """Make a project: a folder with a config, what git and DVC are told, and a Snakefile."""
    from heirloom.projects import create

    if data is None:
        if model is not None:
            raise HeirloomError("--model: is for --data; an example has its own model")
        create.from_example(folder, example or "text")
    elif example is not None:
        raise HeirloomError("give either --example or --data")
    else:
        from heirloom.projects import own_data
        from heirloom.sources import strangers

        models = [] if model is None else [{"path": model}]
        with progress.waiting("init"):
            choices = strangers.guarded(lambda: own_data.project(folder, data, model), [{"path": data}], models)
        for key, value, reason in choices:  # tuples have come as lists
            typer.echo(f"{key}: {value}  ({reason})")
    typer.echo(f"next: cd {folder} && heirloom run")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    rich_help_panel=RUN,
    epilog="Example: heirloom run --dry-run",
)
def run(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Say what would run, and why, and run nothing.")] = False,
) -> None:
    """Run Snakemake with the options and targets that follow, in a project or beside any config.yaml."""
    from heirloom.projects import snakemake

    snakemake.replace_process([*(["--dry-run"] if dry_run else []), *context.args])


@app.command(rich_help_panel=RUN, epilog="Example: heirloom status --config configs/lm.yaml")
def status(config: ConfigFile = CONFIG, *, full: Full = False) -> None:
    """Say which jobs of a run are running, which generations are done, and how many minutes are left; on a cluster, too."""
    from heirloom.config import load
    from heirloom.planning import status as job

    echo(job.lines(load(config)), full=full)


@app.command(rich_help_panel=RUN, epilog="Example: heirloom profile")
def profile(folder: Annotated[Path, typer.Argument(help="The folder to make; git ignores profiles/site.")] = Path("profiles/site")) -> None:
    """Write a profile for this Slurm cluster, with the partition, account and status command that it names."""
    from heirloom.projects import site_profile, template

    text = template.place("profiles/slurm/config.yaml").read_text(encoding="utf-8")
    for choice in site_profile.write(folder, text):
        typer.echo(f"{choice.key}: {choice.value}  ({choice.reason})")
    typer.echo(f"next: heirloom check --profile {folder} && snakemake --workflow-profile {folder}")
