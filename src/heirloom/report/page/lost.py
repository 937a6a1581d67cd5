"""What was lost: the words or types that each generation is without, by how often real rows have them, and what took over."""

from __future__ import annotations

import itertools
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
from heirloom.report.generations import PAGE_GENERATIONS, kept_generations, synthetic_path, vanishing_unit
from heirloom.specs.experiment import Experiment

EXAMPLES = 12
GRAM = 3
FEWEST_Z = 2.0

Spell = Callable[[Sequence[int]], list[str]]
"""Ids of words or types → how they are written."""


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return what each arm's words or types came to, of the first seed: ``{"unit", "bands", "arms": [{"name", "generations", "moved"}]}``.

    None where the datasets are not here, or rows are neither texts nor types.
    """
    generations, unit_name = kept_generations(experiment, PAGE_GENERATIONS), vanishing_unit(experiment)
    origin = kinds.TRAIN.path(key, "", experiment.seeds[0], 0)
    sets = {regime: _paths(key, experiment, regime, generations) for regime in experiment.regimes}
    paths = itertools.chain([origin], *sets.values())
    if unit_name is None or len(generations) < 2 or not all(Path(path).is_file() for path in paths):
        return None
    arms_of = {"words": _arms_of_words, "types": _arms_of_types}[unit_name]
    return {
        "experiment": key,
        "unit": unit_name,
        "first": generations[0],
        "last": generations[-1],
        "bands": list(BANDS),
        "arms": arms_of(origin, sets, generations),
    }


def _paths(key: str, experiment: Experiment, regime: str, generations: Sequence[int]) -> list[str]:
    return [synthetic_path(key, experiment, regime, generation) for generation in generations]


def _arms_of_words(origin: str, sets: Mapping[str, Sequence[str]], generations: list[int]) -> list[dict[str, Any]]:
    """Return each arm's words; the lexicon grows with every set that is read."""
    lexicon = WordLexicon(windows=True)
    real_V = np.bincount(_words(origin, lexicon).values, minlength=len(lexicon))
    arms = []
    for regime, paths in sets.items():
        texts = [_words(path, lexicon) for path in paths]
        size = len(lexicon)
        counts_GV = np.stack([np.bincount(words.values, minlength=size) for words in texts])
        real_V = np.pad(real_V, (0, size - len(real_V)))
        shifts = {
            "words": _shifts(np.arange(size), counts_GV[0], counts_GV[-1], 1, lexicon.spell),
            "3-grams": _shifts(*_pairs(_grams(texts[0]), _grams(texts[-1])), GRAM, lexicon.spell),
        }
        rows = _generations(counts_GV, real_V, generations, lexicon.spell)
        arms.append({"name": regime, "generations": rows, "moved": shifts})
    return arms


def _arms_of_types(origin: str, sets: Mapping[str, Sequence[str]], generations: list[int]) -> list[dict[str, Any]]:
    """Return each arm's types, which are numbers, of the first replica."""
    real_types = _types(origin)
    types_of = {regime: list(map(_types, paths)) for regime, paths in sets.items()}
    all_types = itertools.chain([real_types], *types_of.values())
    size = 1 + max(int(types.max()) for types in all_types)
    real_V = np.bincount(real_types, minlength=size)
    arms = []
    for regime, arm_types in types_of.items():
        counts_GV = np.stack([np.bincount(types, minlength=size) for types in arm_types])
        rows = _generations(counts_GV, real_V, generations, _digits)
        shifts = _shifts(np.arange(size), counts_GV[0], counts_GV[-1], 1, _digits)
        arms.append({"name": regime, "generations": rows, "moved": {"types": shifts}})
    return arms


def _digits(types: Sequence[int]) -> list[str]:
    return list(map(str, types))


def _generations(counts_GV: Ints, real_V: Ints, generations: list[int], spell: Spell) -> list[dict[str, Any]]:
    """Return one row per generation: the types that occur in the set before and in none from it on, by their band in the real rows."""
    occurs_GV = counts_GV > 0
    later_GV = np.flip(np.logical_or.accumulate(np.flip(occurs_GV, 0), 0), 0)
    is_real_V = real_V > 0
    rows = []
    for place in range(1, len(generations)):
        died_V = occurs_GV[place - 1] & ~later_GV[place]
        new_V = occurs_GV[place] & ~occurs_GV[:place].any(axis=0)
        rows.append(
            {
                "generation": generations[place],
                "types": int(occurs_GV[place].sum()),
                "died": _by_band(real_V[died_V]),
                "died_invented": int((died_V & ~is_real_V).sum()),
                "invented": int((new_V & ~is_real_V).sum()),
                "examples": _examples(died_V & is_real_V, real_V, spell),
            }
        )
    return rows


def _by_band(counts_K: Ints) -> list[int]:
    """Return how many counts lie in each band."""
    return [int(((counts_K >= band.start) & (counts_K < band.stop)).sum()) for band in BANDS.values()]


def _shifts(grams_K: Ints, first_K: Ints, last_K: Ints, n: int, spell: Spell) -> dict[str, list[dict[str, Any]]]:
    """Return the n-grams that gained and lost most from the first to the last set, by the z-score of `log_odds`."""
    totals = (int(first_K.sum()), int(last_K.sum()))
    _, z_K = log_odds(Block(grams_K, first_K, last_K), totals)
    order_K = np.argsort(-z_K, kind="stable")
    gains = order_K[:EXAMPLES]
    losses = order_K[::-1][:EXAMPLES]
    clear_gains = gains[z_K[gains] >= FEWEST_Z]
    clear_losses = losses[z_K[losses] <= -FEWEST_Z]

    def shift(k: int) -> dict[str, Any]:
        words = spell(unpack(int(grams_K[k]), n))
        return {"gram": safe(" ".join(words)), "from": int(first_K[k]), "to": int(last_K[k])}

    return {"took over": list(map(shift, clear_gains.tolist())), "faded": list(map(shift, clear_losses.tolist()))}


def _words(path: str, lexicon: WordLexicon) -> Ragged:
    return join([lexicon.read(batch.column(0)) for batch in reading.dataset(path).batches(["text"])])


def _types(path: str) -> Ints:
    return reading.dataset(path).by_replica()[0, :, 0].astype(np.int64)


def _grams(words: Ragged) -> tuple[Ints, Ints]:
    grams, counts = np.unique(pack(words, GRAM).values, return_counts=True)
    return grams, counts


def _pairs(first: tuple[Ints, Ints], last: tuple[Ints, Ints]) -> tuple[Ints, Ints, Ints]:
    """Return the n-grams of two sets once each, with their counts in the first and in the last."""
    grams_K = np.union1d(first[0], last[0])
    return grams_K, _counts_at(grams_K, *first), _counts_at(grams_K, *last)


def _counts_at(grams_K: Ints, grams: Ints, counts: Ints) -> Ints:
    """Return the counts of one set at the places of its n-grams among all, 0 elsewhere, shape (K,)."""
    counts_K = np.zeros(len(grams_K), np.int64)
    counts_K[np.searchsorted(grams_K, grams)] = counts
    return counts_K


def _examples(is_example_V: NDArray[np.bool_], counts_V: Ints, spell: Spell) -> list[str]:
    """Return the most frequent words or types of a part of the vocabulary."""
    ids = np.flatnonzero(is_example_V)
    order = np.argsort(-counts_V[ids], kind="stable")
    most_frequent = ids[order][:EXAMPLES].tolist()
    return [safe(word) for word in spell(most_frequent)]
