"""The command `heirloom diff`: like `diff`, it exits with 0 for the same rows, 1 for different ones, 2 for trouble.

With a condition it exits with 1 only if that holds.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli import diff_answers, panels
from heirloom.cli.diff_answers import Format
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from heirloom.diffs.sides import Side

app = typer.Typer()

DIFFERENT = 1


A = Annotated[str, typer.Argument(help="A dataset: a path, a reference or a hub id; or a series such as lm/replace/0/0..5.")]
B = Annotated[str, typer.Argument(help="The dataset to compare it with; left out for a series.")]
More = Annotated[list[str], typer.Argument(help="Further datasets: then all pairs are compared.")]


@app.command(rich_help_panel=panels.LOOK, epilog="Example: heirloom diff transformer/replace/0/1 transformer/replace/0/5")
def diff(
    a: A,
    b: B = "",
    more: More = (),  # type: ignore[assignment]
    *,
    across: Annotated[str, typer.Option("--across", help="Compare a dataset of all of these: seed, or regime.")] = "",
    on: Annotated[str, typer.Option("--on", help="Columns that name a row, as in --on id or --on user,day.")] = "",
    text_column: Annotated[str, typer.Option("--text-column", help="The column that is the text, if it is not named text.")] = "",
    ignore: Annotated[str, typer.Option("--ignore", help="Columns to leave out, with commas between them.")] = "",
    tolerance: Annotated[float, typer.Option("--tolerance", help="Numbers of paired rows that differ by no more are equal.")] = 0.0,
    since: Annotated[str, typer.Option("--since", help="Compare a dataset with itself at this tag or commit.")] = "",
    rows: Annotated[Path | None, typer.Option("--rows", help="A folder for the rows themselves, as Parquet.")] = None,
    fail_if: Annotated[str, typer.Option("--fail-if", help='Exit with 1 only if this holds: "removed>0 or js>0.05".')] = "",
    form: Annotated[Format, typer.Option("--format", help="csv is for a series.")] = Format.terminal,
    full: Annotated[bool, typer.Option("--full", help="On a terminal, show every section and not only the counts.")] = False,
    output: Annotated[Path | None, typer.Option("--output", help="Write to a file instead.")] = None,
    max_examples: Annotated[int, typer.Option("--max-examples", help="Rows, pairs and n-grams to show, of each sort.")] = 5,
    sample: Annotated[int, typer.Option("--sample", help="Rows of either side that the tests look at; counts are exact.")] = 10_000,
    seed: Annotated[int, typer.Option("--seed", help="Of the permutations and samples.")] = 0,
    max_cell_bytes: Annotated[int, typer.Option("--max-cell-bytes", help="A cell that takes more is refused.")] = 1 << 24,
    against_control: Annotated[bool, typer.Option("--against-control", help="Also say what resampling alone does.")] = False,
    counts: Annotated[bool, typer.Option("--counts", help="Count kept, removed and added rows only.")] = False,
    brief: Annotated[bool, typer.Option("--brief", "-q", help="Compare fingerprints and ancestries only; read no row.")] = False,
) -> None:
    """Say what changed between two datasets, and whether it is more than chance."""
    from heirloom.diffs import strangers

    a, b = _since(a, b, since) if since else (a, b)
    with strangers.one_line_errors(a, b):
        if brief:
            _finish(diff_answers.written(*_brief(a, b), output))
            return
        from heirloom.diffs.options import Options, names  # which imports numpy
        from heirloom.diffs.sides import generations, siblings

        options = Options(max_examples, sample, seed, names(on), text_column, names(ignore), tolerance, max_cell_bytes)
        if counts:
            _finish(diff_answers.counted(a, b, options, form, output))
            return
        references = [a, b, *more] if more else siblings(a, across) if across else generations(a)
        if references is None:
            _finish(diff_answers.compared(a, b, options, diff_answers.Wanted(form, output, rows, fail_if, full, against_control)))
            return
        if (b and not more) or against_control or rows or fail_if:
            raise HeirloomError(f"{a} is a series: it takes no second dataset, and no --against-control, --rows or --fail-if")
        _finish(diff_answers.series(references, options, form, output, ordered=not (more or across)))


def _since(a: str, b: str, revision: str) -> tuple[str, str]:
    """Return a dataset at a revision, and as it is."""
    if b or "@" in a:
        raise HeirloomError(f"--since {revision}: compares one dataset with itself; {b or a} is one too many, or has a revision already")
    return f"{a}@{revision}", a


def _brief(a: str, b: str) -> tuple[str, bool]:
    """Return what fingerprints and manifests tell, in a few lines, and whether the bytes are the same."""
    from heirloom.diffs.identity import lineage
    from heirloom.diffs.parts import paired
    from heirloom.diffs.render.blocks import safe

    pairs = paired(a, b)
    unequal_parts = [name for name, (side_a, side_b) in pairs.items() if not _have_same_bytes(side_a, side_b)]
    side_a, side_b = next(iter(pairs.values()))
    if len(pairs) > 1 or side_a is None or side_b is None:
        verdict = f"differ in the bytes of {', '.join(unequal_parts)}" if unequal_parts else "are the same bytes"
        return safe(f"{a} and {b} {verdict}") + "\n", not unequal_parts
    if not unequal_parts:
        return safe(f"{side_a.name} and {side_b.name} are the same bytes") + "\n", True
    step, differences = lineage(side_a, side_b)
    parting = f"the ancestries part at the step {step}: " if step else ""
    changes = ", ".join(f"{difference.what} {difference.a or '–'} → {difference.b or '–'}" for difference in differences)
    separator = "; " if changes else ""
    return safe(f"{side_a.name} and {side_b.name} differ{separator}{parting}{changes}") + "\n", False


def _have_same_bytes(a: Side | None, b: Side | None) -> bool:
    """Return whether a part is on both sides, with the same bytes."""
    return a is not None and b is not None and a.sha256 == b.sha256


def _finish(is_same: bool) -> None:
    if not is_same:
        raise typer.Exit(DIFFERENT)


@app.command(rich_help_panel=panels.LOOK, epilog="Example: heirloom log transformer/replace/0/5")
def log(reference: Annotated[str, typer.Argument(help="A dataset: a reference, or a path that git or DVC tracks.")]) -> None:
    """List every recorded version of a dataset, newest first, and why it changed; diff --since compares with one of them."""
    from heirloom.diffs.history import history, lines
    from heirloom.diffs.render.blocks import safe

    typer.echo("\n".join(map(safe, lines(history(reference)))))


@app.command("git-diff", hidden=True, context_settings={"ignore_unknown_options": True})
def git_diff(arguments: list[str]) -> None:
    """Summarise two versions of a .dvc file; git calls this (see docs/diff.md).

    It gives the path, the old file, its hash and mode, the new file, its hash and mode; after a rename also the new path and what
    git thinks of it; of an unmerged file the path alone. The command succeeds whatever it meets: git stops where its driver fails.
    """
    from heirloom.diffs.git import answer

    try:
        sys.stdout.write(answer(arguments))
        sys.stdout.flush()
    except OSError:  # the pager was closed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
