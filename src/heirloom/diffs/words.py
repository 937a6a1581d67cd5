"""Text as numbers: each row's words as ids of one lexicon that both sides share.

The words are those of `heirloom.words`; Arrow finds what stands between two spaces, so that nothing is taken apart twice. Rows
that were cut out of documents (they have tokens) lose the word that the cut may have gone through; whole texts do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heirloom import words
from heirloom.diffs.cells import Ints, Ragged, ends, join, ragged, strings
from heirloom.errors import HeirloomError

_NO_WORD = -1
_MAX_PIECES = 100_000
"""Pieces whose words are remembered from one batch to the next; Arrow reads all of them to find those of a batch."""


class _Ids(dict[str, int]):
    """Words to ids, in order of appearance; the empty string, where there is no word, has none."""

    def __init__(self) -> None:
        super().__init__({"": _NO_WORD})

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self) - 1
        return number


class WordLexicon:
    """Words to ids, in order of appearance; it grows as rows are read.

    Parameters
    ----------
    windows
        Whether rows are cut out of longer texts, so that a word at either end may be a part of one.
    """

    unit: Literal["words"] = "words"
    column = "text"

    def __init__(self, *, windows: bool) -> None:
        self.windows = windows
        self.invalid_rows = 0
        self._ids = _Ids()
        self._forget()
        self._spelled: list[str] = []

    def __len__(self) -> int:
        return len(self._ids) - 1

    def read(self, column: pa.Array) -> Ragged:
        """Return the words of each text as ids."""
        texts, invalid_rows = strings(column)
        self.invalid_rows += invalid_rows
        # No word has a space in it, and texts repeat what stands between two: each such piece is taken apart once.
        spaced = pc.split_pattern(texts, " ")
        places = self._places(spaced.flatten())
        pieces = self._ids_of_pieces.take(places)
        lengths = pc.list_value_length(spaced).to_numpy(zero_copy_only=False)
        values, offsets = pieces.values, pieces.offsets[ends(lengths)]
        if self.windows:
            # What touches an end is the first or last piece; where a row begins or ends between words that piece is empty.
            starts, stops = offsets[:-1][lengths > 0], offsets[1:][lengths > 0]
            values[starts] = _NO_WORD
            values[stops - 1] = _NO_WORD
        is_word = values != _NO_WORD
        return Ragged(values[is_word], ends(is_word)[offsets])

    def _places(self, pieces: pa.Array) -> Ints:
        """Return where each piece without a space stands among those that are remembered; new ones are taken apart."""
        if len(self._pieces) > _MAX_PIECES:
            self._forget()
        known = pc.index_in(pieces, value_set=self._pieces)
        is_new = known.is_null()
        new = pieces.filter(is_new).dictionary_encode()
        places = np.array(known.fill_null(0))
        places[np.asarray(is_new)] = np.asarray(new.indices) + len(self._pieces)
        self._learn(new.dictionary)
        return places

    def _forget(self) -> None:
        self._pieces, self._ids_of_pieces = pa.array([], pa.large_string()), join([])

    def _learn(self, pieces: pa.Array) -> None:
        """Remember the ids of the words in each piece; ``_NO_WORD`` where a piece begins or ends between words."""
        rows = list(map(self._ids_of, pieces.to_pylist()))
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        ids = Ragged(np.fromiter(chain.from_iterable(rows), np.int64), ends(lengths))
        self._pieces, self._ids_of_pieces = pa.concat_arrays([self._pieces, pieces]), join([self._ids_of_pieces, ids])

    def _ids_of(self, piece: str) -> list[int]:
        return [self._ids[word] for word in words.pieces(piece)]

    def spell(self, ids: Sequence[int]) -> list[str]:
        """Return the words of some ids."""
        if len(self._spelled) < len(self):
            self._spelled = list(self._ids)[1:]
        return [self._spelled[number] for number in ids]

    def characters(self) -> Ints:
        """Return the ids of words that are one character of a script without spaces, ascending."""
        return np.array([number for word, number in self._ids.items() if words.is_character(word)], np.int64)


class TokenLexicon:
    """Token ids as they are, for datasets without text."""

    unit: Literal["tokens"] = "tokens"
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

    def characters(self) -> Ints:
        """Return no id: a token is no character."""
        return np.empty(0, np.int64)


Lexicon = WordLexicon | TokenLexicon
