"""From a finished run to one file: gather the context of every section, render the template, write a config's `report.html`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.artefacts import kinds
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import sha256_file, sha256_folder
from heirloom.config import Config
from heirloom.report import beside, figures, tables
from heirloom.report.kinds import OF_ROWS
from heirloom.workflow.jobs import target

if TYPE_CHECKING:
    import pandas as pd
    from jinja2 import Environment

    from heirloom.lineage.artefact import Artefact

TEMPLATES = Path(__file__).with_name("template")


def datasets(config: Config) -> list[str]:
    """Return the datasets that the page shows rows of; of a chain the trajectory that its job writes beside them."""
    from heirloom.report.page import lost, remains, texts
    from heirloom.report.page.generations import kept

    found = []
    for key, one in config.experiments.items():
        most = max(lost.MAX_GENERATIONS, texts.MAX_GENERATIONS)
        shown = {(regime, g) for regime in one.regimes for g in kept(one, most)} if lost.unit(one) else set()
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
    from heirloom.report.page import answer, lineage, lost, making, remains, texts
    from heirloom.words import DEFINITION

    project, drawn = Project(), _figures(frame, config)
    nodes: list[Artefact] = []
    experiments = []
    for key, experiment in config.experiments.items():
        known = lineage.nodes(key, experiment, config, project)
        own = tables.of_experiment(frame, key, experiment)
        nodes += known.values()
        told: dict[str, Any] = {"texts": texts.context(key, experiment), "lost": lost.context(key, experiment)}
        told |= {"remains": remains.context(key, experiment, own)}
        told |= {"graph": lineage.context(key, experiment, config, known, own), "curves": _curves(key, own, config)}
        told |= {"missing": beside.missing(key, config)}
        told |= _parted(drawn.pop(key, []))
        experiments.append({"name": key, "family": experiment.family.name, **told})
    return {
        "answer": answer.context(answered, config),
        "experiments": experiments,
        "grids": [{"name": name, "figures": listed} for name, listed in drawn.items()],
        "making": making.context(config, config_file, nodes, answered),
        "word": DEFINITION,
    }


def _curves(key: str, own: pd.DataFrame, config: Config) -> dict[str, Any]:
    """Return one experiment's explorer: its chart, and the data of every measure."""
    from heirloom.report import charts, onset
    from heirloom.report.page import curves, drawings

    experiment = config.experiments[key]
    looks = charts.looks(config.regimes)
    arms = {regime: looks[regime] for regime in experiment.regimes}
    onsets = onset.load(own, experiment, config)
    return {"data": curves.context(key, own, config, looks, onsets), "spec": drawings.explorer(arms, experiment.generations)}


def _figures(frame: pd.DataFrame, config: Config) -> dict[str, list[dict[str, Any]]]:
    """Return every figure whose data is here, with links to its files, by what it is of: an experiment, or the grid of several."""
    import pandas as pd

    from heirloom.report import onset
    from heirloom.report.page import drawings
    from heirloom.report.page.generations import CURVE_POINTS
    from heirloom.stats.spacing import evenly_spaced

    parts = []
    for key, experiment in config.experiments.items():
        own = tables.of_experiment(frame, key, experiment)
        starts = onset.load(own, experiment, config)["onset"].dropna()
        parts.append(own[own["generation"].isin({*evenly_spaced(range(experiment.generations + 1), CURVE_POINTS), *starts})])
    thinned = pd.concat(parts)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in figures.listed(config):
        if not figures.can_be_drawn(one, config):
            continue  # a clone without its data still has its measures
        drawn = {"kind": one.kind, "caption": one.caption, "files": _files(one, config), "spec": drawings.figure(one, thinned, config)}
        found.setdefault(one.experiment, []).append(drawn)
    return found


def _parted(drawn: list[dict[str, Any]]) -> dict[str, Any]:
    """Return an experiment's figures in two: of measures, and of rows, which stand side by side with texts."""
    return {name: [one for one in drawn if (one["kind"] in OF_ROWS) == of_rows] for name, of_rows in (("figures", False), ("rows", True))}


def _files(figure: figures.Figure, config: Config) -> list[dict[str, str]]:
    """Return the links to a figure's files, as seen from the page."""
    folder = Path(config.results.figures).relative_to(config.results.folder)
    return [{"suffix": suffix, "href": str(folder / figure.file(suffix))} for suffix in ("svg", "png", "pdf", "csv")]


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
