"""Text to rows of tokens and back: a byte-level BPE fitted on real training text only.

Byte-pair encoding (Sennrich, Haddow and Birch 2016), over bytes as in Radford et al. (2019), spells any text: nothing
a model reads or writes is ever unknown.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

END_OF_DOCUMENT = "<|endoftext|>"
END_OF_DOCUMENT_ID = 0

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # threads are given to jobs; and forks after use would warn


def fit(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Fit a byte-level BPE tokenizer.

    Parameters
    ----------
    texts
        Documents of the real training split, read once.
    vocab_size
        Entries: the end-of-document token (id 0), the 256 bytes and merges of pairs seen at least twice.

    Raises
    ------
    HeirloomError
        If there is no text, or too little to find that many entries.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[END_OF_DOCUMENT],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_not_empty(texts), trainer)
    num_entries = tokenizer.get_vocab_size()
    if num_entries < vocab_size:
        raise HeirloomError(
            f"source.text.vocab_size: {vocab_size} given, but the training text fills only {num_entries}; "
            f"lower it to {num_entries} or less, or give more text"
        )
    return _text_only(tokenizer)


def to_json(tokenizer: Tokenizer) -> str:
    """Return the content of ``tokenizer.json``, a file that ``transformers.PreTrainedTokenizerFast`` reads too."""
    text: str = tokenizer.to_str(pretty=True)
    return text + "\n"


def from_json(text: str) -> Tokenizer:
    """Return the tokenizer that ``to_json`` wrote; HeirloomError if the text is none."""
    from tokenizers import Tokenizer

    try:
        return _text_only(Tokenizer.from_str(text))
    except Exception as error:  # the library raises nothing narrower
        raise HeirloomError(f"tokenizer.json: no tokenizer ({error})") from error


def encode_rows(texts: Iterable[str], tokenizer: Tokenizer, row_tokens: int) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Cut each document into rows of equal length, dropping the remainder.

    Parameters
    ----------
    texts
        Documents; one that spells ``<|endoftext|>`` is read as those characters, never as the token.
    tokenizer
        From ``fit``.
    row_tokens
        T, tokens in a row.

    Yields
    ------
    index of the document, and its rows: int32 array of shape (N, T), N ≥ 1; shorter documents are passed over

    Raises
    ------
    HeirloomError
        If no document has T tokens.
    """
    has_rows = False
    for index, text in enumerate(texts):
        ids = tokenizer.encode(text).ids
        num_rows = len(ids) // row_tokens
        if num_rows:
            has_rows = True
            yield index, np.array(ids[: num_rows * row_tokens], dtype=np.int32).reshape(num_rows, row_tokens)
    if not has_rows:
        raise HeirloomError(f"source.text.row_tokens: {row_tokens} given, but no document is that long; lower it or give longer documents")


def decode(tokenizer: Tokenizer, tokens: NDArray[np.int32]) -> list[str]:
    """Return the text of each row of an (N, T) array; a character cut by the row's edge shows as U+FFFD."""
    return decode_lists(tokenizer, tokens.tolist())


def with_special_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """Return a copy of a tokenizer that reads what spells a special token as that token: for text that a chat template has written."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.encode_special_tokens = False
    return copy


def decode_lists(tokenizer: Tokenizer, lists: Sequence[Sequence[int]]) -> list[str]:
    """Return the text of lists of token ids of any lengths, special tokens spelled out, as `decode` does."""
    texts: list[str] = tokenizer.decode_batch(lists, skip_special_tokens=False)
    return texts


def encode_lists(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Return the token ids of texts, without tokens that the tokenizer would put around them."""
    return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _text_only(tokenizer: Tokenizer) -> Tokenizer:
    """Make a document that spells a special token stay text; the library forgets this setting when it saves."""
    tokenizer.encode_special_tokens = True
    return tokenizer


def _not_empty(texts: Iterable[str]) -> Iterator[str]:
    is_empty = True
    for text in texts:
        is_empty = is_empty and not text.strip()
        yield text
    if is_empty:
        raise HeirloomError("source: the training split holds no text")
