"""The command line of lineage: where things came from, whether they are what they were, and why two of them differ."""

from __future__ import annotations

from typing import Annotated

import typer

from heirloom.errors import HeirloomError

app = typer.Typer()


def complete(incomplete: str) -> list[str]:
    """Return the references that begin as typed so far: the shell's completion of every reference."""
    from heirloom.lineage import references

    return references.complete(incomplete)


Reference = Annotated[
    str,
    typer.Argument(
        autocompletion=complete, help="experiment/regime/seed/generation[:what][@revision], a path, a fingerprint's first digits."
    ),
]


@app.command()
def trace(
    reference: Reference,
    depth: Annotated[int | None, typer.Option(help="How many steps up to go; all the way to real data by default.")] = None,
    form: Annotated[str, typer.Option("--format", help="tree, json, mermaid or dot.")] = "tree",
) -> None:
    """Show what an artefact was made from, down to real data; with #N or #BORN/ROW at the end, where one row came from."""
    from heirloom.lineage import render, render_row, trace_row
    from heirloom.lineage import trace as job

    has_row = bool(trace_row.split(reference)[1])
    allowed = render_row.FORMATS if has_row else render.FORMATS
    if form not in allowed:
        raise HeirloomError(f"--format {form}: {'a row' if has_row else 'an artefact'} has {', '.join(allowed)}")
    if has_row:
        typer.echo(render_row.FORMATS[form](trace_row.trace_row(reference)))
    else:
        typer.echo(render.FORMATS[form](job.trace(reference, depth)))


@app.command("why-not")
def why_not(first: Reference, second: Reference) -> None:
    """Say why two artefacts that should be equal are not: the first difference among all that they were made from."""
    from heirloom.lineage import why_not as job

    typer.echo(job.explain(job.why_not(first, second)))


@app.command()
def verify(
    reference: Annotated[str | None, typer.Argument(autocompletion=complete, help="What to read; all of data/ by default.")] = None,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Fingerprints alone (sha256), not DVC's record (md5).")] = False,
) -> None:
    """Read every byte again, and compare it with fingerprints, manifests, ledger and DVC's record; exit status 1 if something differs."""
    from heirloom.lineage import verify as job

    checked = []
    for unit in job.verify(reference, fast=fast):
        checked.append(unit)
        for mismatch in unit.mismatches:
            typer.echo(mismatch)
    typer.echo(job.total(checked, fast=fast))
    if any(unit.mismatches for unit in checked):
        raise typer.Exit(1)
