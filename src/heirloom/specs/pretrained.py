"""Which pretrained model is meant: a hub id, a local folder, an installed package's folder, or a GGUF file in one of them."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.places import PackageName, Place


class Pretrained(Strict):
    """A model and its tokenizer, as `transformers` finds them. Code from a hub is never run, and weights are never unpickled."""

    path: Place | None = Field(None, description="Hub id such as facebook/opt-125m, or a local folder.")
    package: PackageName | None = Field(
        None,
        description="In place of `path`, an installed Python package whose folder holds the model.",
    )
    revision: str | None = Field(None, min_length=1, description="Commit, tag or branch on the hub; a commit pins the bytes.")
    gguf: Annotated[Place, Field(pattern=r"\.gguf$")] | None = Field(
        None, description="Name of a GGUF file in that place: weights and tokenizer are read from it, as float32."
    )

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.package is None):
            raise ValueError("give either `path` (hub id or local folder) or `package` (installed Python package)")
        return self

    @property
    def name(self) -> str:
        """What messages call it."""
        return (self.path or self.package or "") + (f"/{self.gguf}" if self.gguf else "")
