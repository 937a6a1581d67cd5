"""Text side by side: one prompt, how a human went on, and how each generation of each arm did; repetition and invented words marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom import reading, words
from heirloom.artefacts import kinds
from heirloom.data import pairs
from heirloom.data.columns import PROMPT_TEXT
from heirloom.diffs.render.blocks import safe
from heirloom.report.generations import PAGE_GENERATIONS, kept_generations, synthetic_path
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

NUM_PROMPTS = 12
GRAM = 3
"""Words of an n-gram whose second occurrence in a row is marked."""

REPEATED, INVENTED = "r", "i"

Pieces = list[str | list[str]]
"""A text in pieces: plain, or with the letters of its marks."""


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return prompts with the texts that continue them, of the first seed: ``{"arms", "generations", "prompts": [...]}``.

    None where the datasets are not here, or nothing is a text.
    """
    generations = kept_generations(experiment, PAGE_GENERATIONS)
    sets = {(regime, g): synthetic_path(key, experiment, regime, g) for regime in experiment.regimes for g in generations}
    real = kinds.REAL_TRAIN.path(key)
    if not experiment.is_text or not all(Path(path).is_file() for path in (real, *sets.values())):
        return None
    real_words = vocabulary(real)
    rows = _prompt_rows(next(iter(sets.values())))
    pieces_of = {place: _continuations(path, rows, real_words) for place, path in sets.items()}
    human = _human(key, real, rows)
    prompts = []
    for row in rows:
        arms: dict[str, list[Pieces]] = {}
        for regime in experiment.regimes:
            arms[regime] = [pieces_of[regime, generation].get(row, []) for generation in generations]
        prompt, real_next = human.get(row, ("", ""))
        prompts.append({"row": row, "prompt": safe(prompt), "real": marked_pieces(real_next, real_words), "arms": arms})
    return {"experiment": key, "arms": experiment.regimes, "generations": generations, "prompts": prompts}


def vocabulary(real: str) -> frozenset[str]:
    """Return every word of the real training pool."""
    return frozenset(words.count(reading.dataset(real).texts()))


def marked_pieces(text: str, real_words: Collection[str]) -> Pieces:
    """Return a text in pieces, words in a repeated 3-gram marked ``r``, words that no real text has marked ``i``.

    A word that may be cut is never called invented. Control and format characters are spelled out.
    """
    spans = list(words.spans(text))
    repetitions = _repetitions([span.word for span in spans])
    pieces: Pieces = []
    end = 0
    for place, (start, stop, word, is_cut) in enumerate(spans):
        repetition = REPEATED if place in repetitions else ""
        invention = "" if is_cut or word in real_words else INVENTED
        marks = repetition + invention
        if not marks:
            continue
        if start > end:
            pieces.append(safe(text[end:start]))
        pieces.append([safe(text[start:stop]), marks])
        end = stop
    if end < len(text):
        pieces.append(safe(text[end:]))
    return pieces


def _repetitions(row: Sequence[str]) -> set[int]:
    """Return the places of the words that stand in a 3-gram which the row has more than once."""
    grams = [tuple(row[place : place + GRAM]) for place in range(len(row) - GRAM + 1)]
    counts = Counter(grams)
    return {place + offset for place, gram in enumerate(grams) if counts[gram] > 1 for offset in range(GRAM)}


def _prompt_rows(path: str) -> list[int]:
    """Return the prompts that are shown, spread evenly over a set: ids of real rows, or the set's ids where nothing was continued."""
    return evenly_spaced(list(_text_by_prompt(path)), NUM_PROMPTS)


def _continuations(path: str, prompts: Collection[int], real_words: Collection[str]) -> dict[int, Pieces]:
    """Return prompt → its continuation in a set, in pieces."""
    texts = _text_by_prompt(path)
    return {prompt: marked_pieces(texts[prompt], real_words) for prompt in prompts if prompt in texts}


def _text_by_prompt(path: str) -> dict[int, str]:
    """Return prompt → the first text that continues it; a text without a prompt stands under its row."""
    texts: dict[int, str] = {}
    for row, parent, text in _rows(path):
        texts.setdefault(row if parent is None else parent, text)
    return texts


def _human(key: str, real: str, prompts: Collection[int]) -> Mapping[int, tuple[str, str]]:
    """Return each prompt with how a human went on: by its completion, or by the next row of the same document, as far as there is one."""
    if pairs.are_in(reading.dataset(real)):
        return _answers(real, set(prompts))
    first_rows = _first_rows(Path(kinds.DOCUMENTS.path(key)))
    wanted_rows = {*prompts, *(prompt + 1 for prompt in prompts)}
    texts = {row: text for row, _, text in _rows(real) if row in wanted_rows}
    continuations = {}
    for prompt in prompts:
        if prompt in texts:
            next_row = prompt + 1
            is_same_document = next_row not in first_rows
            continuations[prompt] = (texts[prompt], texts.get(next_row, "") if is_same_document else "")
    return continuations


def _answers(real: str, prompts: Collection[int]) -> Mapping[int, tuple[str, str]]:
    """Return the prompt and the completion of real rows that are pairs."""
    columns = ["row", PROMPT_TEXT, "text"]
    answers: dict[int, tuple[str, str]] = {}
    for batch in reading.dataset(real).batches(columns):
        rows = zip(*(batch.column(batch.schema.get_field_index(name)).to_pylist() for name in columns), strict=True)
        answers |= {row: (prompt, completion) for row, prompt, completion in rows if row in prompts}
    return answers


def _first_rows(documents: Path) -> set[int]:
    """Return the rows with which a document begins; none where documents are not recorded."""
    import pyarrow.parquet as pq

    if not documents.is_file():
        return set()
    table = pq.read_table(reading.artefact(documents), columns=["first_row"])
    return set(table["first_row"].to_pylist())


def _rows(path: str) -> Iterator[tuple[int, int | None, str]]:
    """Yield row, prompt and text of each row of a dataset."""
    columns = ["row", "parent", "text"]
    for batch in reading.dataset(path).batches(columns):
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
