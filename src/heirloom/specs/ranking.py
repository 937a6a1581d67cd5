"""A ranking in config: which mitigations compete, by which measure, on equal terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from heirloom.artefacts import kinds
from heirloom.specs.base import Strict
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.specs.selection import selected_rows
from heirloom.specs.sizes import MOST_ROWS

Reference = Annotated[str, Field(pattern=rf"^{kinds.NAME}/{kinds.NAME}$")]
"""An arm, as experiment/regime."""

TOLERANCE = 1.0
"""Real rows per generation by which arms of one ranking may differ, since shares are rounded to rows."""


class Place(NamedTuple):
    """An arm of a config."""

    experiment: str
    regime: str


class Ranking(Strict):
    """Mitigations that compete: each knob with as many settings, each arm with as many rows and real rows in a generation."""

    measure: str = Field(
        min_length=1, description="The measure at the last generation, such as test_perplexity; of replicas the median is used."
    )
    better: Literal["lower", "higher"] = Field("lower", description="Which numbers of the measure are better.")
    validation_seeds: int = Field(
        0, ge=0, le=MOST_ROWS, description="How many of the last seeds choose each knob's setting; the others alone are ranked."
    )
    baseline: Reference = Field(description="The arm without any mitigation, as experiment/regime.")
    knobs: dict[str, Annotated[list[Reference], Field(min_length=1)]] = Field(
        min_length=1, description="Each mitigation with its settings: arms, as experiment/regime."
    )
    beside: dict[str, Reference] = Field(
        {}, description="Arms that stand beside the ranking and not in it: other real shares, or other numbers of rows."
    )

    @property
    def places(self) -> Iterator[tuple[str, Place]]:
        """The arms that compete, each with its place in the config, the baseline first."""
        yield "baseline", place(self.baseline)
        for knob, settings in self.knobs.items():
            yield from ((f"knobs.{knob}", place(setting)) for setting in settings)


def place(reference: str) -> Place:
    """Return the experiment and the regime that a reference names."""
    experiment, _, regime = reference.partition("/")
    return Place(experiment, regime)


def faults(ranking: Ranking, experiments: Mapping[str, Experiment], regimes: Mapping[str, Regime]) -> Iterator[str]:
    """Yield why the arms of a ranking cannot be compared on equal terms, one line each."""
    unknown = list(_unknown_arms(ranking, experiments))
    if unknown:
        yield from unknown
        return
    counts = {knob: len(settings) for knob, settings in ranking.knobs.items()}
    if len(set(counts.values())) > 1:
        yield f"knobs: each knob needs as many settings as the others, so that none is tuned more; given are {counts}"
    if max(counts.values()) > 1 and not ranking.validation_seeds:
        yield "validation_seeds is 0, but knobs have several settings: say how many of the last seeds choose among them"
    base = place(ranking.baseline)
    baseline, base_regime = experiments[base.experiment], regimes[base.regime]
    if len(baseline.seeds) < ranking.validation_seeds + 2:
        needed = ranking.validation_seeds + 2
        yield f"validation_seeds is {ranking.validation_seeds}; experiments.{base.experiment}.seeds has to list {needed} or more"
    for key, (name, regime) in ranking.places:
        experiment = experiments[name]
        if _shape(experiment) != _shape(baseline):
            yield f"{key}: {name} has other seeds, rows, generations or replicas than {base.experiment}"
        elif regime in regimes and base.regime in regimes:
            yield from (f"{key}: {name}/{regime} {fault}" for fault in _unequal_terms(regimes[regime], base_regime, baseline))


def seen_real_rows(regime: Regime, rows: int, generation: int) -> float:
    """Return how many real rows a generation is trained on, from the experiment's ``rows`` per replica; of rows drawn evenly on average."""
    budget = regime.budget_rows(rows, generation)
    real_rows = float(sum(regime.at(generation).real_rows(budget).values()))
    if regime.budget != "drawn":
        return real_rows
    if regime.synthetic == "all":
        real_rows += sum(regime.fresh_rows(rows, generation - 1))
    num_sets = {"latest": 1, "all": generation, "none": 0}[regime.synthetic]
    synthetic_rows = num_sets * selected_rows(regime.judges, regime.sampled_rows(rows, generation))
    return budget * real_rows / (real_rows + synthetic_rows)


def _unknown_arms(ranking: Ranking, experiments: Mapping[str, Experiment]) -> Iterator[str]:
    beside = [(f"beside.{name}", place(reference)) for name, reference in ranking.beside.items()]
    for key, (name, regime) in [*ranking.places, *beside]:
        if name not in experiments:
            yield f"{key}: there is no experiment {name!r} (variants of a grid are called experiment__label)"
        elif regime not in experiments[name].regimes:
            yield f"{key}: experiment {name!r} has no regime {regime!r}; it has {', '.join(experiments[name].regimes)}"


def _shape(experiment: Experiment) -> tuple[object, ...]:
    return experiment.seeds, experiment.rows, experiment.generations, experiment.num_replicas, experiment.original_rows


def _unequal_terms(regime: Regime, base: Regime, experiment: Experiment) -> Iterator[str]:
    """Yield in what an arm and the baseline are not given the same."""
    rows, generations = experiment.rows, range(1, experiment.generations + 1)
    for generation in generations:
        trained, needed = regime.trained_rows(rows, generation), base.trained_rows(rows, generation)
        if trained != needed:
            yield f"is trained on {trained} rows at generation {generation}, the baseline on {needed}; put it under beside"
            return
    for generation in generations:
        seen, needed_real = seen_real_rows(regime, rows, generation), seen_real_rows(base, rows, generation)
        if abs(seen - needed_real) > TOLERANCE:
            yield f"sees {seen:g} real rows at generation {generation}, the baseline {needed_real:g}; put it under beside"
            return
