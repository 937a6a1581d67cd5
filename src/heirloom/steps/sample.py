"""Sample: let a generation's parent write the synthetic set, and note who wrote each row."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom import mixing
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.kinds import Key
from heirloom.data import tokenization
from heirloom.data.ancestry import Writer
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset, write_batches
from heirloom.data.rows import cell_table, text_table, vector_table
from heirloom.families import family
from heirloom.families.abilities import Editor
from heirloom.families.base import Family
from heirloom.runtime import meter, processes
from heirloom.runtime.streams import Stream
from heirloom.specs.regime import Edit
from heirloom.specs.row_sizes import Draws
from heirloom.steps import resume, sample_pairs, sample_programs, slices
from heirloom.steps.common import Paths, finish, naming

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from heirloom.config import Config
    from heirloom.families.lm.served.completion import Served
    from heirloom.specs.experiment import Experiment


class Slice(slices.GenerationSlice):
    """What a synthetic set depends on: decoding, rows and their layout in chunks, and what the regime says of them."""

    name = "sample"

    family: str
    rows: int
    sampling: slices.Settings
    sizes: slices.NonDefault[Draws] = Draws()
    edit: slices.NonDefault[Edit] | None = None
    row_tokens: int = 0
    prompt_tokens: int = 0
    new_tokens: int = 0
    completion_tokens: int = 0
    chunk_rows: int = 1


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of a generation's synthetic set."""
    experiment, regime = config.experiments[key.experiment], config.regimes[key.regime]
    sizes = regime.sizes if experiment.is_chain else regime.sizes.at(key.generation or 1)
    sections = {"sizes": sizes, "edit": regime.edit}
    fields: dict[str, Any] = {name: section for name, section in sections.items() if section and slices.non_default_settings(section)}
    fields |= _row_fields(experiment)
    sampling = experiment.family.sampling_of(experiment.source)
    has_completer = experiment.text is not None and experiment.text.pairs is not None and "programs" not in experiment.family.abilities
    write = "complete" if has_completer else "sample"
    edit = "edit_completions" if has_completer else "edit"
    functions = (write, "load", edit) if regime.edit else (write, "load")
    return Slice(
        **slices.common(config, Slice, "heirloom.steps.sample:run", *slices.family_code(experiment, functions)),
        **slices.place(config, key),
        **slices.chunks(experiment),
        **slices.device(experiment),
        **slices.package(experiment),
        family=experiment.family.name,
        rows=experiment.rows,
        sampling=slices.non_default_settings(sampling if experiment.is_chain else sampling.at(key.generation or 1)),
        **fields,
    )


def _row_fields(experiment: Experiment) -> slices.Settings:
    """Return the fields of how long prompts and new rows of text are, where it is not each original row and as many tokens again."""
    text = experiment.text
    if text is None:
        return {}
    if text.pairs is not None:
        return {"completion_tokens": text.pairs.max_completion_tokens}
    if not experiment.continues_rows:
        return {"row_tokens": text.written_tokens}
    lengths = {"prompt_tokens": text.prompt_tokens, "new_tokens": text.new_tokens or (text.prompt_tokens and text.row_tokens)}
    return {name: tokens for name, tokens in lengths.items() if tokens}


@dataclass(frozen=True)
class Text:
    """What writing a text family's rows takes beside the slice.

    Parameters
    ----------
    model, judge
        The parent, and the model that says which tokens are too easy where rows are edited.
    prompts
        The real rows that are continued or edited, if any.
    served
        A server that completes prompts in the model's place, if there is one.
    """

    model: Any
    judge: Any
    prompts: Dataset | None
    served: Served | None = None


def run(step: Slice, inputs: Paths, outputs: Paths, shard: tuple[int, int] | None = None) -> None:
    """Write the synthetic set that the parent's model makes.

    Chunks of text are kept as they are made: a job after a kill goes on from them, and a job after those of the shards finds all.

    Parameters
    ----------
    inputs
        ``checkpoint`` and ``train``: the parent's model, and the rows it was trained on, which say how deep its own rows are. For text
        ``tokenizer``, ``prompts`` (real rows to continue or to edit) and ``judge`` (the checkpoint that says which tokens are too easy
        where rows are edited); empty where the step has none.
    outputs
        ``synthetic``: the file to write.
    shard
        (i, n): make the i-th of n shares of the chunks only, and leave them for the job that writes the file. Text only.
    """
    load, synthetic = family(step.family).load, outputs["synthetic"]
    model = load(Path(inputs["checkpoint"]))
    train = Dataset.open(inputs["train"])
    writer = train.tally.writer(recorded_sha256(inputs["checkpoint"]), step.member)
    if not inputs["tokenizer"]:
        tables = vectors(step, model, writer, step.generation)
        write_batches(synthetic, (batch for table in tables for batch in table.to_batches()))
        finish(step, inputs, [synthetic])
        return
    prompt_rows = None
    if inputs["prompts"]:
        num_prompts = step.sizes.candidate_rows(step.rows, step.generation)
        prompt_rows = choose_prompts(Dataset.open(inputs["prompts"]), num_prompts, step.seed, step.sizes.candidates)
    decoder = tokenization.from_json(Path(inputs["tokenizer"]).read_text(encoding="utf-8"))
    if "programs" in family(step.family).Spec.abilities:
        write_batches(synthetic, _by_program(step, model, prompt_rows, decoder, writer))
        finish(step, inputs, [synthetic])
        return
    judge = load(Path(inputs["judge"])) if inputs["judge"] else None
    stream = step.stream(step.generation)
    with sample_pairs.served(step, inputs, model, prompt_rows, decoder, stream) as served:
        _run_text(step, inputs, synthetic, Text(model, judge, prompt_rows, served), writer, decoder, shard)


def _run_text(
    step: Slice, inputs: Paths, synthetic: str, text: Text, writer: Writer, decoder: Tokenizer, shard: tuple[int, int] | None
) -> None:
    """Write the synthetic set of a text family, or make a shard's share of it."""
    prompt_rows = text.prompts
    if shard is not None:
        _make_share(step, text, resume.folder(step, inputs, synthetic), *shard)
        return
    with resume.state(step, inputs, synthetic) as state:
        _make_share(step, text, state, 0, 1)
        processes.wait_for_all()
        if processes.rank() == 0:
            chunks = _chunks(step, text, state, _share(step, 0, 1))
            if step.completion_tokens and prompt_rows is not None:
                rows = sample_pairs.texts(chunks, prompt_rows, step.chunk_rows, decoder, step.generation, writer)
            else:
                rows = _texts(step, chunks, writer, prompt_rows, decoder)
            write_batches(synthetic, rows)
            entries: dict[str, Any] = {"endpoint": text.served.record} if text.served else {}
            finish(step, inputs, [synthetic], **entries)


def _make_share(step: Slice, text: Text, state: Path, shard: int, shards: int) -> None:
    """Make the chunks of this process's part of a shard, and leave them in the state."""
    number, parts = shard * processes.count() + processes.rank(), shards * processes.count()
    deque(_chunks(step, text, state, _share(step, number, parts)), maxlen=0)


def _by_program(step: Slice, model: Any, prompts: Dataset | None, tokenizer: Tokenizer, writer: Writer) -> Iterator[pa.RecordBatch]:
    """Yield text that a program of the user's has written."""
    module, count = family(step.family), num_rows(step, step.generation)
    settings = module.Sampling.model_validate(step.sampling)
    stream = step.stream(step.generation)
    with naming(step.generation):
        yield from sample_programs.rows(
            module, model, prompts, step.prompt_tokens, count, settings, stream, tokenizer, step.generation, writer
        )


def vectors(step: Slice, model: Any, writer: Writer, generation: int) -> Iterator[pa.Table]:
    """Yield a family's synthetic rows of vectors, images or tables."""
    module = family(step.family)
    settings = module.Sampling.model_validate(step.sampling).at(generation)
    stream = step.stream(generation)
    first_row = 0
    with naming(generation):
        for x_RNW in _new_vectors(step, module, model, settings, stream, generation):
            if isinstance(x_RNW, pa.Table):
                yield cell_table(x_RNW, first_row=first_row, born=generation, writer=writer)
                first_row += len(x_RNW)
                continue
            yield vector_table(x_RNW, first_row=first_row, born=generation, writer=writer)
            first_row += x_RNW.shape[1]


def _new_vectors(step: Slice, module: Family, model: Any, settings: Any, stream: Stream, generation: int) -> Iterator[NDArray[np.float64]]:
    """Yield the numbers of new rows, shape (R, N, W); a family that labels rows anew does so once for each set of candidates."""
    if step.sizes.candidates == 1 or not module.Spec.relabels:
        return module.sample(model, None, num_rows(step, generation), settings, stream)
    sets: list[NDArray[np.float64]] = []
    for number in range(step.sizes.candidates):
        sets += module.sample(model, None, step.sizes.candidate_rows(step.rows, generation), settings, stream.child("candidate", number))
    return iter([np.concatenate(sets, axis=1)])


def choose_prompts(original: Dataset, num_rows: int, seed: int, candidates: int = 1) -> Dataset:
    """Return the real rows that are continued: the same ones in every generation and regime, so that texts compare side by side.

    Parameters
    ----------
    num_rows
        Different rows.
    candidates
        How often all of them are continued, one time after the other.
    """
    prompts = mixing.mix_origin(original, num_rows, Stream((seed, "prompts")))
    return joined([prompts] * candidates)


def num_rows(step: Slice, generation: int) -> int:
    """Return how many rows per replica a generation's synthetic set has."""
    return step.sizes.sampled_rows(step.rows, generation)


def _share(step: Slice, shard: int, shards: int) -> range:
    """Return the numbers of a shard's chunks: the shards' follow one another, and differ by one at most in length."""
    chunks = -(-num_rows(step, step.generation) // step.chunk_rows)
    return range(shard * chunks // shards, (shard + 1) * chunks // shards)


def _chunks(step: Slice, text: Text, state: Path, numbers: range) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of new rows: those that a job before this one has left, then those that are still to be made."""
    return resume.chunks(state, numbers, partial(_reported_chunks, step, text))


def _reported_chunks(step: Slice, text: Text, numbers: range) -> Iterator[NDArray[np.int32]]:
    """Yield chunks as `_new_chunks` does, and show how far it is."""
    width = step.completion_tokens or step.new_tokens or step.row_tokens
    if not width and text.prompts is not None:
        width = text.prompts.head("tokens", 1).shape[1]
    with meter.progress("sampling", len(numbers) * step.chunk_rows * width) as report:
        for tokens_BT in _new_chunks(step, text, numbers):
            report(int((tokens_BT >= 0).sum()))
            yield tokens_BT


def _new_chunks(step: Slice, text: Text, numbers: range) -> Iterator[NDArray[np.int32]]:
    """Yield the tokens of new rows, chunk by full chunk: real rows continued or edited, or rows that begin from nothing."""
    module = family(step.family)
    settings = module.Sampling.model_validate(step.sampling | ({"new_tokens": step.new_tokens} if step.new_tokens else {}))
    size, stream = step.chunk_rows, step.stream(step.generation)
    if step.completion_tokens and text.prompts is not None:
        return sample_pairs.new_chunks(step, module, text, numbers, settings, stream)
    stream = stream.from_row(numbers.start * size)
    if text.prompts is None:
        empty = np.full((size, step.row_tokens), tokenization.END_OF_DOCUMENT_ID, np.int32)
        return module.sample(text.model, repeat(empty, len(numbers)), len(numbers) * size, settings, stream)
    rows_BT = islice(text.prompts.chunks("tokens", size), numbers.start, numbers.stop)
    prompts_BT = (row_BT[:, : step.prompt_tokens or None] for row_BT in rows_BT)
    if step.edit is not None:
        return cast("Editor", module).edit(text.model, text.judge, prompts_BT, step.edit.above, settings, stream)
    return module.sample(text.model, prompts_BT, len(numbers) * size, settings, stream)


def _texts(
    step: Slice, chunks: Iterator[NDArray[np.int32]], writer: Writer, prompts: Dataset | None, decoder: Tokenizer
) -> Iterator[pa.RecordBatch]:
    """Yield the written rows with their text and ancestry."""
    count = num_rows(step, step.generation)
    parents: list[int] | None = None if prompts is None else prompts.table(["row"])["row"].to_pylist()
    first_row = 0
    for tokens_BT in chunks:
        rows_BT = tokens_BT[: count - first_row]  # the last chunk was filled up
        yield from text_table(
            rows_BT,
            tokenization.decode(decoder, rows_BT),
            first_row=first_row,
            born=step.generation,
            parent=parents[first_row : first_row + len(rows_BT)] if parents else None,
            writer=writer,
        ).to_batches()
        first_row += len(rows_BT)
