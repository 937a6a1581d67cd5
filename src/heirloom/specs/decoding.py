"""How a neural language model writes, in config: the words that every such family shares."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import PROMPTS, Prompts, TextSampling
from heirloom.specs.endpoint import Endpoint
from heirloom.specs.schedules import Scheduling
from heirloom.specs.sizes import MOST_LAYERS, MOST_TOKENS

Precision = Literal["float32", "bfloat16"]


class Decoding(Scheduling, TextSampling):
    """How the next token is drawn from the model's distribution, or found by beam search."""

    scheduled: ClassVar[tuple[str, ...]] = ("temperature",)

    temperature: float = Field(1.0, ge=0.0, description="Divides the logits before the softmax; 0 takes the likeliest token.")
    top_k: int | None = Field(None, ge=1, le=MOST_TOKENS, description="Keep only the k likeliest tokens (a count).")
    top_p: float | None = Field(None, gt=0.0, le=1.0, description="Keep the smallest set of tokens with at least this probability.")
    repetition_penalty: float = Field(
        1.0,
        gt=0.0,
        description="Divides positive logits, and multiplies negative ones, of tokens that the row already holds, its prompt included "
        "(Keskar et al. 2019); 1 is none.",
    )
    beams: int = Field(1, ge=1, le=MOST_LAYERS, description="Beams of a beam search, which draws nothing; 1 samples (a count).")
    precision: Precision = Field("float32", description="Of matrix products in sampling; sums stay float32.")
    prompts: Prompts = PROMPTS
    endpoint: Endpoint | None = Field(None, description="A server that writes the completions of pairs; null writes them here.")

    @property
    def continues_rows(self) -> bool:
        """Whether a synthetic row continues an original one."""
        return self.prompts == "original"

    @property
    def is_served(self) -> bool:
        """Whether a server writes rows."""
        return self.endpoint is not None

    @property
    def num_beams(self) -> int:
        """Beams of the search."""
        return self.beams

    @model_validator(mode="after")
    def _beams_draw_nothing(self) -> Self:
        if self.beams > 1 and (self.temperature != 1.0 or self.top_k or self.top_p):
            raise ValueError("beams draw nothing: leave out temperature, top_k and top_p, or set beams to 1")
        return self
