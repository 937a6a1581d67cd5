"""Text as numbers: each row's words as ids of one lexicon that both sides share.

The words are those of `heirloom.measures.text.words`, found column by column in Arrow, which takes a fifth of the time. Rows
that were cut out of documents (they have tokens) lose the word that the cut may have gone through; whole texts do not.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heirloom.diffs.cells import Ragged, ends, ragged, strings
from heirloom.errors import HeirloomError

_LETTER = r"\p{L}\p{Nl}\p{No}\x{FFFD}"
_APOSTROPHE = "'\u2019"
# An apostrophe may stand inside a word, two in a row may not. In one expression with an "or" this would take five times as long.
_APOSTROPHES = f"[{_APOSTROPHE}]{{2,}}"
_BETWEEN = f"[^{_LETTER}{_APOSTROPHE}]+"
_UNDECODABLE = "\ufffd"
_NO_WORD = -1


class _Ids(dict[str, int]):
    """Pieces of text as they stand to the id of the word that they spell; ``words`` has each word's id."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[str, int] = {}

    def __missing__(self, piece: str) -> int:
        word = "" if _UNDECODABLE in piece else piece.strip(_APOSTROPHE).replace("\u2019", "'").casefold()
        self[piece] = self.words.setdefault(word, len(self.words)) if word else _NO_WORD
        return self[piece]


class WordLexicon:
    """Words to ids, in order of appearance; it grows as rows are read.

    Parameters
    ----------
    windows
        Whether rows are cut out of longer texts, so that a word at either end may be a part of one.
    """

    unit = "words"
    column = "text"

    def __init__(self, *, windows: bool) -> None:
        self.windows = windows
        self.invalid_rows = 0
        self._ids = _Ids()

    def __len__(self) -> int:
        return len(self._ids.words)

    def read(self, column: pa.Array) -> Ragged:
        """Return the words of each text as ids."""
        texts, wrong = strings(column)
        self.invalid_rows += wrong
        # No word has a space in it, and texts repeat what stands between two: each such piece is taken apart once.
        spaced = pc.split_pattern(texts, " ")
        coded = spaced.flatten().dictionary_encode()
        words = self._words(coded.dictionary).take(coded.indices.to_numpy(zero_copy_only=False))
        lengths = pc.list_value_length(spaced).to_numpy(zero_copy_only=False)
        values, offsets = words.values, words.offsets[ends(lengths)]
        if self.windows:
            # What touches an end is the first or last piece; where a row begins or ends between words that piece is empty.
            values[offsets[:-1][lengths > 0]] = _NO_WORD
            values[offsets[1:][lengths > 0] - 1] = _NO_WORD
        there = values != _NO_WORD
        return Ragged(values[there], ends(there)[offsets])

    def _words(self, spaced: pa.Array) -> Ragged:
        """Return the ids in each piece without a space; ``_NO_WORD`` where one begins or ends between words."""
        pieces = pc.split_pattern_regex(pc.replace_substring_regex(spaced, _APOSTROPHES, " "), _BETWEEN)
        coded = pieces.flatten().dictionary_encode()
        ids = np.fromiter(map(self._ids.__getitem__, coded.dictionary.to_pylist()), np.int64, len(coded.dictionary))
        return Ragged(ids[coded.indices.to_numpy(zero_copy_only=False)], ends(pc.list_value_length(pieces).to_numpy(zero_copy_only=False)))

    def spell(self, ids: Sequence[int]) -> list[str]:
        """Return the words of some ids."""
        words = list(self._ids.words)
        return [words[number] for number in ids]


class TokenLexicon:
    """Token ids as they are, for datasets without text."""

    unit = "tokens"
    column = "tokens"
    invalid_rows = 0

    def __init__(self) -> None:
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def read(self, column: pa.Array) -> Ragged:
        """Return each row's token ids.

        Raises
        ------
        HeirloomError
            If an id is negative, too large, or no integer.
        """
        tokens = ragged(column)
        if tokens.values.dtype != np.int64 or (tokens.values.size and not 0 <= tokens.values.min() <= tokens.values.max() < 1 << 31):
            raise HeirloomError("column tokens must hold whole numbers from 0 to 2^31 - 1")
        self._size = max(self._size, 1 + int(tokens.values.max(initial=-1)))
        return tokens

    def spell(self, ids: Sequence[int]) -> list[str]:
        """Return the numbers in angle brackets."""
        return [f"⟨{number}⟩" for number in ids]


Lexicon = WordLexicon | TokenLexicon
