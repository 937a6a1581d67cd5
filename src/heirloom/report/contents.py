"""The contents of ``results/``: a page with a line for each config whose results lie there, and links to its files."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from heirloom import results
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.results import Results

TEMPLATE = Path(__file__).with_name("contents.html.j2")


class Line(NamedTuple):
    """The results of one config, as its line shows them.

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
    """Write ``results/index.html`` from the results beside it; write nothing where no run has left results."""
    from jinja2 import Environment

    config_lines = lines()
    if config_lines:
        environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
        write_text(results.CONTENTS, template.render(lines=config_lines) + "\n")


def lines() -> list[Line]:
    """Return a line for each config that has a tidy table, ``config.yaml`` first."""
    all_results = [results.in_folder(folder) for folder in results.folders()]
    return [_line(places) for places in all_results if Path(places.metrics).is_file()]


def _line(places: Results) -> Line:
    of_numbers = (places.metrics, places.headlines, places.intervals, places.onset, places.attribution, places.theory)
    of_words = (places.profile, places.groups, places.ranking, places.claims)
    links = [_link(path) for path in (*of_numbers, *of_words, places.figures) if Path(path).exists()]
    experiments = sorted(path.stem for path in Path(places.plots).glob("*.csv"))
    page = _link(places.page) if Path(places.page).exists() else ""
    return Line(places.name or places.config_file, experiments, page, links)


def _link(path: str) -> str:
    return Path(path).relative_to(paths.RESULTS).as_posix()
