"""What was lost: the words or types that each generation is without, by how often real rows have them, and what took over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.diffs.cells import Ints, Ragged, join
from heirloom.diffs.render.blocks import safe
from heirloom.diffs.spool import Block, pack, unpack
from heirloom.diffs.vocabulary import log_odds
from heirloom.diffs.words import WordLexicon
from heirloom.measures.text import BANDS
from heirloom.report.generations import kept_generations, synthetic_path
from heirloom.specs.experiment import Experiment

MAX_GENERATIONS = 8
EXAMPLES = 12
GRAM = 3
FEWEST_Z = 2.0

Spell = Callable[[Sequence[int]], list[str]]
"""Ids of words or types → how they are written."""


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return what each arm's words or types came to, of the first seed: ``{"unit", "bands", "arms": [{"name", "generations", "moved"}]}``.

    None where the datasets are not here, or rows are neither texts nor types.
    """
    generations, of = kept_generations(experiment, MAX_GENERATIONS), unit(experiment)
    origin = kinds.TRAIN.path(key, "", experiment.seeds[0], 0)
    sets = {regime: [synthetic_path(key, experiment, regime, g) for g in generations] for regime in experiment.regimes}
    there = all(Path(path).is_file() for path in (origin, *(path for listed in sets.values() for path in listed)))
    if of is None or not there or len(generations) < 2:
        return None
    arms = {"words": _of_words, "types": _of_types}[of](origin, sets, generations)
    return {"experiment": key, "unit": of, "first": generations[0], "last": generations[-1], "bands": list(BANDS), "arms": arms}


def unit(experiment: Experiment) -> str | None:
    """Return what an experiment's rows are made of that can die: words or types; None if neither, or if no rows are drawn."""
    return experiment.family.unit if experiment.has_rows else None


def _of_words(origin: str, sets: Mapping[str, Sequence[str]], generations: list[int]) -> list[dict[str, Any]]:
    lexicon = WordLexicon(windows=True)
    real = np.bincount(_words(origin, lexicon).values, minlength=len(lexicon))
    arms = []
    for regime, listed in sets.items():
        written = [_words(path, lexicon) for path in listed]
        counts = np.stack([np.bincount(words.values, minlength=len(lexicon)) for words in written])
        first, last = (_grams(words) for words in (written[0], written[-1]))
        moved = {
            "words": _moved(np.arange(len(lexicon)), counts[0], counts[-1], 1, lexicon.spell),
            "3-grams": _moved(*_joined(first, last), GRAM, lexicon.spell),
        }
        rows = _generations(counts, np.pad(real, (0, len(lexicon) - len(real))), generations, lexicon.spell)
        arms.append({"name": regime, "generations": rows, "moved": moved})
    return arms


def _of_types(origin: str, sets: Mapping[str, Sequence[str]], generations: list[int]) -> list[dict[str, Any]]:
    """Return the same of the types of the first replica, which are numbers."""
    real, written = _types(origin), {regime: [_types(path) for path in listed] for regime, listed in sets.items()}
    size = 1 + max(int(types.max()) for types in (real, *(one for listed in written.values() for one in listed)))

    def spell(ids: Sequence[int]) -> list[str]:
        return [str(one) for one in ids]

    arms = []
    for regime, listed in written.items():
        counts = np.stack([np.bincount(types, minlength=size) for types in listed])
        rows = _generations(counts, np.bincount(real, minlength=size), generations, spell)
        arms.append({"name": regime, "generations": rows, "moved": {"types": _moved(np.arange(size), counts[0], counts[-1], 1, spell)}})
    return arms


def _generations(counts_GV: Ints, real_V: Ints, generations: list[int], spell: Spell) -> list[dict[str, Any]]:
    """Return one row a generation: what is not seen from it on, by its band in the real rows, with the most frequent of it."""
    seen_GV = counts_GV > 0
    later_GV = np.flip(np.logical_or.accumulate(np.flip(seen_GV, 0), 0), 0)
    rows = []
    for place in range(1, len(generations)):
        died_V = seen_GV[:place].any(axis=0) & ~later_GV[place] & seen_GV[place - 1]
        new_V = seen_GV[place] & ~seen_GV[:place].any(axis=0) & (real_V == 0)
        by_band = [int((died_V & (real_V >= band.start) & (real_V < band.stop)).sum()) for band in BANDS.values()]
        rows.append(
            {
                "generation": generations[place],
                "types": int(seen_GV[place].sum()),
                "died": by_band,
                "died_invented": int((died_V & (real_V == 0)).sum()),
                "invented": int(new_V.sum()),
                "examples": _spelled(died_V & (real_V > 0), real_V, spell),
            }
        )
    return rows


def _moved(grams_K: Ints, a_K: Ints, b_K: Ints, n: int, spell: Spell) -> dict[str, list[dict[str, Any]]]:
    """Return the n-grams that gained and lost most from the first to the last set, by the z-score of `log_odds`."""
    block = Block(grams_K, a_K, b_K)
    _, z_K = log_odds(block, (int(a_K.sum()), int(b_K.sum())))
    order = np.argsort(-z_K, kind="stable")
    ends = {"took over": order[:EXAMPLES], "faded": order[::-1][:EXAMPLES]}
    return {
        name: [
            {"gram": safe(" ".join(spell(unpack(int(grams_K[k]), n)))), "from": int(a_K[k]), "to": int(b_K[k])}
            for k in places.tolist()
            if abs(z_K[k]) >= FEWEST_Z and (z_K[k] > 0) == (name == "took over")
        ]
        for name, places in ends.items()
    }


def _words(path: str, lexicon: WordLexicon) -> Ragged:
    return join([lexicon.read(batch.column(0)) for batch in reading.dataset(path).batches(["text"])])


def _types(path: str) -> Ints:
    return reading.dataset(path).by_replica()[0, :, 0].astype(np.int64)


def _grams(words: Ragged) -> tuple[Ints, Ints]:
    found, counts = np.unique(pack(words, GRAM).values, return_counts=True)
    return found, counts


def _joined(first: tuple[Ints, Ints], last: tuple[Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Return the n-grams of both sides once each, with their counts in either."""
    grams = np.union1d(first[0], last[0])
    counts = [np.zeros(len(grams), np.int64) for _ in range(2)]
    for (own, number), into in zip((first, last), counts, strict=True):
        into[np.searchsorted(grams, own)] = number
    return grams, counts[0], counts[1]


def _spelled(chosen_V: NDArray[np.bool_], counts_V: Ints, spell: Spell) -> list[str]:
    ids = np.flatnonzero(chosen_V)
    return [safe(word) for word in spell(ids[np.argsort(-counts_V[ids], kind="stable")][:EXAMPLES].tolist())]
