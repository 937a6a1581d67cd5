"""What the judges of an experiment's arms did, as lines: who judged, how many rows were drawn, how many were thrown away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import read_json
from heirloom.errors import HeirloomError
from heirloom.judges import notes
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime


def lines(key: str, experiment: Experiment, regimes: Mapping[str, Regime]) -> list[str]:
    """Return a line for each judge of each arm, over all seeds and generations of which manifests are here."""
    sentences = []
    for regime in experiment.regimes:
        if regimes[regime].judges:
            totals = notes.total(_selections(key, experiment, regime))
            sentences += [f"judge of {regime}: {notes.sentence(note)}" for note in totals]
    return sentences


def _selections(key: str, experiment: Experiment, regime: str) -> Iterator[list[dict[str, Any]]]:
    """Yield what the manifests of an arm's selections say of their judges."""
    for seed in experiment.seeds:
        if experiment.is_chain:
            trajectory = _manifest(kinds.TRAJECTORY.path(key, regime, seed))
            yield from (generation.get("judges", []) for generation in trajectory.get("generations", []))
            continue
        for generation in range(1, experiment.generations + 1):
            yield _manifest(kinds.SELECTED.path(key, regime, seed, generation)).get("judges", [])


def _manifest(path: str) -> Mapping[str, Any]:
    try:
        content: Mapping[str, Any] = read_json(paths.manifest(path))
    except HeirloomError:
        return {}
    return content
