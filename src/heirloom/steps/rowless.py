"""A lineage whose synthetic rows are never drawn: each generation's sufficient statistics are, from their own law.

Real rows are the very rows that the same regime has with rows drawn (`mixing.real_rows`), counted. A part of a
synthetic set needs no draw of which part, because its rows are independent. Only the union of many sets is different: what is
drawn from it is a subset without replacement (`families.abilities.Rowless.subset`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from heirloom import mixing
from heirloom.artefacts.kinds import Kind
from heirloom.data.dataset import Dataset
from heirloom.families import rowless
from heirloom.families.base import Measuring
from heirloom.specs.regime import Regime
from heirloom.steps import blend, evaluate, mix, sample
from heirloom.steps import train as training
from heirloom.steps.chain_slice import Slice
from heirloom.steps.common import Paths, naming


def generations(step: Slice, inputs: Paths) -> Iterator[tuple[dict[Kind, Any], dict[str, float]]]:
    """Yield models and measures of generations 1 … G; parameters as in `steps.chain.generations`."""
    mixing_slice, train_slice = step.part(mix.Slice), step.part(training.Slice)
    blend_slice = step.part(blend.Slice) if step.has(blend.Slice) else None
    module = rowless(train_slice.family)
    fit = module.Fit.model_validate(train_slice.fit)
    settings = module.Sampling.model_validate(step.part(sample.Slice).sampling)
    regime, rows = mixing_slice.mixing, mixing_slice.rows
    assert rows is not None
    ingredients = _ingredients(regime, inputs, mixing_slice.num_replicas)
    lineage, shuffle = step.lineage, mix.shuffle(step.seed)
    measuring = Measuring(1, truth=step.part(evaluate.Slice).truth)
    origin = model = module.load(Path(inputs["checkpoint"]))
    so_far: list[Any] = []  # synthetic sets that later generations see again, as one
    for number in range(1, step.generations + 1):
        with naming(number):
            real = mixing.real_rows(regime, ingredients, rows, number, shuffle=shuffle, lineage=lineage)
            num_real = sum(part.num_rows for part in real) // ingredients.num_replicas
            stream = lineage.child(number)
            num_synthetic = rows - num_real if regime.budget == "fixed" else rows
            newest = []
            if regime.synthetic != "none" and num_synthetic:
                newest = [module.draw(model, num_synthetic, settings.at(number), stream.child("sample"))]
            synthetic = [module.merge([*so_far, *newest])] if regime.synthetic == "all" else newest
            so_far = synthetic if regime.synthetic == "all" else []
            training_statistics = module.merge([*map(module.summarise, real), *synthetic])
            if regime.budget == "drawn":
                training_statistics = module.subset(training_statistics, rows, stream.child("mix", "drawn"))
            trained = module.fitted(training_statistics, fit)
            models = blend.models(blend_slice, trained, {"origin": origin, "previous": model}, number)
            model = [*models.values()][-1]
            measures = module.measure(model, origin, measuring)
        yield models, measures


def _ingredients(regime: Regime, inputs: Paths, num_replicas: int) -> mixing.Ingredients:
    """Return the real rows, in memory where the regime takes some of them in every generation."""
    pool = _dataset(inputs["pool"], in_memory=regime.redraws_pool)
    original = _dataset(inputs["original"], in_memory=regime.original is not None)
    return mixing.Ingredients(pool, original, (), num_replicas)


def _dataset(path: str, *, in_memory: bool) -> Dataset:
    dataset = Dataset.open(path)
    return Dataset.of(dataset.table()) if in_memory else dataset
