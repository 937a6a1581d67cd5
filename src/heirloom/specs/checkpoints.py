"""Which checkpoints stay on disk when nothing in a run needs them any more."""

from __future__ import annotations

from pydantic import Field

from heirloom.specs.base import Strict
from heirloom.specs.sizes import MOST_GENERATIONS


class Every(Strict):
    """Each k-th generation."""

    every: int = Field(ge=1, le=MOST_GENERATIONS, description="k: generations k, 2 k, 3 k, …")
