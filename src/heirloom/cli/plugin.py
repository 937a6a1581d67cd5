"""The commands `heirloom plugin`: an example of one's own programs to start from, and whether they keep the contract."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from heirloom.families.external.check import Finding

app = typer.Typer(no_args_is_help=True, help="Programs of your own that train, sample and measure.")


class Kind(StrEnum):
    """Kinds of rows that there is an example for."""

    vectors = "vectors"
    text = "text"
    pairs = "pairs"
    table = "table"
    images = "images"


@app.command(epilog="Example: heirloom plugin new mine --kind vectors")
def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make, in this one.")],
    *,
    kind: Annotated[Kind, typer.Option(help="What a row is.")] = Kind.vectors,
) -> None:
    """Write a working example of one's own programs, with the config that runs them."""
    from heirloom import plugin_examples

    for file in plugin_examples.copy(kind.value, folder):
        typer.echo(file)


@app.command(epilog="Example: heirloom plugin check mine")
def check(
    place: Annotated[str, typer.Argument(help="A config file, the folder that has one, or the name of an installed package.")],
) -> None:
    """Try whether programs of a config, or a package, keep the contract, promise by promise; exit with 1 if one is broken."""
    tables = _of_config(Path(place)) if Path(place).exists() else _of_package(place)
    broken = [title for title, findings in tables if _is_broken(title, findings)]
    if broken:
        raise typer.Exit(1)


def _of_package(name: str) -> Iterator[tuple[str, list[Finding]]]:
    from heirloom import package_check

    return package_check.check(name)


def _of_config(place: Path) -> Iterator[tuple[str, list[Finding]]]:
    """Yield the name of each experiment with programs, and what becomes of their promises."""
    from heirloom.config import load
    from heirloom.families.external.check import check as findings_of
    from heirloom.runtime import program
    from heirloom.steps.trial import real_rows

    config = load(_config_file(place))
    experiments = {name: experiment for name, experiment in config.experiments.items() if "programs" in experiment.family.abilities}
    if not experiments:
        raise HeirloomError(f"{place}: no experiment has a family with programs of the user's (external), so there is nothing to check")
    for name, experiment in experiments.items():
        limits = {name: experiment.family.command_seconds} if experiment.family.command_seconds else {}
        program.limits_for_jobs(limits)
        program.limit_job(name)
        with TemporaryDirectory() as real:
            yield name, list(findings_of(experiment, *real_rows(config, name, Path(real))))


def _is_broken(title: str, findings: list[Finding]) -> bool:
    """Print what became of some promises, and return whether one is broken."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from heirloom.diffs.render.blocks import safe

    table = Table(box=None, header_style="bold")
    for column in (title, "", "why"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(*(Text(safe(words)) for words in finding))
    Console().print(table)
    return any(finding.verdict == "broken" for finding in findings)


def _config_file(place: Path) -> Path:
    """Return the one config file of a folder, or the file that was named."""
    if place.is_file():
        return place
    files = sorted(place.glob("*.yaml"))
    if len(files) != 1:
        raise HeirloomError(f"{place}: has {len(files)} files *.yaml; name the config file")
    return files[0]
