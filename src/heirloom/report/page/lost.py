"""What was lost: the words that each generation is without, by how often real text has them, words that it invents, and what took over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import paths
from heirloom.config import Experiment
from heirloom.diffs.cells import Ints, Ragged, join
from heirloom.diffs.render.blocks import safe
from heirloom.diffs.spool import Block, pack, unpack
from heirloom.diffs.vocabulary import log_odds
from heirloom.diffs.words import WordLexicon
from heirloom.measures.text import BANDS
from heirloom.report.page.generations import kept, synthetic

MAX_GENERATIONS = 8
EXAMPLES = 12
GRAM = 3
FEWEST_Z = 2.0


def context(key: str, experiment: Experiment) -> dict[str, Any] | None:
    """Return what each arm's words came to, of the first seed: ``{"bands", "arms": [{"name", "generations", "took_over", "faded"}]}``.

    None where the datasets are not here, or nothing is a text.
    """
    generations = kept(experiment, MAX_GENERATIONS)
    origin = paths.fill(paths.TRAIN, key, "", experiment.seeds[0], 0)
    sets = {regime: [synthetic(key, experiment, regime, g) for g in generations] for regime in experiment.regimes}
    there = all(Path(path).is_file() for path in (origin, *(path for listed in sets.values() for path in listed)))
    if not experiment.is_text or not there or len(generations) < 2:
        return None
    lexicon = WordLexicon(windows=True)
    real = np.bincount(_words(origin, lexicon).values, minlength=len(lexicon))
    arms = []
    for regime, listed in sets.items():
        written = [_words(path, lexicon) for path in listed]
        counts = np.stack([np.bincount(words.values, minlength=len(lexicon)) for words in written])
        first, last = (_grams(words) for words in (written[0], written[-1]))
        rows = _generations(counts, np.pad(real, (0, len(lexicon) - len(real))), generations, lexicon)
        moved = {
            "words": _moved(np.arange(len(lexicon)), counts[0], counts[-1], 1, lexicon),
            "grams": _moved(*_joined(first, last), GRAM, lexicon),
        }
        arms.append({"name": regime, "generations": rows, "moved": moved})
    return {"experiment": key, "first": generations[0], "last": generations[-1], "bands": list(BANDS), "arms": arms}


def _generations(counts_GV: Ints, real_V: Ints, generations: list[int], lexicon: WordLexicon) -> list[dict[str, Any]]:
    """Return one row a generation: the words that are not seen from it on, by band of the real text, with the most frequent of them."""
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
                "examples": _spelled(died_V & (real_V > 0), real_V, lexicon),
            }
        )
    return rows


def _moved(grams_K: Ints, a_K: Ints, b_K: Ints, n: int, lexicon: WordLexicon) -> dict[str, list[dict[str, Any]]]:
    """Return the n-grams that gained and lost most from the first to the last set, by the z-score of `log_odds`."""
    block = Block(grams_K, a_K, b_K)
    _, z_K = log_odds(block, (int(a_K.sum()), int(b_K.sum())))
    order = np.argsort(-z_K, kind="stable")
    ends = {"took over": order[:EXAMPLES], "faded": order[::-1][:EXAMPLES]}
    return {
        name: [
            {"gram": safe(" ".join(lexicon.spell(unpack(int(grams_K[k]), n)))), "from": int(a_K[k]), "to": int(b_K[k])}
            for k in places.tolist()
            if abs(z_K[k]) >= FEWEST_Z and (z_K[k] > 0) == (name == "took over")
        ]
        for name, places in ends.items()
    }


def _words(path: str, lexicon: WordLexicon) -> Ragged:
    from heirloom.dataset import Dataset

    return join([lexicon.read(batch.column(0)) for batch in Dataset.open(path).batches(["text"])])


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


def _spelled(chosen_V: NDArray[np.bool_], counts_V: Ints, lexicon: WordLexicon) -> list[str]:
    ids = np.flatnonzero(chosen_V)
    return [safe(word) for word in lexicon.spell(ids[np.argsort(-counts_V[ids], kind="stable")][:EXAMPLES].tolist())]
