"""From a finished run to one file: gather the context of every section, render the template, write a config's `report.html`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.artefacts import kinds
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import sha256_file, sha256_folder
from heirloom.config import Config
from heirloom.report import beside, experiment_results, tables
from heirloom.report.experiment_results import ExperimentResults
from heirloom.report.figures import plan
from heirloom.report.figures.kind import Kind
from heirloom.report.figures.plan import Figure
from heirloom.report.intervals import conditional
from heirloom.workflow.jobs import target

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

Entry = dict[str, Any]
"""A figure as the template shows it."""

TEMPLATES = Path(__file__).with_name("template")


def datasets(config: Config) -> list[str]:
    """Return the datasets that the page shows rows of; of a chain the trajectory that its job writes beside them."""
    from heirloom.report.generations import kept_generations
    from heirloom.report.page import lost, remains, texts

    found = []
    for key, one in config.experiments.items():
        most = max(lost.MAX_GENERATIONS, texts.MAX_GENERATIONS)
        shown = {(regime, g) for regime in one.regimes for g in kept_generations(one, most)} if lost.unit(one) else set()
        shown |= {(regime, g) for regime, g in remains.datasets(key, one) if g}
        found += [target(config, kinds.SYNTHETIC.path(key, regime, one.seeds[0], g)) for regime, g in sorted(shown)]
    return list(dict.fromkeys(found))


def look() -> str:
    """Return a hash of what is no code and yet changes the page: templates, style, script and the claims."""
    from heirloom.report.claims.specs import SHIPPED

    return sha256_folder({file.name: sha256_file(file) for file in (*TEMPLATES.iterdir(), SHIPPED)})[:16]


def write(config: Config, config_file: Path) -> None:
    """Write the page and the table of claims from the results of the last run; nothing is run again.

    Raises
    ------
    HeirloomError
        If the tidy table is missing, is damaged or lacks a lineage, or if an artefact is not as it was recorded.
    """
    from heirloom.report.claims import specs, verdicts

    frame = tables.load(config.results)
    tables.check_complete(frame, config)
    answered = verdicts.answers(specs.load(), frame, config)
    page = rendered(context(frame, config, config_file, answered))
    write_text(config.results.claims, verdicts.table(answered).to_csv(index=False, lineterminator="\n", float_format="%.6g"))
    write_text(config.results.page, page)


def context(frame: pd.DataFrame, config: Config, config_file: Path, answered: list[Any]) -> dict[str, Any]:
    """Return all that the template shows, as plain data."""
    from heirloom.lineage.project import Project
    from heirloom.report.page import answer, lineage, making
    from heirloom.words import DEFINITION

    project, results = Project(), experiment_results.of_config(frame, config)
    boxes = {key: lineage.boxes(key, config) for key in results}
    nodes = {key: lineage.nodes(own_boxes, project) for key, own_boxes in boxes.items()}
    folder = Path(config.results.figures).relative_to(config.results.folder)
    entries = _figures(plan.figures(config), results, folder)
    experiments = []
    for key, result in results.items():
        graph = lineage.context(result, boxes[key], nodes[key])
        experiments.append({**_experiment(result), "graph": graph, **_parted(entries.pop(key, []))})
    return {
        "answer": answer.context(answered, conditional(config)),
        "experiments": experiments,
        "grids": [{"name": name, "figures": [entry for _, entry in of_grid]} for name, of_grid in entries.items()],
        "making": making.context(config, config_file, [node for by_path in nodes.values() for node in by_path.values()], answered),
        "word": DEFINITION,
    }


def _experiment(results: ExperimentResults) -> dict[str, Any]:
    """Return what an experiment's own results show, but for figures and the graph."""
    from heirloom.report.page import lost, remains, texts

    key, experiment = results.key, results.experiment
    return {
        "name": key,
        "family": experiment.family.name,
        "missing": beside.missing_comparisons(results),
        "curves": _explorer(results),
        "texts": texts.context(key, experiment),
        "lost": lost.context(key, experiment),
        "remains": remains.context(key, experiment, results.rows),
    }


def _explorer(results: ExperimentResults) -> dict[str, Any]:
    """Return one experiment's explorer: its chart, and the data of every measure."""
    from heirloom.report.page import curves, drawings

    return {"data": curves.context(results), "spec": drawings.explorer(results.looks, results.experiment.generations)}


def _figures(figures: Iterable[Figure], results: Mapping[str, ExperimentResults], folder: Path) -> dict[str, list[tuple[Kind, Entry]]]:
    """Return every figure whose data is here, with links to its files, by what it is of: an experiment, or the grid of several."""
    from heirloom.report.figures import draw
    from heirloom.report.page import drawings

    entries: dict[str, list[tuple[Kind, Entry]]] = {}
    for figure in figures:
        if not figure.can_be_drawn():
            continue  # a clone without its data still has its measures
        spec = drawings.figure(figure, draw.numbers(figure, results, for_page=True))
        entry = {"kind": figure.kind.name, "caption": figure.caption, "files": _files(figure, folder), "spec": spec}
        entries.setdefault(figure.subject.name, []).append((figure.kind, entry))
    return entries


def _parted(entries: Iterable[tuple[Kind, Entry]]) -> dict[str, list[Entry]]:
    """Return an experiment's figures in two: of measures, and of rows, which stand side by side with texts."""
    parts: dict[str, list[Entry]] = {"figures": [], "rows": []}
    for kind, entry in entries:
        parts["rows" if kind.artefacts else "figures"].append(entry)
    return parts


def _files(figure: Figure, folder: Path) -> list[dict[str, str]]:
    """Return the links to a figure's files, whose folder is given as seen from the page."""
    return [{"suffix": suffix, "href": str(folder / figure.file(suffix))} for suffix in plan.SUFFIXES]


def rendered(context: dict[str, Any]) -> str:
    """Return the page as HTML; whatever comes from the data is escaped."""
    from markupsafe import Markup

    from heirloom.report.page import vega

    own = {name: Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("style.css", "page.js")}  # noqa: S704 (ours)
    library = Markup(vega.script())  # noqa: S704 (a published library)
    return _environment().get_template("page.html.j2").render(**context, style=own["style.css"], script=own["page.js"], vega=library)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["embedded"] = embedded
    return environment


def embedded(value: Any) -> Any:
    """Return a value as JSON that may stand in a script block: no character in it can end the block."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 (escaped here)
