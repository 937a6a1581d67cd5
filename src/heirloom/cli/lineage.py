"""The commands of lineage: keep versions, ask where things came from, whether they are what they were, and why two differ."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, ConfigFile, Reference, complete
from heirloom.cli.listing import Full, Listing, echo, echo_beginning
from heirloom.cli.panels import ASK, KEEP
from heirloom.errors import HeirloomError
from heirloom.numerals import counted

app = typer.Typer()

CONFIGS = [CONFIG]


@app.command(rich_help_panel=KEEP, epilog="Example: heirloom record")
def record(
    config: ConfigFile = CONFIG,
    *,
    complete: Annotated[bool, typer.Option("--complete", help="The whole workflow has run: record its stage, too.")] = False,
    of_targets: Annotated[bool, typer.Option("--of-targets", help="With --complete: only some targets, so not the stage.")] = False,
    if_possible: Annotated[bool, typer.Option("--if-possible", help="Without git or DVC, say so and succeed.")] = False,
) -> None:
    """Version every dataset and checkpoint with DVC, and write results/lineage.tsv; run by Snakemake's hooks.

    Exit status 1 if something that was recorded is missing, damaged, or covered by data of another commit: it stays recorded as it was.
    """
    from heirloom.lineage.record import record as job

    with progress.waiting("record"):
        report = job(config, complete=complete, of_targets=of_targets)
    if report.unrecorded and not if_possible:
        raise HeirloomError(report.unrecorded)
    typer.echo(report.line)
    if (report.missing or report.replacing) and not if_possible:
        raise typer.Exit(1)


@app.command(rich_help_panel=KEEP, epilog="Example: heirloom restore")
def restore() -> None:
    """Bring back the data of the commit that git has checked out, and Snakemake's records of its jobs."""
    from heirloom.lineage.restore import bring_back

    with progress.waiting("restore"):
        num_files = bring_back()
    typer.echo(f"restored; Snakemake's records of {counted(num_files, 'file was', 'files were')} put back")


@app.command(rich_help_panel=KEEP, epilog="Example: heirloom prune")
def prune(
    config: Annotated[
        list[Path], typer.Option("--config", "--configfile", help="What a config names, stays; may be given several times.")
    ] = CONFIGS,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is listed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also remove what could not be brought back.")] = False,
    full: Full = False,
) -> None:
    """List generations, lineages and experiments that no config names any more; with --yes, remove them."""
    from heirloom.config import load
    from heirloom.lineage import prune as job

    with progress.waiting("prune"):
        leftovers = job.leftovers([load(file) for file in config])
    if yes:
        job.remove(leftovers, force=force)
    echo((leftover.line for leftover in leftovers), full=full)
    typer.echo(job.total(leftovers, removed=yes))


@app.command(rich_help_panel=ASK, epilog="Example: heirloom trace transformer/replace/0/5#17")
def trace(
    reference: Reference,
    depth: Annotated[int | None, typer.Option(help="How many steps up to go; all the way to real data by default.")] = None,
    form: Annotated[str, typer.Option("--format", help="tree, json, mermaid or dot.")] = "tree",
    *,
    full: Full = False,
) -> None:
    """Show what an artefact was made from, down to real data; with #N or #BORN/ROW at the end, where one row came from."""
    from heirloom.lineage import trace_row

    if trace_row.split_reference(reference)[1]:
        _trace_row(reference, form, full=full)
    else:
        _trace_artefact(reference, depth, form, full=full)


def _trace_row(reference: str, form: str, *, full: bool) -> None:
    from heirloom.lineage import render_row, trace_row  # which imports numpy

    _check_form(form, render_row.FORMATS, "a row")
    text = render_row.FORMATS[form](trace_row.trace_row(reference))
    echo(text.split("\n") if form == "tree" else [text], full=full)


def _trace_artefact(reference: str, depth: int | None, form: str, *, full: bool) -> None:
    from heirloom.lineage import render
    from heirloom.lineage import trace as job

    _check_form(form, render.FORMATS, "an artefact")
    ancestry = job.trace(reference, depth)
    if form == "tree":
        echo_beginning(render.tree_lines(ancestry), f"the ancestry has {len(ancestry.nodes):,} artefacts in all", full=full)
    else:
        typer.echo(render.FORMATS[form](ancestry))


def _check_form(form: str, forms: Iterable[str], subject: str) -> None:
    """Refuse a form that what is traced does not have."""
    if form not in forms:
        raise HeirloomError(f"--format {form}: {subject} has {', '.join(forms)}")


@app.command(rich_help_panel=ASK, epilog="Example: heirloom descendants transformer/replace/0/1#17")
def descendants(
    reference: Reference,
    form: Annotated[str, typer.Option("--format", help="table or json.")] = "table",
    *,
    full: Full = False,
) -> None:
    """List all that was made from an artefact; with #N or #BORN/ROW at the end, all that carries the row, with counts and shares."""
    from heirloom.lineage import descendants as job

    job.check_format(form)
    result = job.descendants(reference)
    if form == "table":
        *lines, total = job.lines(result)
        echo(lines, full=full)
        typer.echo(total)
    else:
        typer.echo(job.FORMATS[form](result))


@app.command(rich_help_panel=KEEP, epilog="Example: heirloom withdraw transformer/replace/0/0#17 --plan")
def withdraw(
    reference: Annotated[str, typer.Argument(autocompletion=complete, help="A real row: REF#N, or REF#BORN/ROW.")],
    because: Annotated[str, typer.Option("--because", help="Why, in a few words; the config and the manifests keep it.")],
    config: ConfigFile = CONFIG,
    *,
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Do it, or only list the jobs of the clean rebuild.")] = False,
    full: Full = False,
) -> None:
    """Leave a real row of text out for good: write its passage into the config, and make anew all that was made from it."""
    from heirloom.lineage import withdraw as job

    planned = job.plan(reference, because, config)
    *lines, total = job.lines(planned)
    echo(lines, full=full)
    typer.echo(total)
    if apply:
        remainder = job.apply(planned, config)
        if remainder:
            typer.echo(remainder)


@app.command("why-not", rich_help_panel=ASK, epilog="Example: heirloom why-not transformer/replace/0/1 transformer/keep/0/1")
def why_not(a: Reference, b: Reference) -> None:
    """Say why two artefacts that should be equal are not: the first difference among all that they were made from."""
    from heirloom.lineage import why_not as job

    typer.echo(job.explain(job.why_not(a, b)))


@app.command(rich_help_panel=ASK, epilog="Example: heirloom verify transformer/replace/0")
def verify(
    reference: Annotated[str | None, typer.Argument(autocompletion=complete, help="What to read; all of data/ by default.")] = None,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="Fingerprints alone (sha256), not DVC's record (md5).")] = False,
    cache: Annotated[bool, typer.Option("--cache", help="DVC's cache, too: before a push.")] = False,
    sources: Annotated[bool, typer.Option("--sources", help="Ask hubs whether they have moved on.")] = False,
    full: Full = False,
) -> None:
    """Read every byte again, and compare it with fingerprints, manifests, ledger and DVC's record; exit status 1 if something differs."""
    from heirloom.lineage import verify as job

    if fast and cache:
        raise HeirloomError("verify takes --fast or --cache, not both: --fast compares nothing with DVC")
    units, mismatches = [], Listing(full)
    reports = job.verify(reference, fast=fast, cache_too=cache, hubs=sources)
    for unit in progress.track(reports, "verify", job.number_of_units(reference)):
        units.append(unit)
        for mismatch in unit.mismatches:
            mismatches.add(mismatch)
    mismatches.close()
    typer.echo(job.total(units, fast=fast))
    if any(unit.mismatches for unit in units):
        raise typer.Exit(1)


@app.command(rich_help_panel=KEEP, epilog="Example: heirloom repair transformer/replace/0")
def repair(
    references: Annotated[
        list[str] | None, typer.Argument(metavar="[REF]…", autocompletion=complete, help="What to repair; all of data/ by default.")
    ] = None,
    config: ConfigFile = CONFIG,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be repaired, and by which road.")] = False,
    remote: Annotated[bool, typer.Option("--remote", help="Also put right bytes in place of damaged ones on the default remote.")] = False,
    full: Full = False,
) -> None:
    """Mend what verify finds: from DVC's cache, the remote, or by redoing the job; exit status 1 if something is left."""
    from heirloom.lineage import repair as job

    outcomes, lines = [], Listing(full)
    for outcome in progress.track(job.repair(references or [], config, dry=dry_run, on_remote=remote), "repair"):
        outcomes.append(outcome)
        lines.add(outcome)
    for outcome in job.remaining_damage(references or [], outcomes, dry=dry_run):
        outcomes.append(outcome)
        lines.add(outcome)
    lines.close()
    typer.echo(job.total(outcomes, dry=dry_run))
    if any(dry_run or not outcome.road for outcome in outcomes):
        raise typer.Exit(1)
