"""A regime's declaration as one sentence: what a generation trains on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heirloom.specs.regime import Regime

_SYNTHETIC = {"latest": "the newest synthetic set", "all": "the synthetic sets of all generations so far"}
_BUDGET = {
    "fixed": "The number of rows stays the same.",
    "grows": "Everything is kept, so the training set grows.",
    "drawn": "A fixed number of rows is drawn evenly from all of it.",
}


def sentence(name: str, mixing: Mapping[str, Any]) -> str:
    """Return what a generation trains on under a regime, in words.

    Parameters
    ----------
    mixing
        The regime as manifests hold it.
    """
    regime = Regime.model_validate(mixing)
    parts = []
    if regime.original:
        draw = "the same ones in every generation" if regime.original.draw == "fixed" else "redrawn in each generation"
        batches = f", in whole batches of {regime.original.batch_rows}" if regime.original.batch_rows else ""
        parts.append(f"original real rows, {regime.original.share:.3g} of the row budget{batches}, {draw}")
    if regime.fresh:
        parts.append(f"real rows that no model of the lineage has seen, {regime.fresh:.3g} of the row budget")
    if regime.pool:
        parts.append(f"real rows redrawn from the whole training pool, {regime.pool:.3g} of the row budget")
    if regime.synthetic != "none":
        exclusion = " without the continuations of those rows" if regime.excludes_continuations else ""
        selection = ", of which judges keep a part" if regime.judges else ""
        parts.append(_SYNTHETIC[regime.synthetic] + exclusion + selection)
    training_set = "; and on ".join(parts)
    return f"Under the regime `{name}` a generation trains on {training_set}. {_BUDGET[regime.budget]}"
