"""Where a text experiment's real data comes from, one model per source, and the union of all sources."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from heirloom.specs.base import Many, Strict
from heirloom.specs.pretrained import Pretrained
from heirloom.specs.sizes import MOST_ROWS, MOST_SHARDS, MOST_TOKENS
from heirloom.specs.vector_source import AnyVectorSource

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
    split: SplitShares = Field(
        default_factory=SplitShares, description="Shares of the documents; not used where the data come already split."
    )

    @model_validator(mode="before")
    @classmethod
    def _tokenizer_has_a_size(cls, raw: Any) -> Any:
        """Leave the vocabulary's size to a tokenizer that is given."""
        has_tokenizer = isinstance(raw, dict) and raw.get("tokenizer") is not None
        return {"vocab_size": None, **raw} if has_tokenizer else raw

    @model_validator(mode="after")
    def _one_vocabulary(self) -> Self:
        if (self.tokenizer is None) == (self.vocab_size is None):
            raise ValueError("give either vocab_size, or a tokenizer, which has a size of its own")
        return self


class Withdrawn(Strict):
    """A passage of a document that nothing is made from any more; `heirloom withdraw` writes it."""

    document: int = Field(ge=0, le=MOST_ROWS, description="Number of the document in its source, from 0.")
    start: int = Field(ge=0, le=MOST_TOKENS, description="First character of the passage, as the withdrawals before it left the document.")
    end: int = Field(ge=1, le=MOST_TOKENS, description="The character behind the last one of the passage.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the passage in UTF-8; any other passage there is refused.")
    reason: str = Field(min_length=1, max_length=1000, description="Why; the manifests of the real data keep it.")


class TextSource(Strict):
    """What all sources of text share."""

    text: TextSettings = Field(default_factory=TextSettings, description="How text becomes rows of tokens.")
    max_documents: int | None = Field(
        None, ge=1, le=MOST_ROWS, description="Documents read, the first ones of each split of the source; null reads all."
    )
    min_paragraph_words: int = Field(
        0,
        ge=0,
        le=MOST_ROWS,
        description="Lines of fewer words (separated by white space; of scripts without spaces, each character) are dropped; "
        "0 keeps the text as it is.",
    )
    withdrawn: Many[Withdrawn] = Field((), description="Passages that are cut out of the documents as these are read.")

    @property
    def row_numbers(self) -> int:
        """Numbers of a row: tokens."""
        return self.text.row_tokens

    @property
    def pool_rows(self) -> int | None:
        """Rows in the pool of real training data: None, because nobody knows them before the text is read."""
        return None

    @property
    def stated_licence(self) -> str | None:
        """The licence of the real data as the config states it."""
        return None


class WikipediaSource(TextSource):
    """The sample of English Wikipedia inside the gensim package: 106 articles, no download."""

    name: Literal["wikipedia"] = Field(description="The kind of source.")
    min_paragraph_words: int = Field(
        21, ge=0, le=MOST_ROWS, description="Paragraphs of fewer words (separated by white space) are dropped."
    )


class _SeparableText(TextSource):
    license: str | None = Field(
        None,
        min_length=1,
        description="Under which licence the text came, as hubs spell it (cc-by-4.0); it is in no slice, and stands in exports alone.",
    )
    text_column: str = Field("text", min_length=1, description="The column or key that holds the text.")
    document_separator: str | None = Field(
        None,
        description="Regular expression searched in each line (of a .txt file) or row (of any other); a match starts a "
        "new document and is its title: '^ = [^=]+ = $' for WikiText. Null: each .txt file or row is a document.",
    )

    @property
    def stated_licence(self) -> str | None:
        """The licence of the real data as the config states it."""
        return self.license

    @field_validator("document_separator")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return pattern


class FileSplits(Strict):
    """Files that come already split."""

    train: Many[str] = Field(min_length=1, description="Paths or globs of the training files.")
    valid: Many[str] = Field(min_length=1, description="Paths or globs of the validation files.")
    test: Many[str] = Field(min_length=1, description="Paths or globs of the held-out files.")


class FilesSource(_SeparableText):
    """Local text: .txt (or .raw), .jsonl, .json (one list of objects) or .parquet."""

    name: Literal["files"] = Field(description="The kind of source.")
    lines: bool = Field(
        False, description="Whether each line of a .txt or .raw file is a document, with its end of line; a blank one is empty text."
    )
    paths: Annotated[Many[str], Field(min_length=1)] | FileSplits = Field(
        description="Paths or globs (** crosses folders), relative to the working directory: a list, "
        "divided by document, or a mapping train / valid / test that is kept."
    )

    @model_validator(mode="after")
    def _one_unit(self) -> Self:
        if self.lines and self.document_separator is not None:
            raise ValueError("give either lines or a document_separator")
        return self


class HubSplits(Strict):
    """Names of the splits that a dataset comes with, slices such as ``train[:90%]`` included."""

    train: str = Field("train", min_length=1, description="The dataset's split to train on.")
    valid: str = Field("validation", min_length=1, description="The dataset's split to validate on.")
    test: str = Field("test", min_length=1, description="The dataset's split held out for evaluation.")

    @model_validator(mode="after")
    def _different(self) -> Self:
        names = (self.train, self.valid, self.test)
        if len(set(names)) < len(names):
            raise ValueError(
                f"train, valid and test must be different splits, not {', '.join(names)}; to divide one split, give its name alone"
            )
        return self


class HubSource(_SeparableText):
    """Any text dataset that ``datasets.load_dataset`` opens, on the hub or in a local folder."""

    name: Literal["hub"] = Field(description="The kind of source.")
    dataset: str = Field(min_length=1, description="Hub id such as Salesforce/wikitext, or a local folder.")
    config: str | None = Field(None, description="Configuration of the dataset, such as wikitext-2-raw-v1.")
    revision: str | None = Field(None, description="Commit, tag or branch on the hub; a commit pins the bytes.")
    splits: HubSplits | str = Field(
        default_factory=HubSplits,
        description="The dataset's own splits as a mapping train / valid / test, which is kept, or one split's name, divided by document.",
    )


AnyTextSource = Annotated[WikipediaSource | FilesSource | HubSource, Field(discriminator="name")]
Source = Annotated[WikipediaSource | FilesSource | HubSource | AnyVectorSource, Field(discriminator="name")]
