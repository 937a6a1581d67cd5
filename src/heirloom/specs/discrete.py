"""The `discrete` family in config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, NoTraining
from heirloom.specs.declaration import FamilySpec


class Discrete(FamilySpec):
    """A categorical law, refitted to its own draws by counting (Shumailov et al. 2024, the discrete distribution)."""

    sources = ("categorical",)
    abilities = frozenset({"select", "statistics", "subset", "closed_forms"})
    unit = "types"
    headlines = ("diversity", "types")

    name: Literal["discrete"]
    path: Literal["rows", "statistics"] = Field(
        "rows",
        description="`rows`: every synthetic row is drawn and kept track of; `statistics`: only the counts are drawn, equal in law, "
        "for sizes at which rows take too long. Needs `granularity: chain`.",
    )
    training: NoTraining = NoTraining()
    sampling: NoSettings = NoSettings()

    @property
    def has_rows(self) -> bool:
        """Whether synthetic rows are drawn, and not only their counts."""
        return self.path == "rows"
