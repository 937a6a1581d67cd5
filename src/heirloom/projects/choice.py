"""One thing that was chosen for a new config, with its reason."""

from __future__ import annotations

from typing import NamedTuple


class Choice(NamedTuple):
    """A key of the config or a word for several, what it became, and why."""

    key: str
    value: str
    reason: str
