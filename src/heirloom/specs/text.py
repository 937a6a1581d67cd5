"""How text becomes rows: blocks of tokens, or pairs of a prompt and its completion."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict
from heirloom.specs.pairs import Pairs
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.sizes import MOST_ROWS, MOST_SHARDS, MOST_TOKENS

_SHARES_TOLERANCE = 1e-9
_SMALLEST_VOCABULARY = 257  # 256 bytes and the end-of-document token


class SplitShares(Strict):
    """How the documents of a source that comes unsplit are divided; the three shares sum to 1."""

    train: float = Field(0.9, gt=0, lt=1, description="Share of the documents to train on.")
    valid: float = Field(0.05, gt=0, lt=1, description="Share of the documents to validate on.")
    test: float = Field(0.05, gt=0, lt=1, description="Share of the documents held out for evaluation.")

    @model_validator(mode="after")
    def _sum_to_one(self) -> Self:
        total = self.train + self.valid + self.test
        if not math.isclose(total, 1, abs_tol=_SHARES_TOLERANCE):
            raise ValueError(f"train, valid and test must sum to 1, not {total:g}")
        return self


class Packing(Strict):
    """Documents are joined and cut across their ends, empty documents included."""

    documents: int = Field(
        1000, ge=1, le=MOST_ROWS, description="Documents joined at a time; what is left over at the end of a batch is dropped."
    )
    shards: int = Field(1, ge=1, le=MOST_SHARDS, description="Contiguous shards that a split is divided into first.")
    lead: Literal["start", "none"] = Field(
        "start", description="What stands before each document: the tokenizer's `start` token, or `none`."
    )


class TextSettings(Strict):
    """How text becomes rows of tokens, whatever its source."""

    tokenizer: Pretrained | None = Field(
        None,
        description="A pretrained model's tokenizer; the family causal_lm fills in its own. Null: fit one on the training text.",
    )
    vocab_size: Annotated[int, Field(ge=_SMALLEST_VOCABULARY, le=MOST_TOKENS)] | None = Field(
        2048,
        description="Entries of the byte-level BPE vocabulary, special token included; fitted on real training text. Null, and only null, "
        "where a tokenizer is given.",
    )
    row_tokens: int = Field(
        64, ge=1, le=MOST_TOKENS, description="Tokens in each row; rows cross the end of a document only where `packing` is given."
    )
    packing: Packing | None = Field(None, description="Join documents before they are cut; null cuts each one by itself.")
    rows: Literal["blocks", "pairs"] = Field(
        "blocks", description="What a row is: `blocks` of `row_tokens` tokens of running text, or `pairs` of a prompt and its completion."
    )
    prompt_tokens: int | None = Field(
        None,
        ge=1,
        le=MOST_TOKENS,
        description="First tokens of an original block that a synthetic row continues, at most `row_tokens`; null is the whole block.",
    )
    new_tokens: int | None = Field(
        None,
        ge=1,
        le=MOST_TOKENS,
        description="Tokens of a synthetic block; null is as many as an original one has. Another number needs regimes that never train on "
        "both together.",
    )
    pairs: Pairs | None = Field(None, description="How pairs are read, with `rows: pairs`; by default columns `prompt` and `completion`.")
    split: SplitShares = Field(
        default_factory=SplitShares, description="Shares of the documents; not used where the data come already split."
    )

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_has_a_size(cls, raw: Any) -> Any:
        """Leave the vocabulary's size to a tokenizer that is given."""
        has_tokenizer = isinstance(raw, dict) and raw.get("tokenizer") is not None
        return {"vocab_size": None, **raw} if has_tokenizer else raw

    @model_validator(mode="before")
    @classmethod
    def _pairs_by_default(cls, raw: Any) -> Any:
        """Let `rows: pairs` alone mean the columns `prompt` and `completion`."""
        is_plain = isinstance(raw, dict) and raw.get("rows") == "pairs" and raw.get("pairs") is None
        return {**raw, "pairs": {}} if is_plain else raw

    @model_validator(mode="after")
    def _one_kind_of_row(self) -> Self:
        if self.pairs is None:
            if self.prompt_tokens is not None and self.prompt_tokens > self.row_tokens:
                raise ValueError(f"prompt_tokens is {self.prompt_tokens}; an original block has {self.row_tokens} (row_tokens)")
            return self
        if self.rows == "blocks":
            raise ValueError("pairs is given, but rows is `blocks`; set `rows: pairs`")
        of_blocks = [key for key in ("row_tokens", "packing", "prompt_tokens", "new_tokens") if self._is_chosen(key)]
        if of_blocks:
            raise ValueError(f"{of_blocks[0]} is for `rows: blocks`; pairs have max_prompt_tokens and max_completion_tokens under `pairs`")
        if self.pairs.messages is not None and self.tokenizer is None:
            raise ValueError("pairs.messages needs a pretrained model's chat template; a tokenizer that is fitted has none: give columns")
        return self

    def _is_chosen(self, key: str) -> bool:
        """Return whether a key has another value than the default."""
        value: Any = dict(self)[key]
        return bool(value != type(self).model_fields[key].default)

    @property
    def longest_row(self) -> int:
        """Tokens of the longest row that a model is trained on."""
        return self.row_tokens if self.pairs is None else self.pairs.row_tokens

    @property
    def mean_row(self) -> float:
        """Tokens of a row on average, as far as the config shows."""
        return self.row_tokens if self.pairs is None else self.pairs.mean_tokens

    @property
    def mean_context(self) -> float:
        """Tokens of a prompt and of what continues it, together, on average."""
        return self.longest_context if self.pairs is None else self.pairs.mean_tokens

    @property
    def longest_context(self) -> int:
        """Tokens of a prompt and of what continues it, together, at most."""
        if self.pairs is not None:
            return self.pairs.row_tokens
        return (self.prompt_tokens or self.row_tokens) + self.written_tokens

    @property
    def written_tokens(self) -> int:
        """Tokens of a synthetic row, at most."""
        return (self.new_tokens or self.row_tokens) if self.pairs is None else self.pairs.max_completion_tokens

    @model_validator(mode="after")
    def _one_vocabulary(self) -> Self:
        if (self.tokenizer is None) == (self.vocab_size is None):
            raise ValueError("give either vocab_size, or a tokenizer, which has a size of its own")
        return self
