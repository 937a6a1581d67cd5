"""Text side by side: one prompt, how a human went on, and how each set of each arm did, sentence by sentence.

Marked are repeated phrases, since a set that collapses says the same phrases again and again, and invented words.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import regex

from heirloom import reading, words
from heirloom.artefacts import kinds
from heirloom.data import pairs
from heirloom.data.columns import PROMPT_TEXT
from heirloom.diffs.render.blocks import safe
from heirloom.report.generations import PAGE_GENERATIONS, kept_generations, synthetic_path
from heirloom.specs.experiment import Experiment

NUM_PROMPTS = 12
GRAM = 3
"""Words of a phrase. Its words are marked where the set says it more than once."""

REPEATED, INVENTED = MARKS = ("r", "i")

Pieces = list[str | list[str]]
"""A text in pieces: plain, or with the letters of its marks."""
Phrase = tuple[str, ...]

_END = regex.compile(r"[.!?…][\"')\]»”]*\s+(?=[\"'(\[«“]?[\p{Lu}\p{Nd}])|\n+")
"""The end of a sentence, with the white space behind it."""


class TextSet(NamedTuple):
    """A synthetic set: its texts by prompt, the phrases that stand in it more than once, and shares of marked words.

    Attributes
    ----------
    shares
        Mark → prompt → share of the words of its text that have the mark.
    statistics
        Mark → its share of all words; under ``words`` the number of different words.
    """

    text_by_prompt: Mapping[int, str]
    phrases: frozenset[Phrase]
    shares: Mapping[str, Mapping[int, float]]
    statistics: Mapping[str, float]


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return prompts with the texts that continue them, of the first seed.

    Of the two marks the one counts whose share grows most from the first set to the last, under the arm in which it does. The prompts
    are those whose texts under this arm gain most of the mark.

    Returns
    -------
    ``arms``, ``generations``, ``prompts``, ``left`` and ``right`` (the arms that stand side by side at first), and ``statistics``: of
    each arm and set the share of words in repeated phrases, the share of invented words, and the number of different words. None where
    the datasets are not here, or nothing is a text.
    """
    generations = kept_generations(experiment, PAGE_GENERATIONS)
    paths = {(regime, g): synthetic_path(key, experiment, regime, g) for regime in experiment.regimes for g in generations}
    real = kinds.REAL_TRAIN.path(key)
    if not experiment.is_text or not generations or not all(Path(path).is_file() for path in (real, *paths.values())):
        return None
    real_words = vocabulary(real)
    sets = {place: read_set(path, real_words) for place, path in paths.items()}
    first, last = generations[0], generations[-1]
    growth = {(regime, mark): _growth(sets[regime, first], sets[regime, last], mark) for regime in experiment.regimes for mark in MARKS}
    left, mark = max(growth, key=lambda place: growth[place])
    others = [regime for regime in experiment.regimes if regime != left] or [left]
    right = min(others, key=lambda regime: growth[regime, mark])
    rows = _collapsed_prompts(sets[left, first], sets[left, last], mark)
    human = _human(key, real, rows)
    return {
        "experiment": key,
        "arms": experiment.regimes,
        "left": left,
        "right": right,
        "generations": generations,
        "statistics": {regime: [dict(sets[regime, g].statistics) for g in generations] for regime in experiment.regimes},
        "prompts": [_prompt(row, human.get(row, ("", "")), sets, real_words) for row in rows],
    }


def _prompt(row: int, human: tuple[str, str], sets: Mapping[tuple[str, int], TextSet], real_words: Collection[str]) -> dict[str, Any]:
    """Return a prompt with the sentences that go on from it: a human's, and those of each arm and set in the order of the sets."""
    prompt, real_next = human
    arms: dict[str, list[list[Pieces]]] = {}
    for (regime, _), text_set in sets.items():
        text = text_set.text_by_prompt.get(row, "")
        arms.setdefault(regime, []).append(marked_sentences(text, real_words, text_set.phrases))
    return {"row": row, "prompt": safe(whole_sentences(prompt)), "real": marked_sentences(real_next, real_words), "arms": arms}


def vocabulary(real: str) -> frozenset[str]:
    """Return every word of the real training pool."""
    return frozenset(words.count(reading.dataset(real).texts()))


def whole_sentences(text: str) -> str:
    """Return a text from the beginning of its first whole sentence; all of it where no sentence begins in it."""
    beginning = _END.search(text)
    return f"… {text[beginning.end() :]}" if beginning and beginning.end() < len(text) else text


def marked_sentences(text: str, real_words: Collection[str], phrases: Collection[Phrase] = ()) -> list[Pieces]:
    """Return the sentences of a text, each in pieces (`marked_pieces`)."""
    pieces = marked_pieces(text, real_words, phrases)
    sentences: list[Pieces] = [[]]
    for piece in pieces:
        if not isinstance(piece, str):
            sentences[-1].append(piece)
            continue
        start = 0
        for end in _END.finditer(piece):
            sentences[-1].append(piece[start : end.end()].rstrip())
            sentences.append([])
            start = end.end()
        if start < len(piece):
            sentences[-1].append(piece[start:])
    return [sentence for sentence in map(_visible, sentences) if sentence]


def _visible(pieces: Pieces) -> Pieces:
    return [safe(piece) if isinstance(piece, str) else [safe(piece[0]), piece[1]] for piece in pieces]


def marked_pieces(text: str, real_words: Collection[str], phrases: Collection[Phrase] = ()) -> Pieces:
    """Return a text in pieces, words of a repeated phrase marked ``r``, words that no real text has marked ``i``.

    A word that may be cut is never called invented.

    Parameters
    ----------
    phrases
        Phrases of `GRAM` words that are said elsewhere, too; those that the text itself repeats are marked anyway.
    """
    spans = list(words.spans(text))
    repetitions = _repetitions([span.word for span in spans], phrases)
    pieces: Pieces = []
    end = 0
    for place, (start, stop, word, is_cut) in enumerate(spans):
        repetition = REPEATED if place in repetitions else ""
        invention = "" if is_cut or word in real_words else INVENTED
        marks = repetition + invention
        if not marks:
            continue
        if start > end:
            pieces.append(text[end:start])
        pieces.append([text[start:stop], marks])
        end = stop
    if end < len(text):
        pieces.append(text[end:])
    return pieces


def _repetitions(row: Sequence[str], phrases: Collection[Phrase]) -> set[int]:
    """Return the places of the words that stand in a phrase which is said elsewhere, or which the row has more than once."""
    grams = _grams(row)
    counts = Counter(grams)
    repeated = [place for place, gram in enumerate(grams) if counts[gram] > 1 or gram in phrases]
    return {place + offset for place in repeated for offset in range(GRAM)}


def _grams(row: Sequence[str]) -> list[Phrase]:
    return [tuple(row[place : place + GRAM]) for place in range(len(row) - GRAM + 1)]


def read_set(path: str, real_words: Collection[str]) -> TextSet:
    """Return a synthetic set with its repeated phrases and its statistics; words that may be cut are no different words."""
    text_by_prompt = _text_by_prompt(path)
    spans = {row: list(words.spans(text)) for row, text in text_by_prompt.items()}
    words_of = {row: [span.word for span in row_spans] for row, row_spans in spans.items()}
    counts = Counter(itertools.chain.from_iterable(map(_grams, words_of.values())))
    phrases = frozenset(gram for gram, count in counts.items() if count > 1)
    repeated = {row: len(_repetitions(row_words, phrases)) for row, row_words in words_of.items()}
    invented = {row: sum(not span.cut and span.word not in real_words for span in row_spans) for row, row_spans in spans.items()}
    num_words = {row: max(1, len(row_words)) for row, row_words in words_of.items()}
    marked = {REPEATED: repeated, INVENTED: invented}
    shares = {mark: {row: count / num_words[row] for row, count in of_row.items()} for mark, of_row in marked.items()}
    total = sum(num_words.values())
    statistics = {mark: round(sum(of_row.values()) / max(1, total), 4) for mark, of_row in marked.items()}
    whole_words = {span.word for row_spans in spans.values() for span in row_spans if not span.cut}
    return TextSet(text_by_prompt, phrases, shares, statistics | {"words": len(whole_words)})


def _growth(first: TextSet, last: TextSet, mark: str) -> float:
    """Return by how much the share of words with a mark grows from one set to another."""
    return last.statistics[mark] - first.statistics[mark]


def _collapsed_prompts(first: TextSet, last: TextSet, mark: str) -> list[int]:
    """Return the prompts that are shown: those of whose texts the share of words with a mark grows most."""

    def growth(row: int) -> float:
        return last.shares[mark][row] - first.shares[mark].get(row, 0.0)

    return sorted(last.text_by_prompt, key=lambda row: (-growth(row), row))[:NUM_PROMPTS]


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
