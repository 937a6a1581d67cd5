"""How prompts and completions become rows, in config: their columns or messages, their limits, and what happens to longer ones."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.sizes import MOST_TOKENS

PROMPT, COMPLETION = "prompt", "completion"


class Pairs(Strict):
    """Rows of a prompt and its completion: of two columns of text, or of a column of messages."""

    prompt: str | None = Field(
        None, min_length=1, description="The column of prompts; by default `prompt`, and none where `messages` is given."
    )
    completion: str | None = Field(
        None, min_length=1, description="The column of completions; by default `completion`, and none where `messages` is given."
    )
    messages: str | None = Field(
        None,
        min_length=1,
        description="In place of two columns, a column of conversations: lists of objects with `role` (system, user or assistant) and "
        "`content`, written out by the chat template of the pretrained model's tokenizer.",
    )
    turns: Literal["each", "last"] = Field(
        "each", description="Which turns of the assistant are rows, what precedes a turn being its prompt: `each`, or only the `last`."
    )
    separator: str = Field("", description="Text between prompt and completion, which ends the prompt; a chat template has its own.")
    max_prompt_tokens: int = Field(256, ge=1, le=MOST_TOKENS, description="Most tokens of a prompt.")
    max_completion_tokens: int = Field(
        256, ge=1, le=MOST_TOKENS, description="Most tokens of a completion, its end token counted; a model that writes stops there, too."
    )
    longer: Literal["drop", "truncate", "refuse"] = Field(
        "drop",
        description="What happens to a row whose prompt or completion is longer: `drop` leaves it out, `truncate` keeps the end of the "
        "prompt and the beginning of the completion (then without its end token), `refuse` ends the job. Counted in the manifest.",
    )

    @model_validator(mode="before")
    @classmethod
    def _columns_by_default(cls, raw: Any) -> Any:
        """Name the two columns where no messages are."""
        if not isinstance(raw, dict) or raw.get("messages") is not None:
            return raw
        return {PROMPT: PROMPT, COMPLETION: COMPLETION, **raw}

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        columns = (self.prompt, self.completion)
        if self.messages is None and None in columns:
            raise ValueError("give the columns `prompt` and `completion`, or one column of `messages`")
        if self.messages is not None and columns != (None, None):
            raise ValueError("give either `messages`, or the columns `prompt` and `completion`")
        if self.messages is not None and self.separator:
            raise ValueError("separator is for columns; the chat template separates messages")
        if self.messages is None and self.prompt == self.completion:
            raise ValueError(f"prompt and completion are the same column, {self.prompt!r}")
        if self.messages is None and self.turns != "each":
            raise ValueError("turns is for messages; a row of two columns has one")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read."""
        names = (self.prompt, self.completion, self.messages)
        return tuple(name for name in names if name is not None)

    @property
    def row_tokens(self) -> int:
        """Most tokens of a row, prompt and completion together."""
        return self.max_prompt_tokens + self.max_completion_tokens

    @property
    def mean_tokens(self) -> float:
        """Tokens that a row is taken to have on average before anybody has read one: half of the most.

        Those of `configs/pairs.yaml` have 74 of 160 (docs/log.md).
        """
        return self.row_tokens / 2
