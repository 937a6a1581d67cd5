"""The command `heirloom diff`: like `diff`, it exits with 0 for the same rows, 1 for different ones, 2 for trouble.

With a condition it exits with 1 only if that holds.
"""

from __future__ import annotations

import ctypes
import os
import sys
import warnings
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from heirloom.cli import panels, progress
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heirloom.diffs.options import Options
    from heirloom.diffs.result import DatasetDiff
    from heirloom.diffs.series import Series
    from heirloom.diffs.sides import Side

app = typer.Typer()

DIFFERENT = 1
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h


class Format(StrEnum):
    """How an answer is spelled."""

    terminal = "terminal"
    json = "json"
    markdown = "markdown"
    html = "html"
    csv = "csv"


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
    a, b = _since(a, b, since) if since else (a, b)
    if brief:
        _finish(*_brief(a, b), output)
        return
    from heirloom.diffs.options import Options, names  # which imports numpy
    from heirloom.diffs.sides import generations, siblings

    options = Options(max_examples, sample, seed, names(on), text_column, names(ignore), tolerance, max_cell_bytes)
    if counts:
        _finish(*_counts(a, b, options, form), output)
        return
    references = [a, b, *more] if more else siblings(a, across) if across else generations(a)
    if references is None:
        answer, is_failure = _compared(a, b, options, fail_if, against_control=against_control)
        if rows:
            answer.write_rows(rows)
        _finish(_text(answer, form, output, full=full), not is_failure, output)
        return
    if (b and not more) or against_control or rows or fail_if:
        raise HeirloomError(f"{a} is a series: it takes no second dataset, and no --against-control, --rows or --fail-if")
    _finish(*_series(references, options, form, output, ordered=not (more or across)), output)


def _since(a: str, b: str, revision: str) -> tuple[str, str]:
    """Return a dataset at a revision, and as it is."""
    if b or "@" in a:
        raise HeirloomError(f"--since {revision}: compares one dataset with itself; {b or a} is one too many, or has a revision already")
    return f"{a}@{revision}", a


@progress.waiting("diff")
def _compared(a: str, b: str, options: Options, fail_if: str, *, against_control: bool) -> tuple[DatasetDiff, bool]:
    """Return what changed between two datasets, and whether that is a failure: a condition that holds, or without one any change."""
    from heirloom.diffs import sides
    from heirloom.diffs.condition import holds, parse
    from heirloom.diffs.engine import compare_pairs
    from heirloom.diffs.parts import paired
    from heirloom.diffs.views import viewed

    if not b:
        raise HeirloomError(f"{a}: a second dataset is missing; a series is written {sides.example_series(a)}")
    _prepare_arrow()
    condition = parse(fail_if) if fail_if else None
    answer = compare_pairs(a, b, viewed(paired(a, b), options), options, against_control=against_control)
    return answer, holds(condition, answer) if condition else not answer.same


@progress.waiting("diff")
def _counts(a: str, b: str, options: Options, form: Format) -> tuple[str, bool]:
    """Return the counts of rows in a line or as JSON, and whether all rows are the same."""
    _prepare_arrow()
    from heirloom.diffs.casts import aligned
    from heirloom.diffs.counts import counts
    from heirloom.diffs.parts import paired
    from heirloom.diffs.views import viewed

    if options.on or options.tolerance or form not in (Format.terminal, Format.json):
        raise HeirloomError("--counts matches whole rows: it takes no --on and no --tolerance, and its formats are terminal and json")
    (side_a, side_b), *further = viewed(paired(a, b), options).values()
    if further or side_a is None or side_b is None:
        raise HeirloomError(f"--counts: {a} or {b} holds several splits; name one of them, as in {a}:train")
    answer = counts(*aligned(side_a, side_b))
    return answer.to_json() if form is Format.json else f"{answer.line}\n", answer.same


@progress.waiting("diff")
def _series(references: Sequence[str], options: Options, form: Format, output: Path | None, *, ordered: bool) -> tuple[str | None, bool]:
    """Return what is to be written of a series, and whether all of its datasets are the same."""
    from heirloom.diffs.series import series

    _prepare_arrow()
    answers = series(references, options, ordered=ordered)
    return _series_text(answers, form, output), answers.same


def _prepare_arrow() -> None:
    """Let Arrow take memory where NumPy does, let both keep what they have freed, and do without pandas.

    Arrow's own pool keeps what NumPy could use again, and glibc gives freed arrays back at once, only to ask for the same pages again:
    each costs a tenth of a diff in page faults. Arrow looks for pandas when it meets the
    first list of Python, and remembers whether it is there; pandas takes a third of a second to import, and no command here uses it.
    """
    import pyarrow as pa

    pa.set_memory_pool(pa.system_memory_pool())
    with suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 25)
        ctypes.CDLL(None).mallopt(_TRIM_THRESHOLD, 1 << 27)
    if "pandas" in sys.modules:
        return
    stand_in = ModuleType("pandas")
    stand_in.__dict__["__version__"] = "0"  # Arrow does without a version that is too old, and warns
    sys.modules["pandas"] = stand_in
    with warnings.catch_warnings(action="ignore"):
        pa.array([0])
    del sys.modules["pandas"]


def _text(answer: DatasetDiff, form: Format, output: Path | None, *, full: bool) -> str | None:
    """Return the answer as text; None where it was shown on the terminal already."""
    match form:
        case Format.json:
            return answer.to_json()
        case Format.html:
            from heirloom.diffs.render import html
            from heirloom.diffs.render.page import title

            return html.document(title(answer), html.fragment(answer, _home(output)))
        case Format.csv:
            raise HeirloomError("--format csv is for a series such as lm/replace/0/0..5; allowed here: terminal, json, markdown, html")
        case Format.markdown:
            from heirloom.diffs.render import markdown
            from heirloom.diffs.render.page import page

            return markdown.text(page(answer))
    return _shown(answer, output, full=full)


def _shown(answer: DatasetDiff, output: Path | None, *, full: bool) -> str | None:
    """Return the answer as a terminal shows it, for a file; without one show it, and return None."""
    from heirloom.diffs.render import terminal
    from heirloom.diffs.render.page import page, summary

    sections = page(answer) if full else summary(answer)
    if output:
        return terminal.text(sections)
    terminal.show(sections)
    return None


def _home(output: Path | None) -> str:
    """Return the way from a page of a report's comparisons to the report; empty for any other page."""
    from heirloom import results

    folder = results.folder_of(output.as_posix()) if output else None
    home = Path(results.in_folder(folder).page) if folder else None
    if output is None or home is None or output.parent != home.parent / "diffs":
        return ""
    return f"../{home.name}"


def _series_text(answers: Series, form: Format, output: Path | None) -> str | None:
    from heirloom.diffs.render import heat, html, markdown, terminal
    from heirloom.diffs.series import page

    name = f"{answers.names[0]} … {answers.names[-1]}"
    match form:
        case Format.json:
            return answers.to_json()
        case Format.csv:
            return answers.to_csv()
        case Format.markdown:
            return markdown.text(page(answers))
        case Format.html:
            sheet = html.sheet(name, "", page(answers), heat.svg(answers))
            return html.document(name, sheet)
    if output:
        return terminal.text(page(answers))
    terminal.show(page(answers))
    return None


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
        return f"{side_a.name} and {side_b.name} are the same bytes\n", True
    step, differences = lineage(side_a, side_b)
    parting = f"the ancestries part at the step {step}: " if step else ""
    changes = ", ".join(f"{difference.what} {difference.a or '–'} → {difference.b or '–'}" for difference in differences)
    separator = "; " if changes else ""
    return safe(f"{side_a.name} and {side_b.name} differ{separator}{parting}{changes}") + "\n", False


def _have_same_bytes(a: Side | None, b: Side | None) -> bool:
    """Return whether a part is on both sides, with the same bytes."""
    return a is not None and b is not None and a.sha256 == b.sha256


def _finish(text: str | None, is_same: bool, output: Path | None) -> None:
    if text is not None and output:
        from heirloom.cli import output_files

        output_files.write(output, text)
    elif text is not None:
        typer.echo(text, nl=False)
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
