"""Real data: pool, held-out sets, tokenizer, and which row came from which document. The only step without an ancestor."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import TypeAdapter

from heirloom import equal_steps, planned_files, sources
from heirloom.artefacts import kinds
from heirloom.artefacts.files import write_text
from heirloom.artefacts.kinds import Key
from heirloom.data import tokenization
from heirloom.data.dataset import Dataset, write_batches
from heirloom.data.ragged import Tokens
from heirloom.data.rows import cell_table, text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families import pretrained_files, pretrained_tokenizer
from heirloom.families.pair_reader import Pair, PairReader
from heirloom.runtime.streams import Stream
from heirloom.sources import packing
from heirloom.sources.input_files import SourceFile, reading
from heirloom.sources.packing import PackedRows, Span
from heirloom.sources.splits import SPLITS
from heirloom.sources.text import Counts
from heirloom.specs.source import AnyTextSource, Source
from heirloom.specs.text import TextSettings
from heirloom.specs.vector_source import AnyVectorSource
from heirloom.steps import real_pairs, slices, spooled
from heirloom.steps.common import Paths, finish
from heirloom.steps.document_index import DocumentIndex
from heirloom.steps.real_pairs import PairRows
from heirloom.steps.spooled import Documents

if TYPE_CHECKING:
    from heirloom.config import Config

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_log = logging.getLogger(__name__)

STREAM = Stream(("real",))
"""Of real data that all seeds of an experiment share, and of the pool of seed 0; another seed's is `stream`."""


class Read(NamedTuple):
    """A tokenizer, the id that begins a document, and for pairs what makes rows of records."""

    tokenizer: Tokenizer
    start_id: int | None
    pairs: PairReader | None


class Slice(slices.Slice):
    """What an experiment's real data (pool, held-out sets, tokenizer) depend on: settings, and the files they are made from."""

    name = "real"

    source: slices.Settings
    num_replicas: int | None = None
    files: slices.Files | None = None
    seed: int = 0


def slice_of(config: Config, key: Key) -> Slice:
    """Return the slice of an experiment's real data, or of the pool that the key's seed draws for itself."""
    settings, pool = settings_of(config, key), kinds.REAL_TRAIN.at(key)
    return settings.model_copy(update=planned_files.of_real(settings.json_fields(), pool, config.experiments[key.experiment]))


def settings_of(config: Config, key: Key) -> Slice:
    """Return the slice without the files; seed 0's pool says nothing of a seed."""
    experiment = config.experiments[key.experiment]
    entry = "heirloom.steps.real:run_text" if experiment.is_text else "heirloom.steps.real:run_vectors"
    fields: slices.Settings = {} if experiment.is_text else {"num_replicas": experiment.num_replicas}
    fields |= {"seed": key.seed} if key.seed else {}
    readers = [f"{sources.SOURCES[experiment.source.name]}:*"]
    if experiment.text is not None and experiment.text.pairs is not None:
        readers.append(f"{sources.PAIRS}:*")
    return Slice(
        **slices.common(config, Slice, entry, *readers),
        source=_source_settings(experiment.source),
        **fields,
    )


def _source_settings(source: Source) -> slices.Settings:
    """Return a source's settings; what came later (pairs, withdrawals, groups) is absent unless used, and what is of sampling."""
    settings = source.model_dump(mode="json", exclude={"license": True, "text": {"prompt_tokens", "new_tokens"}})
    if settings.get("text", {}).get("pairs", "") is None:
        del settings["text"]["pairs"], settings["text"]["rows"]
    for name in ("withdrawn", "group_column"):
        if not settings.get(name):
            settings.pop(name, None)
    return settings


def run(step: Slice, inputs: Paths, outputs: Paths) -> None:
    """Write real data: of text where a tokenizer is asked for, else of vectors. Text that an equal job has read is copied from it."""
    assert not inputs
    if not outputs.get("tokenizer"):
        run_vectors(step, outputs)
        return
    fields = step.json_fields()
    with equal_steps.one_at_a_time(fields):
        if not equal_steps.copy(fields, outputs):
            run_text(step, outputs)
            equal_steps.note(fields, outputs)


def stream(seed: int) -> Stream:
    """Return the stream of the pool and the held-out rows that a seed draws."""
    return STREAM.child("seed", seed) if seed else STREAM


def run_vectors(step: Slice, outputs: Paths) -> None:
    """Draw the pool and the held-out rows: of a known law, for one seed, or of images or a table, for all.

    Parameters
    ----------
    outputs
        ``train`` and ``test``: the files to write.
    """
    assert step.num_replicas is not None
    spec: AnyVectorSource = TypeAdapter[AnyVectorSource](AnyVectorSource).validate_python(step.source)
    source, local = sources.module(spec.name), sources.source_files(spec)
    spec, fetched_files = sources.fetch(spec)
    pool_stream = stream(step.seed)
    with reading(local, step.files, fetched_files) as inputs:
        pool = _real_rows(source.draw(spec, step.num_replicas, pool_stream))
        Dataset.of(pool).write(outputs["train"])
        held_out = _real_rows(source.draw_test(spec, step.num_replicas, pool_stream))
        Dataset.of(held_out).write(outputs["test"])
    finish(step, {}, [outputs["train"], outputs["test"]], sources=inputs, counts={"files": len(inputs)})


def _real_rows(drawn: NDArray[Any] | pa.Table) -> pa.Table:
    """Return what a source has drawn as rows: arrays of vectors or images, or the cells of a table."""
    return cell_table(drawn) if isinstance(drawn, pa.Table) else vector_table(drawn)


def run_text(step: Slice, outputs: Paths) -> None:
    """Read a text source, divide it by document, fit the tokenizer on the training split alone and cut rows.

    Parameters
    ----------
    outputs
        ``train``, ``valid`` and ``test``: a Parquet file for each split. ``tokenizer`` and ``documents``: files of the tokenizer and of
        the documents (title, split, first row, number of rows, and where a column tells it the group).
    """
    spec: AnyTextSource = TypeAdapter[AnyTextSource](AnyTextSource).validate_python(step.source)
    local = _local_files(spec)
    spec, fetched_files = sources.fetch(spec)
    text, tokenizer_files = _fetched_tokenizer(spec.text)
    spec, counts = spec.model_copy(update={"text": text}), Counter[str]()
    with reading(local, step.files, [*fetched_files, *tokenizer_files]) as inputs, tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "documents.parquet"  # parsing a source is slow, and it is read once a split and once to fit
        documents = spooled.write(spec, spool, counts, STREAM.child("split"))
        reader, record = _reader(spec.text, spool, documents.splits)
        index = DocumentIndex(documents)
        for split in SPLITS:
            cut_rows = _cut(spec.text, spool, documents, split, reader)
            write_batches(outputs[split], _rows(cut_rows, reader.tokenizer, documents.places(split), index))
    write_text(outputs["tokenizer"], tokenization.to_json(reader.tokenizer))
    index.write(outputs["documents"])
    row_counts = _manifest_counts(spec.text, counts, documents.splits, len(inputs))
    row_counts |= real_pairs.counted(reader.pairs) if reader.pairs else {}
    finish(step, {}, [*outputs.values()], sources=inputs, counts=row_counts, **record)


def count_rows(spec: AnyTextSource) -> int:
    """Return how many training rows a text source gives: the whole preparation, writing nothing that stays."""
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "documents.parquet"
        documents = spooled.write(spec, spool, Counter(), STREAM.child("split"))
        reader, _ = _reader(spec.text, spool, documents.splits)
        splits = SPLITS if reader.pairs else ("train",)  # of pairs every row is looked at
        sizes = {}
        for split in splits:
            sizes[split] = sum(len(rows) for rows, _ in _cut(spec.text, spool, documents, split, reader))
        if reader.pairs is not None:
            real_pairs.counted(reader.pairs)
        return sizes["train"]


def _reader(text: TextSettings, spool: Path, names: Sequence[str | None]) -> tuple[Read, dict[str, Any]]:
    """Return a tokenizer, the id that begins a document, and what the manifest says of a pretrained model's tokenizer.

    Without a pretrained model it is fitted on the training split alone.
    """
    if text.tokenizer is None:
        assert text.vocab_size is not None
        texts = spooled.texts(spool, names, "train")
        tokenizer = tokenization.fit(real_pairs.texts_to_fit(texts) if text.pairs else texts, text.vocab_size)
        return Read(tokenizer, tokenization.END_OF_DOCUMENT_ID, PairReader.fitted(tokenizer, text.pairs) if text.pairs else None), {}
    reader = pretrained_tokenizer.read(text.tokenizer)
    _log.info("The text of %s is read by %s", text.tokenizer.name, reader.road)
    for note in reader.notes:
        _log.warning("%s: %s", text.tokenizer.name, note)
    pairs = PairReader.pretrained(reader, text.pairs, text.tokenizer.name) if text.pairs else None
    return Read(reader.tokenizer, reader.start_id, pairs), {"tokenizer": reader.record}


def _cut(text: TextSettings, spool: Path, documents: Documents, split: str, reader: Read) -> Iterator[PackedRows | PairRows]:
    """Yield a split's rows with the documents that they come from, counted within the split."""
    texts = spooled.texts(spool, documents.splits, split)
    if reader.pairs is not None:
        titles = [documents.titles[place] for place in documents.places(split)]
        yield from real_pairs.rows(texts, titles, reader.pairs)
        return
    if text.packing is not None:
        yield from packing.pack_rows(texts, documents.splits.count(split), reader.tokenizer, reader.start_id, text.row_tokens, text.packing)
        return
    for number, tokens_NT in tokenization.encode_rows(texts, reader.tokenizer, text.row_tokens):
        yield tokens_NT, [Span(number, 0, len(tokens_NT))]


def _local_files(spec: AnyTextSource) -> list[SourceFile]:
    """Return the files on this machine that text and tokenizer come from."""
    reader = spec.text.tokenizer
    return [*sources.source_files(spec), *(pretrained_files.tokenizer_files(reader) if reader else [])]


def _fetched_tokenizer(text: TextSettings) -> tuple[TextSettings, list[SourceFile]]:
    """Return the settings with the commit that a hub's tokenizer is read at, and its files."""
    if text.tokenizer is None:
        return text, []
    tokenizer, files = pretrained_files.fetch_tokenizer(text.tokenizer)
    return text.model_copy(update={"tokenizer": tokenizer}), files


def _manifest_counts(text: TextSettings, counts: Counts, names: Sequence[str | None], num_files: int) -> dict[str, int]:
    """Return what the manifest says of reading, having told it to the log: what was read, what was dropped, and what is left."""
    repeats = "kept" if text.packing else "dropped"
    numbers = {
        "files": num_files,
        "documents_read": counts["read"] + counts["null"],
        "dropped_null": counts["null"],
        "dropped_without_text": counts["without_text"],
    }
    for split in ("train", "valid"):
        numbers[f"{split}_{repeats}_equal_to_held_out"] = counts[f"{split}_equal_to_held_out"]
    for split in SPLITS:
        numbers[f"{split}_documents"] = names.count(split)
    _log.info("Real data: %s", ", ".join(f"{name} {number}" for name, number in numbers.items()))
    return numbers


def _rows(
    cut_rows: Iterator[PackedRows | PairRows], tokenizer: Tokenizer, places: Sequence[int], index: DocumentIndex
) -> Iterator[pa.RecordBatch]:
    """Yield a split's rows, noting in the index which each document has."""
    row = 0
    for new_rows, spans in cut_rows:
        index.note(places, spans, row)
        yield from _table(new_rows, tokenizer, row).to_batches()
        row += len(new_rows)
    if not row:
        raise HeirloomError("source: a split has too little text for a single row; lower source.text.row_tokens")


def _table(rows: Tokens | list[Pair], tokenizer: Tokenizer, first_row: int) -> pa.Table:
    """Return rows, blocks of tokens or pairs, with their text."""
    if isinstance(rows, np.ndarray):
        return text_table(rows, tokenization.decode(tokenizer, rows), first_row=first_row)
    return real_pairs.table(rows, tokenizer, first_row)
