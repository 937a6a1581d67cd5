"""What a run found, in one sentence: how far the model went on its own output, and which part of that each regime prevents.

`headline` takes the tidy table and the config. The sentence is made from the numbers: with other numbers it says something else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from heirloom import controls
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.measures import stages
from heirloom.report import by_arm, measure_words, plain_words, tables
from heirloom.report.claims.quantities import Run, Value, leaf_value
from heirloom.report.claims.quantity_intervals import quantity_interval
from heirloom.report.claims.specs import Difference, Measurement, Quantity, Ratio, When, leaves
from heirloom.report.generations import shared_generations
from heirloom.report.intervals import Interval
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

MOST_REMEDIES = 3
"""Regimes beside the first of which the sentence speaks."""
NEGLIGIBLE = 0.02
"""Part of the control's number below which a gap without an interval is none."""


class Headline(NamedTuple):
    """The sentence, and what it is about.

    Attributes
    ----------
    sentence
        One sentence, with the number of seeds and an interval where there is one.
    basis
        One line that says of which experiment, measure and generation the numbers are, and what the interval is based on.
    experiment, metric, regime
        Names of the experiment in the expanded config, of the metric, and of the arm that the sentence begins with; empty where
        nothing was measured that collapse can be seen in.
    """

    sentence: str
    basis: str
    experiment: str
    metric: str
    regime: str


class _Subject(NamedTuple):
    """The experiment, measure and arm of the sentence; ``control`` is None where none is run."""

    key: str
    run: Run
    measure: str
    regime: str
    control: str | None

    @property
    def experiment(self) -> Experiment:
        """Its declaration in the config."""
        return self.run.experiment

    @property
    def metric(self) -> str:
        """The metric that the table has of the measure."""
        names = self._measurement(self.regime, "last").metrics
        return next(name for name in names if (name, self.regime) in self.run.tables)

    def _measurement(self, regime: str, at: When) -> Measurement:
        return Measurement(measure=self.measure, arm=regime, at=at, over="median")

    def interval(self, quantity: Quantity) -> Interval | None:
        """Return a quantity of this experiment with its interval; None where a part of it was not measured."""
        arms = {name: name for name in (*self.experiment.regimes, kinds.ORIGIN)}
        value_of: dict[str, Value] = {}
        for leaf in leaves(quantity):
            value = leaf_value(leaf, self.key, arms, {self.key: self.run})
            if value is None:
                return None
            value_of[str(leaf)] = value
        return quantity_interval(quantity, value_of, is_expectation=False)

    def number(self, regime: str, at: When = "last") -> Interval | None:
        """Return the measure of an arm with its interval."""
        return self.interval(self._measurement(regime, at))

    def gap(self, regime: str) -> Difference:
        """Return how far an arm lies from its control; where none is run, from this subject's, else from generation 0."""
        own_control = controls.control_of(regime, self.experiment, self.run.config) or self.control
        zero = self._measurement(own_control, "last") if own_control else self._measurement(kinds.ORIGIN, "origin")
        return Difference(difference=(self._measurement(regime, "last"), zero))


def headline(frame: pd.DataFrame, config: Config) -> Headline:
    """Return in one sentence what a run found: of a language model if there is one, else of the first experiment.

    Parameters
    ----------
    frame
        The tidy table (`tables.load`).
    """
    for key in leading_experiments(config):
        subject = _subject(key, frame, config)
        if subject is not None:
            return Headline(_sentence(subject), _basis(subject), key, subject.metric, subject.regime)
    return Headline("This run has no measure in which collapse can be seen.", "", "", "", "")


def leading_experiments(config: Config) -> list[str]:
    """Return the names of the experiments: language models first, then other text, images and the rest, each in the config's order."""

    def rank(key: str) -> tuple[bool, bool, bool]:
        family = config.experiments[key].family
        return (not family.is_text, not family.learns_in_steps, not family.is_images)

    return sorted(config.experiments, key=rank)


def _subject(key: str, frame: pd.DataFrame, config: Config) -> _Subject | None:
    """Return what the sentence is about in an experiment; None where no arm inherits or no such measure is there."""
    experiment = config.experiments[key]
    rows = tables.of_experiment(frame, key, experiment)
    heirs = [name for name in experiment.regimes if not config.regimes[name].is_control]
    generations = shared_generations(rows, experiment)
    if not heirs or not generations:
        return None
    inbred = [name for name in heirs if not config.regimes[name].has_real_rows and config.regimes[name].synthetic == "latest"]
    regime = (inbred or heirs)[0]
    run = Run(experiment, config, by_arm.tables(rows), generations[-1])
    measure = _measure(run, regime)
    return None if measure is None else _Subject(key, run, measure, regime, controls.control_of(regime, experiment, config))


def _measure(run: Run, regime: str) -> str | None:
    """Return the first of `tables.HEADLINES` whose direction of loss is known and that the arm and the origin have."""
    names = dict.fromkeys(name.removesuffix(".mean").removesuffix(".median") for name in tables.HEADLINES)
    for measure in names:
        metrics = (measure, f"{measure}.median")
        has_both = any({(metric, regime), (metric, kinds.ORIGIN)} <= run.tables.keys() for metric in metrics)
        if measure in stages.LATE and has_both:
            return measure
    return None


def _sentence(subject: _Subject) -> str:
    first, last = subject.number(kinds.ORIGIN, "origin"), subject.number(subject.regime)
    beginning = f"After {plain_words.count(subject.run.last, 'generation')} {_diet(subject)}, {_measure_words(subject)}"
    if first is None or last is None or not (math.isfinite(first.centre) and math.isfinite(last.centre)):
        return f"{beginning} is no number: it diverged or is missing."
    control = subject.number(subject.control) if subject.control else None
    real_rows = "real text" if subject.experiment.is_text else "real data"
    beside = "" if control is None else f"control on {real_rows} alone: {plain_words.amount(control.centre)}; "
    movement = f"{beginning} {plain_words.movement(first.centre, last.centre)} ({beside}{_certainty(subject, last)})"
    gap = subject.interval(subject.gap(subject.regime))
    if gap is None or not _is_loss(gap, subject, control or first):
        return f"{movement}: {_no_collapse(gap, control or first, subject)}."
    remedies = _remedies(subject)
    return f"{movement}; {', '.join(remedies)}." if remedies else f"{movement}."


def _diet(subject: _Subject) -> str:
    """Return in words what the arm is trained on."""
    regime = subject.run.config.regimes[subject.regime]
    material = "text" if subject.experiment.is_text else "samples"
    if not regime.has_real_rows and regime.synthetic == "latest":
        return f"on its own {material}"
    return f"under {subject.regime!r}"


def _measure_words(subject: _Subject) -> str:
    words = f"the model's {measure_words.of_metric(subject.measure).words}"
    is_median = subject.metric.endswith(".median") and subject.experiment.num_replicas > 1
    return f"{words} (median of {subject.experiment.num_replicas:,} chains)" if is_median else words


def _certainty(subject: _Subject, last: Interval) -> str:
    """Return the number of seeds and the interval of the last number."""
    seeds = _seeds(subject)
    if not (math.isfinite(last.low) and math.isfinite(last.high)):
        return f"{seeds}, no interval"
    return f"{seeds}, 95 % interval {plain_words.amount(last.low)} to {plain_words.amount(last.high)}"


def _seeds(subject: _Subject) -> str:
    num_seeds = len(subject.experiment.seeds)
    return "one run" if num_seeds == 1 else f"{num_seeds} seeds"


def _is_loss(gap: Interval, subject: _Subject, zero: Interval) -> bool:
    """Return whether a gap is a loss beyond chance; without an interval, beyond a small part of the number that it is a gap to."""
    sign = stages.LATE[subject.measure]
    if math.isfinite(gap.low) and math.isfinite(gap.high):
        return min(sign * gap.low, sign * gap.high) > 0
    return sign * gap.centre > NEGLIGIBLE * abs(zero.centre)


def _no_collapse(gap: Interval | None, zero: Interval, subject: _Subject) -> str:
    """Return that no loss was seen; or, where the interval of the gap is wider than the number that it is a gap to, that none could be."""
    place = "the control" if subject.control else "generation 0"
    if gap is None or not math.isfinite(gap.low):
        return f"this run shows no collapse against {place}"
    ends = f"{plain_words.amount(gap.low)} to {plain_words.amount(gap.high)}"
    basis = f"(difference to {place}: 95 % interval {ends})"
    if gap.high - gap.low > abs(zero.centre):
        return f"{_seeds(subject)} cannot tell whether it collapses {basis}"
    return f"this run shows no collapse {basis}"


def _remedies(subject: _Subject) -> list[str]:
    """Return for some other arms which part of the first arm's gap they close."""
    config, phrases = subject.run.config, list[str]()
    shares = {regime: _closed_part(subject, regime) for regime in subject.experiment.regimes}
    for regime, part in shares.items():
        if regime != subject.regime and part is not None and not config.regimes[regime].is_control:
            gap = "it" if phrases else f"the {'gap' if subject.control else 'change'}"
            effect = plain_words.part_closed(part.centre, part.low, part.high, gap)
            phrases.append(f"{plain_words.remedy(regime, config.regimes[regime])} {effect}")
    return phrases[:MOST_REMEDIES]


def _closed_part(subject: _Subject, regime: str) -> Interval | None:
    """Return 1 minus the ratio of an arm's gap to the first arm's; None where it was not measured or is no number."""
    left = subject.interval(Ratio(ratio=(subject.gap(regime), subject.gap(subject.regime))))
    if left is None or not math.isfinite(left.centre):
        return None
    return left._replace(centre=1 - left.centre, low=1 - left.high, high=1 - left.low)


BASES: Mapping[str, str] = {
    "t": "interval over seeds (Student)",
    "replicas": "interval over the chains of one seed",
    "control": "interval from the scatter of the control's generations; it does not cover what another seed would change",
    "none": "no interval: one seed, and too few generations of a control",
}


def _basis(subject: _Subject) -> str:
    last = subject.number(subject.regime)
    interval_words = BASES["none" if last is None else last.kind]
    zero = _zero_words(subject) if subject.control else "The change is from generation 0, since no control is run"
    return f"{subject.key}, {subject.metric}, generation {subject.run.last}. {zero}; {interval_words}."


def _zero_words(subject: _Subject) -> str:
    """Return what the gaps are to, and which arms are compared with a control of another size."""
    experiment, config = subject.experiment, subject.run.config
    heirs = [regime for regime in experiment.regimes if not config.regimes[regime].is_control]
    uncontrolled = [regime for regime in heirs if controls.control_of(regime, experiment, config) is None]
    exception = f", of {' and '.join(uncontrolled)} to {subject.control}, for want of one" if uncontrolled else ""
    return f"The gap is to a control of as many real rows{exception}"
