"""The contents of ``results/``: a page with a line for each config whose results lie there, and links to what there is of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from heirloom import results
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.results import Results

TEMPLATE = Path(__file__).with_name("contents.html.j2")


class Line(NamedTuple):
    """What is there of one config.

    Attributes
    ----------
    config
        ``config.yaml``, or the name of another config's file without its suffix.
    page
        The link to its page; empty where none was written.
    files
        The links to its tables and its figures.
    """

    config: str
    experiments: list[str]
    page: str
    files: list[str]


def write() -> None:
    """Write ``results/index.html`` from what lies beside it; nothing where no run has left results."""
    from jinja2 import Environment

    every = lines()
    if every:
        template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(TEMPLATE.read_text(encoding="utf-8"))
        write_text(results.CONTENTS, template.render(lines=every) + "\n")


def lines() -> list[Line]:
    """Return a line for each config that has a tidy table, ``config.yaml`` first."""
    every = [results.in_folder(folder) for folder in results.folders()]
    return [_line(one) for one in every if Path(one.metrics).is_file()]


def _line(one: Results) -> Line:
    tables = (one.metrics, one.headlines, one.intervals, one.onset, one.attribution, one.theory, one.claims)
    present = [_link(path) for path in (*tables, one.figures) if Path(path).exists()]
    experiments = sorted(path.stem for path in Path(one.plots).glob("*.csv"))
    return Line(one.name or one.config_file, experiments, _link(one.page) if Path(one.page).exists() else "", present)


def _link(path: str) -> str:
    return Path(path).relative_to(paths.RESULTS).as_posix()
