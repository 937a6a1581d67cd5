"""A regime's declaration as one sentence: what a generation trains on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heirloom.specs.regime import Regime
from heirloom.specs.schedules import Scheduling

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
        parts.append(f"original real rows, {_share(regime.original, 'share')} of the row budget{batches}, {draw}")
    if any(regime.values("fresh")):
        parts.append(f"real rows that no model of the lineage has seen, {_share(regime, 'fresh')} of the row budget")
    if any(regime.values("pool")):
        parts.append(f"real rows redrawn from the whole training pool, {_share(regime, 'pool')} of the row budget")
    if regime.synthetic != "none":
        exclusion = " without the continuations of those rows" if regime.excludes_continuations else ""
        selection = ", of which judges keep a part" if regime.judges else ""
        parts.append(_SYNTHETIC[regime.synthetic] + exclusion + selection)
    training_set = "; and on ".join(parts)
    return f"Under the regime `{name}` a generation trains on {training_set}. {_BUDGET[regime.budget]}"


def _share(settings: Scheduling, name: str) -> str:
    """Return a share in digits, or those of the generations one after the other."""
    values = [f"{value:.3g}" for value in settings.values(name)]
    return values[0] if len(values) == 1 else f"by generation {', '.join(values)}"
