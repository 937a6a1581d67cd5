"""Evaluate: measure a generation's model and its synthetic set against real data and the origin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from heirloom import mixing
from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.kinds import Key
from heirloom.data import ancestry, pairs, tokenization
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import family
from heirloom.families.base import Measuring, Sets
from heirloom.measures import replicas
from heirloom.runtime.streams import Stream
from heirloom.sources import input_files
from heirloom.specs.groups import Groups
from heirloom.specs.measures import PlannedMeasure
from heirloom.specs.text import TextSettings
from heirloom.steps import group_measures, own_measures, share_estimate, slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from heirloom.config import Config

Decode = Callable[[Sequence[Sequence[int]]], list[str]]


class Slice(slices.GenerationSlice):
    """What a generation's measures depend on: how many rows are measured, and of vectors the true law."""

    name = "evaluate"

    family: str
    rows: int
    num_replicas: int
    chunk_rows: int = 1
    evaluation_rows: int | None = None
    vocab_size: int | None = None
    divergence_rows: int = 0
    completion_tokens: int = 0
    prompt_share: float = 1.0
    truth: slices.Settings | None = None
    files: slices.Files | None = None
    measurement: slices.Settings | None = None
    measures: dict[str, PlannedMeasure] = Field({})
    groups: Groups | None = None
    share_estimate: bool = False


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's measures."""
    from heirloom import planned_files, sources  # which a job has no need of, nor of the readers of all sources
    from heirloom.steps import real

    experiment = config.experiments[key.experiment]
    measure_fields: dict[str, Any] = {"rows": experiment.rows, "num_replicas": experiment.num_replicas}
    if experiment.text:
        measure_fields |= {"evaluation_rows": experiment.evaluation_rows, "vocab_size": experiment.text.vocab_size or 0}
        measure_fields |= {"divergence_rows": experiment.divergence_rows} if experiment.divergence_rows else {}
        measure_fields |= _of_rows(experiment.text)
    else:
        measure_fields |= {"truth": sources.module(experiment.source.name).law(experiment.source)}
        pool = Key(key.experiment, seed=experiment.pool_of(key.seed or 0) or None)
        measure_fields |= planned_files.of_measures(real.settings_of(config, pool).json_fields(), kinds.REAL_TRAIN.at(pool), experiment)
    if experiment.family.measurement is not None:
        measure_fields |= {"measurement": slices.non_default_settings(experiment.family.measurement)}
    if experiment.measures:
        measure_fields |= {"measures": {name: own_measures.planned(name, measure) for name, measure in experiment.measures.items()}}
    if experiment.groups is not None:
        measure_fields |= {"groups": experiment.groups}
    if experiment.share_estimate:
        measure_fields |= {"share_estimate": True}
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.evaluate:run", *slices.family_code(experiment, ("evaluate", "load"))),
        **slices.place(config, key),
        **slices.chunks(experiment),
        **slices.device(experiment),
        **slices.package(experiment),
        family=experiment.family.name,
        **measure_fields,
    )


def _of_rows(text: TextSettings) -> slices.Settings:
    """Return the fields that rows have which are no blocks continued by as many tokens."""
    if text.pairs is not None:
        return {"completion_tokens": text.pairs.max_completion_tokens}
    share = (text.prompt_tokens or text.row_tokens) / text.written_tokens
    return {"prompt_share": share} if share != 1.0 else {}


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write the measures of one generation.

    Parameters
    ----------
    inputs
        ``checkpoint``, ``train`` and ``synthetic``: the generation's model, the rows it was trained on, and its synthetic set, empty at
        generation 0, where real rows stand in. ``held_out`` and ``original``: held-out real rows and the origin's training set. ``origin``:
        generation 0's checkpoint. ``tokenizer``: of pairs, whose answers are read as text; else empty. ``documents``: the index of
        documents, where these have groups; else empty.
    outputs
        ``metrics``: the JSON file to write, {measure: number}.
    """
    module = family(step.family)
    synthetic = Dataset.open(inputs["synthetic"]) if inputs.get("synthetic") else None
    sets = gather(step, Dataset.open(inputs["original"]), synthetic, Dataset.open(inputs["held_out"]))
    model = module.load(Path(inputs["checkpoint"]))
    origin = module.load(Path(inputs["origin"]))
    with input_files.reading(input_files.planned_files(step.files or ()), step.files) as files:
        train, decoder = Dataset.open(inputs["train"]), _decoder(inputs.get("tokenizer"))
        measures = descend(step, train) | measure(step, model, sets, origin, step.generation, decoder)
        measures |= of_training_set(step, model, sets, origin, train, step.generation, decoder, inputs.get("documents"))
    write_text(outputs["metrics"], dumps(replicas.split_units(measures)[0]))
    finish(step, inputs, [outputs["metrics"]], files)


def _decoder(file: str | None) -> Decode | None:
    """Return what makes text of tokens, where a tokenizer is given."""
    if not file:
        return None
    tokenizer = tokenization.from_json(Path(file).read_text(encoding="utf-8"))
    return partial(tokenization.decode_lists, tokenizer)


def gather(step: Slice, original: Dataset, synthetic: Dataset | None, held_out: Dataset) -> Sets:
    """Return what a generation is measured on: at most ``rows`` rows, whatever was sampled, so that generations compare.

    Held-out text is cut to ``evaluation_rows``, drawn once per seed.
    """
    num_replicas = step.num_replicas
    available = synthetic or original
    rows = min(step.rows, available.num_rows // num_replicas)
    sample = mixing.mix_origin(available, rows, Stream((step.seed, "shown")), num_replicas)
    if step.evaluation_rows is not None and held_out.num_rows > step.evaluation_rows:
        held_out = mixing.mix_origin(held_out, step.evaluation_rows, Stream((step.seed, "held_out")))
    return Sets(sample, sample if synthetic else held_out, held_out, original)


def descend(step: Slice, train: Dataset) -> dict[str, float]:
    """Return the ancestry figures of a generation's training set."""
    rows = train.tally
    tokens: dict[str, float] = {}
    if step.completion_tokens:
        tokens = pairs.token_figures(train)
    elif step.vocab_size is not None and "programs" in family(step.family).Spec.abilities:
        tokens = pairs.text_token_figures(train)
    elif step.vocab_size is not None:
        tokens = ancestry.token_figures(rows, step.prompt_share)
    members = ancestry.population_figures(rows, step.seat.number, step.seat.members) if step.seat else {}
    return ancestry.figures(rows, train.count_distinct_real()) | tokens | members


def measure(step: Slice, model: Any, sets: Sets, origin: Any, generation: int, decode: Decode | None = None) -> dict[str, float]:
    """Return the measures of one generation by name, those of units of replicas (`measures.replicas`) among them."""
    stream = step.stream(generation)
    module = family(step.family)
    with naming(generation):
        measures = module.evaluate(model, sets, origin, _measuring(step, generation, decode), stream)
        users_measures = own_measures.measure(step.measures, module, model, sets, stream)
    repeated = sorted(measures.keys() & users_measures.keys())
    if repeated:
        raise HeirloomError(f"measures: {', '.join(repeated)} is what Heirloom measures itself; give other names")
    return measures | users_measures


def of_training_set(
    step: Slice,
    model: Any,
    sets: Sets,
    origin: Any,
    train: Dataset,
    generation: int,
    decode: Decode | None = None,
    documents: str | None = None,
) -> dict[str, float]:
    """Return the measures that look at the training set, too, where they are asked for: of groups, and the estimate of its share.

    Parameters
    ----------
    documents
        The index of documents, where these have groups.
    """
    estimate = share_estimate.measure(sets, train) if step.share_estimate and generation else {}
    if step.groups is None:
        return estimate
    stream = step.stream(generation).child("groups")
    by_row = partial(group_measures.grouping, step.groups, sets.original, step.truth)
    parts = group_measures.of_documents(documents, sets) if documents else by_row()
    describe = partial(_described, step, model, origin, generation, decode, stream)
    with naming(generation):
        return estimate | group_measures.measure(parts, sets, train, describe)


def _described(
    step: Slice, model: Any, origin: Any, generation: int, decode: Decode | None, stream: Stream, sets: Sets
) -> dict[str, float]:
    """Return the family's measures of some sets."""
    return family(step.family).evaluate(model, sets, origin, _measuring(step, generation, decode), stream)


def _measuring(step: Slice, generation: int, decode: Decode | None) -> Measuring:
    return Measuring(
        step.chunk_rows,
        step.vocab_size or 0,
        step.truth,
        generation,
        step.divergence_rows,
        settings=step.measurement,
        completion_tokens=step.completion_tokens,
        decode=decode,
    )
