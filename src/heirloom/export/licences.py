"""The licence of the real data: known for the sources that Heirloom ships, and as the user states it for others.

It is in no slice and in no source's module, because a licence changes no byte and must not retrain a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from heirloom.config import load


class Licence(NamedTuple):
    """A licence as hubs tag it (lower-case SPDX), and a sentence for people."""

    tag: str
    sentence: str


KNOWN = {
    "wikipedia": Licence(
        "cc-by-sa-3.0", "The real text is from English Wikipedia, by its authors, CC BY-SA 3.0: name them and share under the same terms."
    ),
    "mnist": Licence("cc-by-sa-3.0", "The real images are from MNIST (LeCun, Cortes and Burges), usually given as CC BY-SA 3.0."),
}
_NUMBERS_FROM_A_LAW = Licence(
    "unknown", "The real rows are no human work, but numbers drawn from the law that the manifest names. No licence has been stated."
)
_UNSTATED = Licence(
    "unknown", "Nobody has stated the licence of the real data (config key `source.license`). Find it out before you share this."
)


def of(experiment: str, source: Mapping[str, Any], config: Path) -> Licence:
    """Return the licence of an experiment's real data.

    Parameters
    ----------
    source
        The source's settings, from the manifest of the real data.
    config
        The config file as it is now, whatever revision is exported, because a licence may become known later. Without it, only the
        licences of the shipped sources are known.
    """
    if source["name"] in KNOWN:
        return KNOWN[source["name"]]
    configured = load(config).experiments.get(experiment) if config.exists() else None
    stated_licence = configured.source.stated_licence if configured else None
    if stated_licence:
        return Licence(stated_licence, f"The licence of the real data is {stated_licence}, as the config states.")
    return _UNSTATED if "text" in source else _NUMBERS_FROM_A_LAW
