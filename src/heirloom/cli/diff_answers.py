"""What `heirloom diff` works out and writes: of two datasets, of a series, or counts alone; in a child where others wrote a file."""

from __future__ import annotations

import ctypes
import sys
import warnings
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

import typer

from heirloom.cli import progress
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heirloom.diffs.options import Options
    from heirloom.diffs.result import DatasetDiff
    from heirloom.diffs.series import Series

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # names of glibc's malloc.h


class Format(StrEnum):
    """How an answer is spelled."""

    terminal = "terminal"
    json = "json"
    markdown = "markdown"
    html = "html"
    csv = "csv"


class Wanted(NamedTuple):
    """What is wanted of a comparison beside its answer."""

    form: Format
    output: Path | None
    rows: Path | None
    fail_if: str
    full: bool
    against_control: bool


def compared(a: str, b: str, options: Options, wanted: Wanted) -> bool:
    """Write what changed between two datasets; return whether that is no failure: no condition holds, or without one nothing changed."""
    from heirloom.diffs import sides
    from heirloom.diffs.condition import parse
    from heirloom.diffs.parts import paired
    from heirloom.diffs.strangers import in_child

    if not b:
        raise HeirloomError(f"{a}: a second dataset is missing; a series is written {sides.example_series(a)}")
    condition = parse(wanted.fail_if) if wanted.fail_if else None
    pairs = paired(a, b)

    def work() -> bool:
        from heirloom.diffs.condition import holds
        from heirloom.diffs.engine import compare_pairs
        from heirloom.diffs.views import viewed

        with progress.waiting("diff"):
            _prepare_arrow()
            answer = compare_pairs(a, b, viewed(pairs, options), options, against_control=wanted.against_control)
        is_failure = holds(condition, answer) if condition else not answer.same
        if wanted.rows:
            answer.write_rows(wanted.rows)
        return written(_text(answer, wanted.form, wanted.output, full=wanted.full), not is_failure, wanted.output)

    return in_child(work, [side for pair in pairs.values() for side in pair if side])


def counted(a: str, b: str, options: Options, form: Format, output: Path | None) -> bool:
    """Write the counts of rows in a line or as JSON; return whether all rows are the same."""
    from heirloom.diffs.parts import paired
    from heirloom.diffs.strangers import in_child

    if options.on or options.tolerance or form not in (Format.terminal, Format.json):
        raise HeirloomError("--counts matches whole rows: it takes no --on and no --tolerance, and its formats are terminal and json")
    pairs = paired(a, b)
    (side_a, side_b), *further = pairs.values()
    if further or side_a is None or side_b is None:
        raise HeirloomError(f"--counts: {a} or {b} holds several splits; name one of them, as in {a}:train")

    def work() -> bool:
        from heirloom.diffs.casts import aligned
        from heirloom.diffs.counts import counts
        from heirloom.diffs.views import viewed

        with progress.waiting("diff"):
            _prepare_arrow()
            ((viewed_a, viewed_b),) = viewed(pairs, options).values()
            assert viewed_a is not None
            assert viewed_b is not None
            answer = counts(*aligned(viewed_a, viewed_b))
        return written(answer.to_json() if form is Format.json else f"{answer.line}\n", answer.same, output)

    return in_child(work, [side_a, side_b])


def series(references: Sequence[str], options: Options, form: Format, output: Path | None, *, ordered: bool) -> bool:
    """Write what is to be said of a series; return whether all of its datasets are the same."""
    from heirloom.diffs.sides import locate
    from heirloom.diffs.strangers import in_child

    sides = [locate(reference) for reference in references]

    def work() -> bool:
        from heirloom.diffs import series as all_pairs

        with progress.waiting("diff"):
            _prepare_arrow()
            answers = all_pairs.series(sides, options, ordered=ordered)
        return written(_series_text(answers, form, output), answers.same, output)

    return in_child(work, sides)


def written(text: str | None, is_same: bool, output: Path | None) -> bool:
    """Write a text to a file or standard output, if there is one to be written, and return what was said of sameness."""
    if text is not None and output:
        from heirloom.cli import output_files

        output_files.write(output, text)
    elif text is not None:
        typer.echo(text, nl=False)
    return is_same


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
