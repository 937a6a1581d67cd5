"""The commands of export: `heirloom export hf`, `croissant`, `attestations` and `crate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, Reference, complete
from heirloom.errors import HeirloomError
from heirloom.numerals import counted

app = typer.Typer(no_args_is_help=True, help="Write what others can open without Heirloom.")


Covering = Annotated[
    str, typer.Argument(help="An experiment, or experiment/regime/seed; @revision for what a commit recorded.", autocompletion=complete)
]
Target = Annotated[Path, typer.Argument(help="A new folder.")]
ConfigFile = Annotated[Path, typer.Option("--config", "--configfile", help="The config file; asked for the licence of the real data.")]
Authors = Annotated[list[str] | None, typer.Option("--author", help="'Name' or 'Name <https://orcid.org/…>'; may be given again.")]


@app.command(epilog="Example: heirloom export hf transformer/keep/0/3 DIR")
def hf(
    reference: Reference,
    target: Target,
    config: ConfigFile = CONFIG,
    namespace: Annotated[str, typer.Option(help="Your name on the hub: a model's card then links its base and its training set.")] = "",
) -> None:
    """Write a dataset, a checkpoint or a lineage as a folder for the Hugging Face hub: Parquet or safetensors, and a card."""
    from heirloom.export import huggingface

    with progress.waiting("export"):
        words = huggingface.export(reference, target, config, namespace)
    typer.echo(f"{target}: {words}")


@app.command(epilog="Example: heirloom export croissant transformer/keep/0 DIR")
def croissant(
    reference: Covering,
    target: Target,
    config: ConfigFile = CONFIG,
    author: Authors = None,
    url: Annotated[str, typer.Option(help="Where the datasets are to be found; by default the name of their bytes.")] = "",
) -> None:
    """Write datasets as Parquet with a Croissant 1.1 file: columns, licence, responsible-AI terms and provenance."""
    from heirloom.export import croissant as job

    with progress.waiting("export"):
        number = job.export(reference, target, config, authors=author or [], url=url)
    typer.echo(f"{target}: {number} {'dataset' if number == 1 else 'datasets'} with {job.NAME}")


@app.command(epilog="Example: heirloom export attestations transformer/keep/0 DIR")
def attestations(reference: Covering, target: Target) -> None:
    """Write an in-toto statement about each artefact: its digest, and the step, slice, materials and environment that made it."""
    from heirloom.export import attestations as job

    with progress.waiting("export"):
        number = job.export(reference, target)
    typer.echo(f"{target}: {counted(number, 'statement')}")


@app.command(epilog="Example: heirloom export crate transformer/keep/0 DIR")
def crate(
    reference: Covering,
    target: Target,
    config: ConfigFile = CONFIG,
    author: Authors = None,
    *,
    with_data: Annotated[bool, typer.Option("--with-data", help="Copy heavy files too, not only their names and hashes.")] = False,
) -> None:
    """Write a whole experiment or one lineage as an RO-Crate of the profile Provenance Run Crate."""
    from heirloom.export import crate as job
    from heirloom.lineage import dvc

    if dvc.is_inside(target):
        fault = "lies in this project, whose DVC would read the crate's copy of dvc.yaml as its own"
        raise HeirloomError(f"{target}: {fault}; name a folder outside, such as ../{target.name}")
    limit = None if with_data else job.SMALL
    with progress.waiting("export"):
        counts = job.export(reference, target, config=config, authors=author or [], limit=limit)
    typer.echo(
        f"{target}: {counted(counts.artefacts, 'artefact')} of {counted(counts.jobs, 'job')}, {counts.copied} copied with their bytes"
    )
