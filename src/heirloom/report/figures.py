"""Which figures a config has, and their files: SVG, PNG and the numbers behind as CSV.

Imported by the Snakefile at every start, so that pandas and Altair are imported only where a figure is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom import paths
from heirloom.config import Config, Experiment
from heirloom.manifest import dumps, replacing
from heirloom.report import attribution, grids, tables
from heirloom.specs.gaussian import Gaussian
from heirloom.specs.gmm import Gmm
from heirloom.specs.kde import Kde
from heirloom.specs.vae import Vae

if TYPE_CHECKING:
    import pandas as pd

FOLDER = f"{paths.RESULTS}/figures"
INDEX = f"{FOLDER}/index.json"
DIFF = f"{paths.RESULTS}/diffs/{{experiment}}_{{regime}}.html"
PIXELS_PER_POINT = 2


class Kind(NamedTuple):
    """A kind of figure: what it shows, in one line, and which experiments have it."""

    caption: str
    applies: Callable[[Experiment], bool]


def _is_text(experiment: Experiment) -> bool:
    return experiment.is_text


def _has_rows(experiment: Experiment) -> bool:
    return experiment.has_rows


def _has_variance(experiment: Experiment) -> bool:
    return isinstance(experiment.family, Gaussian | Gmm | Kde)


def _is_images(experiment: Experiment) -> bool:
    return isinstance(experiment.family, Vae)


KINDS: Mapping[str, Kind] = {
    "test_perplexity": Kind("Perplexity of each generation's model on held-out real text, by regime.", _is_text),
    "synthetic_perplexity": Kind("Histogram of each generation's text by its perplexity under generation 0, by regime.", _is_text),
    "tail_survival": Kind("Share of the real text's words that still occur in the synthetic text, by frequency and regime.", _is_text),
    "diversity": Kind("Distinct 3-grams and token entropy of each generation's text, by regime.", _is_text),
    "ancestry": Kind("Share of real rows, and models since a human, in each generation's training set, by regime.", _has_rows),
    "variance": Kind("Total variance of the fitted density by regime, against the closed form where there is one.", _has_variance),
    "latent": Kind("Spread of each generation's images under generation 0's encoder, and ELBO of real images, by regime.", _is_images),
    "grid": Kind("The first hundred images of each generation, by regime; generation 0: real images.", _is_images),
}


ATTRIBUTION = Kind("What another setting of each error source gains at the last generation, one at a time and all.", _is_text)
"""The figure of a whole grid over error sources, which stands in for those of its variants: they are many, and alike."""


class Figure(NamedTuple):
    """One kind of figure of one experiment, or of one grid over error sources."""

    experiment: str
    kind: str

    def file(self, suffix: str) -> str:
        """Return the figure's path with a suffix: svg, png or csv."""
        return f"{FOLDER}/{self.experiment}_{self.kind}.{suffix}"

    @property
    def caption(self) -> str:
        """What the figure shows, in one line."""
        return f"{self.experiment}: {KINDS.get(self.kind, ATTRIBUTION).caption}"

    @property
    def shown(self) -> dict[str, Any]:
        """How ``snakemake --report`` shows the figure: arguments of its ``report`` flag, the caption's path seen from rules/."""
        return {
            "caption": f"../docs/report/{self.kind}.rst",
            "category": self.experiment,
            "labels": {"figure": self.kind.replace("_", " ")},
        }


def listed(config: Config) -> list[Figure]:
    """Return every figure that a config has, in the order of the config; grids over error sources come last."""
    switched = attribution.grids(config)
    experiments = [(name, experiment) for name, experiment in config.experiments.items() if experiment.variant_of not in switched]
    own = [Figure(name, kind) for name, experiment in experiments for kind in KINDS if KINDS[kind].applies(experiment)]
    return own + [Figure(name, "attribution") for name in switched]


def files(config: Config, *suffixes: str) -> list[str]:
    """Return the paths of a config's figures with the given suffixes."""
    return [figure.file(suffix) for figure in listed(config) for suffix in suffixes]


def datasets(config: Config) -> list[str]:
    """Return the datasets that figures show themselves, and not their measures."""
    shown = [figure.experiment for figure in listed(config) if figure.kind == "grid"]
    return sorted({path for name in shown for path in grids.datasets(name, config.experiments[name]).values()})


def pages(config: Config) -> list[str]:
    """Return the pages that compare the first with the last generation, one an arm of text."""
    compared = [(name, experiment) for name, experiment in config.experiments.items() if experiment.is_text and experiment.generations > 1]
    return [DIFF.format(experiment=name, regime=regime) for name, experiment in compared for regime in experiment.regimes]


def write(config: Config) -> None:
    """Draw every figure of the last run, from the tidy table and from `datasets`, and list the files with captions in ``index.json``.

    The folder of figures is replaced as a whole, so that it never holds a figure of another config.

    Raises
    ------
    HeirloomError
        If the tidy table is missing or has no measures of an experiment.
    """
    frame = tables.load()
    index = []
    with replacing(FOLDER) as folder:
        folder.mkdir()
        for figure in listed(config):
            numbers = _numbers(figure, frame, config)
            numbers.to_csv(folder / Path(figure.file("csv")).name, index=False, lineterminator="\n", float_format="%.8g")
            _save(_chart(figure, numbers, config), figure, folder)
            index += [{"file": Path(figure.file(suffix)).name, "caption": figure.caption} for suffix in ("csv", "png", "svg")]
        (folder / Path(INDEX).name).write_text(dumps(sorted(index, key=_by_file)), encoding="utf-8")


def _numbers(figure: Figure, frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    from heirloom.report import numbers

    if figure.kind == "attribution":
        return attribution.table(frame[frame["experiment"] == figure.experiment], config)
    experiment = config.experiments[figure.experiment]
    own = tables.of_experiment(frame, figure.experiment, experiment)
    if figure.kind == "variance":
        return numbers.variance(own, experiment.regimes, experiment, config)
    if figure.kind == "grid":
        return grids.pictures(figure.experiment, experiment)
    of_arms = {
        "test_perplexity": numbers.test_perplexity,
        "synthetic_perplexity": numbers.synthetic_perplexity,
        "tail_survival": numbers.tail_survival,
        "diversity": numbers.diversity,
        "ancestry": numbers.ancestry,
        "latent": numbers.latent,
    }
    return of_arms[figure.kind](own, experiment.regimes)


def _chart(figure: Figure, numbers: pd.DataFrame, config: Config) -> Any:
    from heirloom.report import charts

    if figure.kind == "attribution":
        return charts.attribution(numbers, figure.experiment).properties(description=figure.caption)
    drawn = {
        "test_perplexity": charts.test_perplexity,
        "synthetic_perplexity": charts.synthetic_perplexity,
        "tail_survival": charts.tail_survival,
        "diversity": charts.diversity,
        "ancestry": charts.ancestry,
        "variance": charts.variance,
        "latent": charts.latent,
        "grid": charts.grid,
    }
    looks = charts.looks(config.regimes)
    arms = {regime: looks[regime] for regime in config.experiments[figure.experiment].regimes}
    return drawn[figure.kind](numbers, arms, figure.experiment).properties(description=figure.caption)


def _save(chart: Any, figure: Figure, folder: Path) -> None:
    import altair as alt

    with alt.data_transformers.enable("default", max_rows=None):
        chart.save(folder / Path(figure.file("svg")).name)
        chart.save(folder / Path(figure.file("png")).name, scale_factor=PIXELS_PER_POINT)


def _by_file(entry: dict[str, str]) -> str:
    return entry["file"]
