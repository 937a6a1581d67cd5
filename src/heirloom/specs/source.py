"""Where a text experiment's real data comes from, one model per source, and the union of all sources."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from heirloom.specs import separator
from heirloom.specs.base import Many, Strict
from heirloom.specs.pairs import COMPLETION, PROMPT
from heirloom.specs.places import Place
from heirloom.specs.sizes import MOST_ROWS
from heirloom.specs.text import TextSettings
from heirloom.specs.vector_source import AnyVectorSource
from heirloom.specs.withdrawn import Withdrawn


class TextSource(Strict):
    """What all sources of text share."""

    _of_running_text: ClassVar[tuple[str, ...]] = ("min_paragraph_words", "text_column", "document_separator", "lines")
    """Keys that say how running text is read, and have no meaning where rows are pairs."""

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
    group_column: str | None = Field(
        None, description="The column that tells the group of a document; set from groups.column; not for config files."
    )

    @property
    def row_numbers(self) -> int:
        """Numbers of a row: tokens."""
        return self.text.longest_row

    @property
    def pool_rows(self) -> int | None:
        """Rows in the pool of real training data: None, because nobody knows them before the text is read."""
        return None

    @property
    def stated_licence(self) -> str | None:
        """The licence of the real data as the config states it."""
        return None

    @model_validator(mode="after")
    def _pairs_are_no_running_text(self) -> Self:
        if self.text.pairs is None:
            return self
        defaults = {key: field.default for key, field in type(self).model_fields.items() if key in self._of_running_text}
        chosen = [key for key, default in defaults.items() if dict(self)[key] != default]
        if chosen:
            raise ValueError(f"{chosen[0]} is for `rows: blocks`; pairs are read as they stand")
        return self


class WikipediaSource(TextSource):
    """The sample of English Wikipedia inside the gensim package: 106 articles, no download."""

    _of_running_text: ClassVar[tuple[str, ...]] = ()

    name: Literal["wikipedia"] = Field(description="The kind of source.")
    min_paragraph_words: int = Field(
        21, ge=0, le=MOST_ROWS, description="Paragraphs of fewer words (separated by white space) are dropped."
    )

    @model_validator(mode="after")
    def _pairs_have_their_columns(self) -> Self:
        if self.text.pairs is not None and self.text.pairs.columns != (PROMPT, COMPLETION):
            raise ValueError(f"the pairs made from wikipedia have the columns {PROMPT!r} and {COMPLETION!r}, and no others")
        return self


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

    @model_validator(mode="after")
    def _documents_have_a_group_each(self) -> Self:
        if self.group_column is not None and self.document_separator is not None:
            raise ValueError("document_separator joins rows, and groups.column needs the row of each document: leave one of the two out")
        return self

    @field_validator("document_separator")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        fault = separator.fault(pattern or "")
        if fault is not None:
            raise ValueError(f"{pattern!r} has {fault}, whose search may not end; write it without")
        return pattern


class FileSplits(Strict):
    """Files that come already split."""

    train: Many[Place] = Field(min_length=1, description="Paths or globs of the training files.")
    valid: Many[Place] = Field(min_length=1, description="Paths or globs of the validation files.")
    test: Many[Place] = Field(min_length=1, description="Paths or globs of the held-out files.")


class FilesSource(_SeparableText):
    """Local text: .txt (or .raw), .jsonl, .json (one list of objects) or .parquet."""

    name: Literal["files"] = Field(description="The kind of source.")
    lines: bool = Field(
        False, description="Whether each line of a .txt or .raw file is a document, with its end of line; a blank one is empty text."
    )
    paths: Annotated[Many[Place], Field(min_length=1)] | FileSplits = Field(
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
    dataset: Place = Field(description="Hub id such as Salesforce/wikitext, or a local folder.")
    config: str | None = Field(None, description="Configuration of the dataset, such as wikitext-2-raw-v1.")
    revision: str | None = Field(None, description="Commit, tag or branch on the hub; a commit pins the bytes.")
    splits: HubSplits | str = Field(
        default_factory=HubSplits,
        description="The dataset's own splits as a mapping train / valid / test, which is kept, or one split's name, divided by document.",
    )


AnySource = WikipediaSource | FilesSource | HubSource | AnyVectorSource
"""A source of any kind, as it has been read."""
AnyTextSource = Annotated[WikipediaSource | FilesSource | HubSource, Field(discriminator="name")]
Source = Annotated[WikipediaSource | FilesSource | HubSource | AnyVectorSource, Field(discriminator="name")]


def gives_same_rows(one: AnySource, other: AnySource) -> bool:
    """Return whether two sources give the same real rows: the column that tells their groups changes none."""
    bare = [source.model_copy(update={"group_column": None}) if isinstance(source, TextSource) else source for source in (one, other)]
    return bare[0] == bare[1]
