"""The command of the audit: redo some jobs, recompute results, read the sources again, and say what that proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli import progress
from heirloom.cli.arguments import CONFIG, ConfigFile, complete
from heirloom.cli.panels import ASK
from heirloom.errors import HeirloomError, first_of
from heirloom.numerals import counted

if TYPE_CHECKING:
    from heirloom.lineage.audit import Outcome
    from heirloom.lineage.project import Project
    from heirloom.lineage.redone_job import Answer

app = typer.Typer()

_FINDINGS: frozenset[Answer] = frozenset({"falsified", "other distribution"})
_NOT_COMPARED: frozenset[Answer] = frozenset({"not comparable here", "not repeatable here", "not redone"})


@app.command(rich_help_panel=ASK, epilog="Example: heirloom audit --jobs 10")
def audit(
    references: Annotated[
        list[str] | None, typer.Argument(metavar="[REF]…", autocompletion=complete, help="What to audit; all of data/ by default.")
    ] = None,
    config: ConfigFile = CONFIG,
    jobs: Annotated[int | None, typer.Option(help="How many jobs to redo, drawn at random.")] = None,
    share: Annotated[float | None, typer.Option(help="In place of --jobs, the share of the jobs to redo, from 0 to 1.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw: name one that the other side could not foresee.")] = 0,
    behind: Annotated[
        str, typer.Option("--for", help="Redo the jobs that a claim, a figure, a measure or an artefact depends on, dearest first.")
    ] = "",
    *,
    pull: Annotated[bool, typer.Option("--pull", help="Bring what the jobs need and is not here: manifests, then inputs.")] = False,
    afresh: Annotated[bool, typer.Option("--afresh", help="Forget the verdicts of audits before this one.")] = False,
) -> None:
    """Redo recorded jobs in a scratch folder and compare bytes; recompute results.

    Exit status 1 if something is falsified or changed, 2 if results or all jobs could not be compared.
    """
    from heirloom.config import load
    from heirloom.lineage import audit as job
    from heirloom.lineage.project import Project
    from heirloom.report import recomputed

    project, settings = Project(), load(config)
    if pull:
        job.fetch_manifests(project)
    if behind:
        chosen = job.behind(project, recomputed.artefacts_behind(behind, settings))[:jobs]
        everything = chosen
    else:
        everything = job.recorded_jobs(project, references or [])
        chosen = job.sample(everything, number=jobs, share=share, seed=seed)
    job.check_versions(everything, settings)
    if pull:
        job.fetch_inputs(chosen)
    outcomes = []
    for outcome in progress.track(job.redo(chosen, settings, afresh=afresh), "audit", len(chosen)):
        outcomes.append(outcome)
        typer.echo(_line(outcome))
    differing = _results(config)
    changed = [*(differing or []), *_sources(project, references or [])]
    for line in changed:
        typer.echo(line)
    for line in _summary(outcomes, len(everything), is_sample=not behind):
        typer.echo(line)
    raise typer.Exit(_status(outcomes, are_changed=bool(changed), are_results_compared=differing is not None))


def _status(outcomes: Sequence[Outcome], *, are_changed: bool, are_results_compared: bool) -> int:
    """Return the exit status: 1 for a finding, 2 where something could not be compared, else 0."""
    answers = {outcome.verdict.answer for outcome in outcomes}
    if are_changed or answers & _FINDINGS:
        return 1
    return 0 if are_results_compared and not answers <= _NOT_COMPARED else 2


def _line(outcome: Outcome) -> str:
    verdict = outcome.verdict
    reason = f": {verdict.reason}" if verdict.reason else ""
    return f"{outcome.job.name}: {verdict.answer}{' (redone before)' if outcome.is_remembered else ''}{reason}"


def _results(config: Path) -> list[str] | None:
    """Return lines about results that the data do not give, having said how many were compared; None where none could be."""
    from heirloom.report import recomputed

    try:
        differing, compared, uncompared = recomputed.compare(config)
    except HeirloomError as error:
        typer.echo(f"results: not compared: {error}")
        return None
    rest = f"; not made again: {first_of(uncompared, ' and {} more')}" if uncompared else ""
    typer.echo(f"results: {counted(compared, 'file')} made again from the data, {len(differing)} different{rest}")
    way_back = "heirloom summarise, heirloom plot and heirloom report write it again"
    return [f"{path}: not what the data give; {config}: {way_back}" for path in differing]


def _sources(project: Project, references: Sequence[str]) -> list[str]:
    """Return lines about source files that have changed, having said which are not here."""
    from heirloom.lineage import audit as job

    lines = job.changed_sources(project, references)
    for line in lines:
        if job.ABSENT in line:
            typer.echo(line)
    return [line for line in lines if job.ABSENT not in line]


def _summary(outcomes: Sequence[Outcome], num_jobs: int, *, is_sample: bool) -> list[str]:
    from heirloom.lineage import chances

    answers = Counter(outcome.verdict.answer for outcome in outcomes)
    lines = [", ".join(f"{number} {answer}" for answer, number in answers.items()) or "no job redone"]
    compared = answers["equal"] + sum(answers[finding] for finding in _FINDINGS)
    return [*lines, chances.sentence(num_jobs, compared)] if is_sample and compared else lines
