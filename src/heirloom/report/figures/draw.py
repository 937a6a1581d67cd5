"""Drawing the figures of a run: each from its numbers, into SVG, PDF, PNG and the numbers behind as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import spreadsheets
from heirloom.artefacts.files import dumps, replacing
from heirloom.config import Config
from heirloom.diffs.render.blocks import safe
from heirloom.report import experiment_results, marks, tables
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures.plan import SUFFIXES, Figure, figures

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

PIXELS_PER_POINT = 2


def write(config: Config) -> None:
    """Draw every figure of the last run, from the tidy table and from artefacts, and list the files with captions in ``index.json``.

    The new folder of figures replaces the old one as a whole, so that it never holds a figure that the config no longer has.

    Raises
    ------
    HeirloomError
        If the tidy table is missing or has no measures of an experiment, or if an artefact is not as it was recorded.
    """
    results = experiment_results.of_config(tables.load(config.results), config)
    with replacing(config.results.figures) as folder:
        folder.mkdir()
        for figure in figures(config):
            _write(figure, numbers(figure, results), folder)
        _write_index(config, folder)


def write_numbers(config: Config) -> None:
    """Write what `write` does but the pictures: the numbers of each figure whose artefacts are here, and the list of all.

    Raises
    ------
    HeirloomError
        As `write`.
    """
    results = experiment_results.of_config(tables.load(config.results), config)
    with replacing(config.results.figures) as folder:
        folder.mkdir()
        for figure in figures(config):
            if figure.can_be_drawn():
                _write_csv(figure, numbers(figure, results), folder)
        _write_index(config, folder)


def numbers(figure: Figure, results: Mapping[str, ExperimentResults], *, for_page: bool = False) -> pd.DataFrame:
    """Return the table behind a figure, with onsets of collapse where its kind marks them.

    Parameters
    ----------
    results
        Those of the figure's experiments, by their names in the expanded config.
    for_page
        Whether to leave out generations that a curve has no room for; numbers that need every generation are made from all.
    """
    import pandas as pd

    subject, kind = figure.subject, figure.kind
    is_thinned = for_page and not kind.needs_every_generation
    experiments = [results[key] for key in subject.experiments]
    rows = pd.concat([experiment.curve_rows if is_thinned else experiment.rows for experiment in experiments])
    table = kind.numbers(subject, rows)
    if kind.curve is None:
        return table
    return marks.with_onsets(table, kind.curve, results[subject.name].onsets)


def chart(figure: Figure, numbers: pd.DataFrame) -> alt.TopLevelMixin:
    """Return a figure as an Altair chart that says what it shows."""
    return figure.kind.draw(figure.subject, without_controls(numbers)).properties(description=figure.caption)


def without_controls(numbers: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose text, such as names of groups, has signs in place of control characters: the library draws none of them."""
    visible = {name: numbers[name].map(_visible) for name in numbers.columns}
    return numbers.assign(**{name: column for name, column in visible.items() if not column.equals(numbers[name])})


def _visible(cell: Any) -> Any:
    return safe(cell) if isinstance(cell, str) else cell


def _write(figure: Figure, numbers: pd.DataFrame, folder: Path) -> None:
    """Write the four files of a figure into a folder."""
    import altair as alt
    import vl_convert

    svg, png, pdf, _ = (folder / figure.file(suffix) for suffix in SUFFIXES)
    _write_csv(figure, numbers, folder)
    with alt.data_transformers.enable("default", max_rows=None):
        chart(figure, numbers).save(svg)
    picture = svg.read_text(encoding="utf-8")
    png.write_bytes(vl_convert.svg_to_png(picture, scale=PIXELS_PER_POINT))
    pdf.write_bytes(vl_convert.svg_to_pdf(picture))  # the writer orders its objects by chance: git ignores PDFs


def _write_csv(figure: Figure, numbers: pd.DataFrame, folder: Path) -> None:
    (folder / figure.file("csv")).write_text(spreadsheets.csv_text(numbers), encoding="utf-8")


def _write_index(config: Config, folder: Path) -> None:
    """Write the list of figures with captions."""
    index = [{"file": figure.file(suffix), "caption": figure.caption} for figure in figures(config) for suffix in SUFFIXES]
    (folder / Path(config.results.figure_index).name).write_text(dumps(sorted(index, key=_by_file)), encoding="utf-8")


def _by_file(entry: Mapping[str, str]) -> str:
    return entry["file"]
