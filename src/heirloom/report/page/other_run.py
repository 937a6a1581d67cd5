"""Another run beside the page's own: its curves and its settings, from a revision, a folder of results, or a tidy table.

The page's script reads the same two things from the file of any other page, so that two finished pages can be compared without Heirloom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import strict_yaml
from heirloom.artefacts.files import dumps
from heirloom.config import Config
from heirloom.diffs import versions
from heirloom.errors import HeirloomError
from heirloom.lineage import git
from heirloom.lineage.settings import by_dotted_key
from heirloom.report import by_arm, tables
from heirloom.report.generations import CURVE_POINTS
from heirloom.report.looks import GREY, PALETTE
from heirloom.report.page.curves import five_digits
from heirloom.stats.spacing import evenly_spaced
from heirloom.variants import VARIANT_MARK

if TYPE_CHECKING:
    import pandas as pd

METRICS = "metrics.parquet"


def this_run(config_file: Path) -> dict[str, Any]:
    """Return what another page is told of this run: the name and the settings of its config, by dotted key."""
    return {"name": config_file.name, "settings": _settings(config_file.read_text(encoding="utf-8"))}


def of(what: str, config: Config, config_file: Path, metrics_of: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return another run for the script: ``{"name", "settings", "experiments"}``.

    Parameters
    ----------
    what
        A folder of results, a tidy table (``….parquet``), or a git revision, in which the config's own results are looked up.
    metrics_of
        Experiment → the metrics that this page has a curve of; others are left out.

    Raises
    ------
    HeirloomError
        If there is nothing of that name, its bytes are lost, or it is no table of measures.
    """
    path = Path(what)
    if path.is_dir():
        return {"name": what, "settings": {}, "experiments": _experiments(tables.of_file(path / METRICS), metrics_of)}
    if path.suffix == ".parquet" and path.is_file():
        return {"name": what, "settings": {}, "experiments": _experiments(tables.of_file(path), metrics_of)}
    frame = tables.of_file(_table_of(what, config))
    text = git.show(what, config_file)
    settings = _settings(text.decode(errors="replace")) if text else {}
    return {"name": what, "settings": settings, "experiments": _experiments(frame, metrics_of)}


def _table_of(revision: str, config: Config) -> Path:
    """Return where the tidy table of a revision lies: a copy."""
    version = versions.in_repository(config.results.metrics, revision)
    if version is None:
        reason = "and this folder is no git repository with revisions"
        raise HeirloomError(f"--against {revision}: no folder of results, no tidy table (….parquet), {reason}")
    return versions.fetched(version)


def _settings(text: str) -> dict[str, str]:
    """Return the settings of a config by dotted key, each as JSON."""
    raw, _ = strict_yaml.parse(text)
    fields = by_dotted_key(raw) if isinstance(raw, Mapping) else {}
    return {key: dumps(value).strip() for key, value in fields.items()}


def _experiments(frame: pd.DataFrame, metrics_of: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """Return experiment → its curves, of those that the page has."""
    experiments = {}
    for (name, variant), rows in frame.groupby(["experiment", "variant"], sort=False):
        key = f"{name}{VARIANT_MARK}{variant}" if variant else str(name)
        if key in metrics_of:
            experiments[key] = _experiment(rows[rows["metric"].isin(metrics_of[key])])
    return experiments


def _experiment(rows: pd.DataFrame) -> dict[str, Any]:
    generations = evenly_spaced(sorted(rows["generation"].unique().tolist()), CURVE_POINTS)
    arms = by_arm.tables(rows[rows["generation"].isin(generations)])
    regimes = [regime for regime in dict.fromkeys(regime for _, regime in arms) if regime != "origin"]
    measures = []
    for metric in dict.fromkeys(metric for metric, _ in arms):
        curves = {regime: _curve(arms, metric, regime) for regime in regimes}
        measures.append({"name": metric, "arms": {regime: curve for regime, curve in curves.items() if curve}})
    colours = [*PALETTE, *[GREY] * len(regimes)]
    looks = [{"name": regime, "colour": colour} for regime, colour in zip(regimes, colours, strict=False)]
    return {"arms": looks, "measures": measures}


def _curve(arms: by_arm.ByArm, metric: str, regime: str) -> dict[str, Any] | None:
    values = by_arm.with_origin(arms, metric, regime)
    if values is None:
        return None
    return {"g": [int(generation) for generation in values.index], "v": five_digits(values.mean(axis=1).to_numpy())}
