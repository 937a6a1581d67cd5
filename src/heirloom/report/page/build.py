"""From a finished run to one file: gather the context of every section, render the template, write a config's `report.html`."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import spreadsheets
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import sha256_file, sha256_folder
from heirloom.config import Config
from heirloom.report import control_curves, experiment_results, group_table, kept_rows, tables, task_scores
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import plan
from heirloom.report.figures.kind import Kind
from heirloom.report.figures.plan import Figure
from heirloom.report.generations import PAGE_GENERATIONS, kept_generations, synthetic_path, vanishing_unit
from heirloom.report.intervals import conditional
from heirloom.report.ranking import table as rankings
from heirloom.runtime.headway import laps
from heirloom.specs.experiment import Experiment
from heirloom.workflow.jobs import target

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

    from heirloom.lineage.artefact import Artefact
    from heirloom.report.headline import Headline

Entry = dict[str, Any]
"""A figure as the template shows it."""

TEMPLATES = Path(__file__).with_name("template")
SCRIPTS = ("basics.js", "chart.js", "other_run.js", "curves.js", "texts.js", "lineage.js", "page.js")
"""The page's own script, in the order in which its parts need one another."""
LOOK_DIGITS = 16
PAGE_EXPERIMENTS = 60
"""Experiments that the page shows unless it is asked for all: each adds 30 kB, and a reader scrolls past more."""
_SCRIPT_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def datasets(config: Config) -> list[str]:
    """Return what the page reads beside the tidy table: datasets whose rows it shows, of a chain the trajectory; some tables."""
    targets = [file for files in (task_scores.files(config), group_table.files(config), rankings.files(config)) for file in files[:1]]
    for key, experiment in config.experiments.items():
        paths = [synthetic_path(key, experiment, regime, generation) for regime, generation in _places(key, experiment)]
        targets += [target(config, path) for path in paths]
    return list(dict.fromkeys(targets))


def _places(key: str, experiment: Experiment) -> list[tuple[str, int]]:
    """Return regime and generation of every synthetic set that the page shows rows of."""
    from heirloom.report.page import remains

    places = {(regime, generation) for regime, generation in remains.datasets(key, experiment) if generation}
    if vanishing_unit(experiment):
        generations = kept_generations(experiment, PAGE_GENERATIONS)
        places.update(itertools.product(experiment.regimes, generations))
    return sorted(places)


def look() -> str:
    """Return a hash of what is no code and yet changes the page: templates, style, scripts, the claims and the words of measures."""
    from heirloom.report import measure_words
    from heirloom.report.claims.specs import SHIPPED

    hashes = {file.name: sha256_file(file) for file in (*TEMPLATES.iterdir(), SHIPPED, measure_words.FILE)}
    return sha256_folder(hashes)[:LOOK_DIGITS]


def write(config: Config, config_file: Path, against: str = "", *, full: bool = False) -> None:
    """Write the page and the table of claims from the results of the last run; nothing is run again.

    Parameters
    ----------
    against
        Another run that the page compares with this one (`other_run.of`).
    full
        Whether the page shows all experiments, or the first `PAGE_EXPERIMENTS`.

    Raises
    ------
    HeirloomError
        If the tidy table is missing, is damaged or lacks a lineage, or if an artefact is not as it was recorded.
    """
    from heirloom.report.claims import specs, verdicts

    frame = tables.load(config.results)
    tables.check_complete(frame, config)
    answers = verdicts.answers(specs.load(), frame, config)
    page = html(context(frame, config, config_file, answers, against, full=full))
    table = spreadsheets.csv_text(verdicts.table(answers), digits=6)
    write_text(config.results.claims, table)
    write_text(config.results.page, page)


def context(
    frame: pd.DataFrame, config: Config, config_file: Path, answers: list[Any], against: str = "", *, full: bool = False
) -> dict[str, Any]:
    """Return all that the template shows, as plain data; language models come before the rest."""
    from heirloom.lineage.project import Project
    from heirloom.report import headline
    from heirloom.report.page import answer, lineage, making, opening, other_run, ranking
    from heirloom.words import DEFINITION

    project = Project()
    told = headline.headline(frame, config)
    names = headline.leading_experiments(config)
    shown_names = names if full else shown(names, told.experiment)
    results_of = experiment_results.of_config(frame, config, shown_names)
    folder = Path(config.results.figures).relative_to(config.results.folder)
    figures = [figure for figure in plan.figures(config) if results_of.keys() >= set(figure.subject.experiments)]
    entries_of = _figures(figures, results_of, folder)
    nodes: list[Artefact] = []
    experiments = []
    for key, results in laps(results_of.items()):
        boxes = lineage.boxes(key, config)
        node_of = lineage.nodes(boxes, project)
        nodes += node_of.values()
        graph = lineage.context(results, boxes, node_of)
        experiments.append({**_experiment(results, told), "graph": graph, **_parts(entries_of.pop(key, []))})
    measures_of = {one["name"]: one["curves"]["measures"] for one in experiments}
    metrics_of = {key: {measure["name"] for measure in measures} for key, measures in measures_of.items()}
    return {
        "opening": opening.context(told, results_of, measures_of),
        "run": other_run.this_run(config_file),
        "other": other_run.of(against, config, config_file, metrics_of) if against else None,
        "facts": opening.run_facts(config, config_file, nodes),
        "answer": answer.context(answers, conditional(config), metrics_of),
        "experiments": experiments,
        "left_out": len(names) - len(shown_names),
        "rankings": ranking.context(config),
        "grids": [_grid(name, entries) for name, entries in entries_of.items()],
        "making": making.context(config, config_file, nodes, answers),
        "word": DEFINITION,
    }


def shown(names: Sequence[str], first: str) -> list[str]:
    """Return the experiments that the page shows of many, in the order of their names: the one that it opens with, and the first others."""
    chosen = {first, *[name for name in names if name != first][: PAGE_EXPERIMENTS - 1]}
    return [name for name in names if name in chosen]


def _grid(name: str, entries: Iterable[tuple[Kind, Entry]]) -> dict[str, Any]:
    return {"name": name, "figures": [entry for _, entry in entries]}


def _experiment(results: ExperimentResults, told: Headline) -> dict[str, Any]:
    """Return what an experiment's own results show, but for figures and the graph."""
    from heirloom.report.page import curves, groups, lost, profile, remains, tasks, texts

    key, experiment = results.key, results.experiment
    above = told.metric if told.experiment == key else ""
    return {
        "name": key,
        "family": experiment.family.name,
        "missing": control_curves.missing_comparisons(results),
        "curves": curves.context(results, above),
        "texts": texts.context(key, experiment),
        "keeps_rows": kept_rows.is_here(key, experiment),
        "lost": lost.context(key, experiment),
        "tasks": tasks.context(results.config, key),
        "profile": profile.context(results.config, key),
        "groups": groups.context(results.config, key),
        "remains": remains.context(key, experiment, results.rows),
    }


def _figures(figures: Iterable[Figure], results_of: Mapping[str, ExperimentResults], folder: Path) -> dict[str, list[tuple[Kind, Entry]]]:
    """Return every figure whose data is here, with links to its files, by its subject: an experiment, or the grid of several."""
    from heirloom.report.figures import draw
    from heirloom.report.page import drawings

    entries_of: dict[str, list[tuple[Kind, Entry]]] = {}
    for figure in figures:
        if not figure.can_be_drawn():
            continue  # a clone without its data still has its measures
        entry: Entry = {"kind": figure.kind.name, "caption": figure.caption, "files": _files(figure, folder)}
        if not figure.kind.is_explored:
            numbers = draw.numbers(figure, results_of, for_page=True)
            entry["spec"] = drawings.figure(figure, numbers)
        entries_of.setdefault(figure.subject.name, []).append((figure.kind, entry))
    return entries_of


def _parts(entries: Iterable[tuple[Kind, Entry]]) -> dict[str, list[Entry]]:
    """Return an experiment's figures in three parts.

    Figures of rows stand side by side with texts. Of those whose curves the explorer shows the page has only the files.
    """
    parts: dict[str, list[Entry]] = {"figures": [], "rows": [], "files": []}
    for kind, entry in entries:
        part = "files" if kind.is_explored else "rows" if kind.artefacts else "figures"
        parts[part].append(entry)
    return parts


def _files(figure: Figure, folder: Path) -> list[dict[str, str]]:
    """Return the links to a figure's files, whose folder is given as seen from the page."""
    return [{"suffix": suffix, "href": str(folder / figure.file(suffix))} for suffix in plan.SUFFIXES]


def html(context: dict[str, Any]) -> str:
    """Return the page as HTML; all strings of the data are escaped."""
    from markupsafe import Markup

    from heirloom.report.page import vega

    style = Markup((TEMPLATES / "style.css").read_text(encoding="utf-8"))  # noqa: S704 (ours)
    script = Markup("\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS))  # noqa: S704 (ours)
    library = Markup(vega.script())  # noqa: S704 (a published library)
    template = environment().get_template("page.html.j2")
    return template.render(**context, style=style, script=script, vega=library)


def environment() -> Environment:
    """Return what renders the page's templates."""
    from jinja2 import Environment, FileSystemLoader

    renderer = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    renderer.filters["embedded"] = script_json
    return renderer


def script_json(value: Any) -> Any:
    """Return a value as JSON that may stand in a script block: no character in it can end the block."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_SCRIPT_ESCAPES))  # noqa: S704 (escaped here)
