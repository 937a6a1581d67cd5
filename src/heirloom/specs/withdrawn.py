"""A passage that was withdrawn from a source of text, as the config keeps it."""

from __future__ import annotations

from pydantic import Field

from heirloom.specs.base import Strict
from heirloom.specs.sizes import MOST_ROWS, MOST_TOKENS


class Withdrawn(Strict):
    """A passage of a document that nothing is made from any more; `heirloom withdraw` writes it."""

    document: int = Field(ge=0, le=MOST_ROWS, description="Number of the document in its source, from 0.")
    start: int = Field(ge=0, le=MOST_TOKENS, description="First character of the passage, as the withdrawals before it left the document.")
    end: int = Field(ge=1, le=MOST_TOKENS, description="The character behind the last one of the passage.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the passage in UTF-8; any other passage there is refused.")
    reason: str = Field(min_length=1, max_length=1000, description="Why; the manifests of the real data keep it.")
