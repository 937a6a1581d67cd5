"""Text side by side: one prompt, how a human went on, and how each generation of each arm did; repetition and invented words marked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom import reading, words
from heirloom.artefacts import kinds
from heirloom.diffs.render.blocks import safe
from heirloom.report.generations import kept_generations, synthetic_path
from heirloom.specs.experiment import Experiment
from heirloom.stats.spacing import evenly_spaced

NUM_PROMPTS = 12
MAX_GENERATIONS = 8
GRAM = 3
"""Words of an n-gram whose second occurrence in a row is marked."""

REPEATED, INVENTED = "r", "i"

Marked = list[str | list[str]]
"""A text in pieces: plain, or with the letters of its marks."""


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return prompts with the texts that continue them, of the first seed: ``{"arms", "generations", "prompts": [...]}``.

    None where the datasets are not here, or nothing is a text.
    """
    generations = kept_generations(experiment, MAX_GENERATIONS)
    sets = {(regime, g): synthetic_path(key, experiment, regime, g) for regime in experiment.regimes for g in generations}
    real = kinds.REAL_TRAIN.path(key)
    if not experiment.is_text or not all(Path(path).is_file() for path in (real, *sets.values())):
        return None
    known = vocabulary(real)
    chosen = _chosen(next(iter(sets.values())))
    written = {place: _continuations(path, chosen) for place, path in sets.items()}
    human = _human(key, real, chosen)
    prompts = []
    for parent in chosen:
        told = {regime: [marked(written[regime, g].get(parent, ""), known) for g in generations] for regime in experiment.regimes}
        prompt, real_next = human.get(parent, ("", ""))
        prompts.append({"row": parent, "prompt": safe(prompt), "real": marked(real_next, known), "arms": told})
    return {"experiment": key, "arms": experiment.regimes, "generations": generations, "prompts": prompts}


def vocabulary(real: str) -> frozenset[str]:
    """Return every word of the real training pool."""
    return frozenset(words.count(reading.dataset(real).texts()))


def marked(text: str, known: Collection[str]) -> Marked:
    """Return a text in pieces, words in a repeated 3-gram marked ``r``, words that no real text has marked ``i``.

    A word that may be cut is never called invented. Control and format characters are spelled out.
    """
    spans = list(words.spans(text))
    again = _repeated([span.word for span in spans])
    pieces: Marked = []
    end = 0
    for place, (start, stop, word, cut) in enumerate(spans):
        marks = (REPEATED if place in again else "") + (INVENTED if not cut and word not in known else "")
        if marks:
            pieces += [safe(text[end:start])] if start > end else []
            pieces.append([safe(text[start:stop]), marks])
            end = stop
    return pieces + ([safe(text[end:])] if end < len(text) else [])


def _repeated(row: Sequence[str]) -> set[int]:
    """Return the places of the words that stand in a 3-gram which the row has more than once."""
    grams = [tuple(row[place : place + GRAM]) for place in range(len(row) - GRAM + 1)]
    counts = Counter(grams)
    return {place + offset for place, gram in enumerate(grams) if counts[gram] > 1 for offset in range(GRAM)}


def _chosen(path: str) -> list[int]:
    """Return the prompts that are shown, spread evenly over a set: ids of real rows, or the rows' own where nothing was continued."""
    return evenly_spaced(list(_by_prompt(path)), NUM_PROMPTS)


def _continuations(path: str, chosen: Collection[int]) -> dict[int, str]:
    wanted = frozenset(chosen)
    return {parent: text for parent, text in _by_prompt(path).items() if parent in wanted}


def _by_prompt(path: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for row, parent, text in _read(reading.dataset(path).batches(["row", "parent", "text"])):
        found.setdefault(row if parent is None else parent, text)
    return found


def _human(key: str, real: str, chosen: Collection[int]) -> Mapping[int, tuple[str, str]]:
    """Return each prompt with the row that follows it in the same document, as far as there is one."""
    import pyarrow.parquet as pq

    documents, firsts = Path(kinds.DOCUMENTS.path(key)), set()
    if documents.is_file():
        firsts = set(pq.read_table(reading.artefact(documents), columns=["first_row"])["first_row"].to_pylist())
    wanted = {number for parent in chosen for number in (parent, parent + 1)}
    rows = _read(reading.dataset(real).batches(["row", "parent", "text"]))
    found = {row: text for row, _, text in rows if row in wanted}
    return {parent: (found[parent], "" if parent + 1 in firsts else found.get(parent + 1, "")) for parent in chosen if parent in found}


def _read(batches: Iterator[Any]) -> Iterator[tuple[int, int | None, str]]:
    for batch in batches:
        yield from zip(*(batch.column(name).to_pylist() for name in ("row", "parent", "text")), strict=True)
