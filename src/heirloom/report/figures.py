"""Which figures a config has, and their files: SVG, PDF, PNG and the numbers behind as CSV.

Imported by the Snakefile at every start, so that pandas and Altair are imported only where a figure is drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps, replacing
from heirloom.config import Config
from heirloom.report import attribution, density, grids, marks, onset, scatter, tables
from heirloom.report.kinds import GRID_KINDS, KINDS, OF_ROWS, grid_kinds
from heirloom.specs.experiment import Experiment
from heirloom.workflow.jobs import target

if TYPE_CHECKING:
    import pandas as pd

PIXELS_PER_POINT = 2


class Figure(NamedTuple):
    """One kind of figure of one experiment, or of one grid: then ``experiment`` is the grid's name, which its variants share."""

    experiment: str
    kind: str

    def file(self, suffix: str) -> str:
        """Return the name of the figure's file with a suffix, in the folder of figures: svg, pdf, png or csv."""
        return f"{self.experiment}_{self.kind}.{suffix}"

    @property
    def caption(self) -> str:
        """What the figure shows, in one line."""
        kind = GRID_KINDS[self.kind] if self.kind in GRID_KINDS else KINDS[self.kind]
        return f"{self.experiment}: {kind.caption}"

    @property
    def shown(self) -> dict[str, Any]:
        """How ``snakemake --report`` shows the figure: arguments of its ``report`` flag, the caption's path seen from rules/."""
        return {
            "caption": f"../docs/report/{self.kind}.rst",
            "category": self.experiment,
            "labels": {"figure": self.kind.replace("_", " ")},
        }


def listed(config: Config) -> list[Figure]:
    """Return every figure that a config has: of experiments, then of grids, both in the order of the config.

    The figure of a grid over error sources stands in for those of its variants: they are many, and alike.
    """
    names = dict.fromkeys(one.variant_of for one in config.experiments.values() if one.variant_of)
    of_grids = {name: grid_kinds([*variants(name, config).values()]) for name in names}
    alone = {name: one for name, one in config.experiments.items() if "attribution" not in of_grids.get(one.variant_of or "", ())}
    own = [Figure(name, kind) for name, one in alone.items() for kind in KINDS if KINDS[kind].applies(one)]
    return own + [Figure(name, kind) for name, kinds in of_grids.items() for kind in kinds]


def variants(name: str, config: Config) -> dict[str, Experiment]:
    """Return what a figure's ``experiment`` stands for, by name in the expanded config: one experiment, or the variants of a grid."""
    return {key: one for key, one in config.experiments.items() if name in (key, one.variant_of)}


def files(config: Config, *suffixes: str) -> list[str]:
    """Return the paths of a config's figures with the given suffixes."""
    return [f"{config.results.figures}/{figure.file(suffix)}" for figure in listed(config) for suffix in suffixes]


def datasets(config: Config) -> dict[str, str]:
    """Return the artefacts that figures show themselves, and not their measures, each to the one that its job has made.

    Snapshots of a chain come with its trajectory; the rest are artefacts of their own.
    """
    made: dict[str, str] = {}
    for figure in listed(config):
        if figure.kind not in OF_ROWS:
            continue
        made |= {path: target(config, path) for path in shown(figure, config)}
    return made


def can_be_drawn(figure: Figure, config: Config) -> bool:
    """Return whether the artefacts that a figure shows are on disk; one of measures needs none."""
    return figure.kind not in OF_ROWS or all(Path(path).exists() for path in shown(figure, config))


def shown(figure: Figure, config: Config) -> dict[str, tuple[str, int]]:
    """Return the artefacts that a figure of rows shows, each with its regime and generation."""
    name, kind = figure
    experiment, module = config.experiments[name], grids if kind == "grid" else scatter
    sets = {path: place for place, path in module.datasets(name, experiment).items()}
    if kind != "scatter" or not experiment.family.has_components:
        return sets
    seed = experiment.seeds[0]
    return sets | {kinds.CHECKPOINT.path(name, regime, seed, generation): (regime, generation) for regime, generation in sets.values()}


def pages(config: Config) -> list[str]:
    """Return the pages that compare the first with the last generation, one an arm of text."""
    compared = [(name, experiment) for name, experiment in config.experiments.items() if experiment.is_text and experiment.generations > 1]
    return [config.results.diff.format(experiment=name, regime=regime) for name, experiment in compared for regime in experiment.regimes]


def write(config: Config) -> None:
    """Draw every figure of the last run, from the tidy table and from `datasets`, and list the files with captions in ``index.json``.

    The folder of figures is replaced as a whole, so that it never holds a figure that the config has no more.

    Raises
    ------
    HeirloomError
        If the tidy table is missing or has no measures of an experiment.
    """
    frame = tables.load(config.results)
    index = []
    with replacing(config.results.figures) as folder:
        folder.mkdir()
        for figure in listed(config):
            numbers = _numbers(figure, frame, config)
            numbers.to_csv(folder / figure.file("csv"), index=False, lineterminator="\n", float_format="%.8g")
            _save(_chart(figure, numbers, config), figure, folder)
            index += [{"file": figure.file(suffix), "caption": figure.caption} for suffix in ("csv", "pdf", "png", "svg")]
        (folder / Path(config.results.figure_index).name).write_text(dumps(sorted(index, key=_by_file)), encoding="utf-8")


def chart(figure: Figure, frame: pd.DataFrame, config: Config) -> Any:
    """Return a figure as an Altair chart, drawn from the tidy table."""
    return _chart(figure, _numbers(figure, frame, config), config)


def _numbers(figure: Figure, frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    shown = _unmarked(figure, frame, config)
    if figure.kind not in marks.CURVES:
        return shown
    experiment = config.experiments[figure.experiment]
    own = tables.of_experiment(frame, figure.experiment, experiment)
    return marks.marked(shown, figure.kind, onset.load(own, experiment, config))


def _unmarked(figure: Figure, frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    import pandas as pd

    from heirloom.report import numbers
    from heirloom.report import variants as over

    name, kind = figure
    if kind == "attribution":
        return attribution.table(frame[frame["experiment"] == name], config)
    own = pd.concat([tables.of_experiment(frame, key, one) for key, one in variants(name, config).items()])
    if kind in GRID_KINDS:
        of_grids = {"error_by_rows": over.first_errors, "error_by_generation": over.errors, "distances": over.distances}
        return of_grids[kind](own, variants(name, config), config)
    experiment = config.experiments[name]
    if kind in OF_ROWS:
        return {"grid": grids.pictures, "scatter": scatter.points, "density": density.densities}[kind](name, experiment)
    if kind == "variance":
        return numbers.variance(own, experiment.regimes, experiment, config)
    if kind == "beside_theory":
        return numbers.beside_theory(own, experiment.family.headlines, experiment, config)
    of_arms = {
        "test_perplexity": numbers.test_perplexity,
        "synthetic_perplexity": numbers.synthetic_perplexity,
        "tail_survival": numbers.tail_survival,
        "diversity": numbers.diversity,
        "ancestry": numbers.ancestry,
        "latent": numbers.latent,
        "distance": numbers.distance,
    }
    return of_arms[kind](own, experiment.regimes)


def _chart(figure: Figure, numbers: pd.DataFrame, config: Config) -> Any:
    from heirloom.report import charts, vector_charts

    if figure.kind == "attribution":
        return charts.attribution(numbers, figure.experiment).properties(description=figure.caption)
    drawn = {
        "test_perplexity": charts.test_perplexity,
        "synthetic_perplexity": charts.synthetic_perplexity,
        "tail_survival": charts.tail_survival,
        "diversity": charts.diversity,
        "ancestry": charts.ancestry,
        "latent": charts.latent,
        "grid": charts.grid,
        "variance": vector_charts.variance,
        "beside_theory": vector_charts.beside_theory,
        "scatter": vector_charts.scatter,
        "density": vector_charts.density,
        "distance": vector_charts.distance,
        "error_by_rows": vector_charts.error_by_rows,
        "error_by_generation": vector_charts.error_by_generation,
        "distances": vector_charts.distances,
    }
    looks = charts.looks(config.regimes)
    regimes = dict.fromkeys(regime for one in variants(figure.experiment, config).values() for regime in one.regimes)
    arms = {regime: looks[regime] for regime in regimes}
    return drawn[figure.kind](numbers, arms, figure.experiment).properties(description=figure.caption)


def _save(chart: Any, figure: Figure, folder: Path) -> None:
    import altair as alt
    import vl_convert

    svg, png, pdf = (folder / figure.file(suffix) for suffix in ("svg", "png", "pdf"))
    with alt.data_transformers.enable("default", max_rows=None):
        chart.save(svg)
    drawn = svg.read_text(encoding="utf-8")
    png.write_bytes(vl_convert.svg_to_png(drawn, scale=PIXELS_PER_POINT))
    pdf.write_bytes(vl_convert.svg_to_pdf(drawn))  # the writer orders its objects by chance: git ignores PDFs


def _by_file(entry: dict[str, str]) -> str:
    return entry["file"]
