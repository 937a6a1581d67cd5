"""Tokens spell any text, come in rows of one length, and do not depend on when or where the tokenizer was fitted."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from heirloom.data import tokenization
from heirloom.errors import HeirloomError

CORPUS = ["the cat sat on the mat\nthe dog sat on the log", "a cat and a dog; the end of the tale"] * 3
AWKWARD = "Ünï 漢字 🙂\u200b e\u0301 <|endoftext|>\n\n\ttail  "


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tokenization.fit(CORPUS, 280)


def rows_of(text: str, tokenizer: Tokenizer) -> np.ndarray:
    ((_, tokens),) = tokenization.encode_rows([text], tokenizer, 1)
    return tokens.reshape(1, -1)


def test_the_vocabulary_has_the_size_asked_for_and_starts_with_the_end_of_document(tokenizer: Tokenizer) -> None:
    assert tokenizer.get_vocab_size() == 280
    assert tokenizer.id_to_token(tokenization.END_OF_DOCUMENT_ID) == "<|endoftext|>"


def test_two_fits_give_equal_bytes(tokenizer: Tokenizer) -> None:
    assert tokenization.to_json(tokenization.fit(CORPUS, 280)) == tokenization.to_json(tokenizer)


def test_the_number_of_threads_changes_no_byte(tokenizer: Tokenizer) -> None:
    program = f"from heirloom.data import tokenization as t; print(t.to_json(t.fit({CORPUS!r}, 280)), end='')"
    for threads in ("1", "3"):
        environment = {**os.environ, "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "true"}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
        assert done.stdout.decode() == tokenization.to_json(tokenizer)


def test_only_frequent_pairs_become_entries() -> None:
    learnt = tokenization.fit(["ab ab ab", "cd"], 258)
    assert learnt.id_to_token(257) == "ab"


@pytest.mark.parametrize("text", [AWKWARD, "a", " leading and trailing ", "\r\n\x00"])
def test_any_text_comes_back_as_it_was(text: str, tokenizer: Tokenizer) -> None:
    assert tokenization.decode(tokenizer, rows_of(text, tokenizer)) == [text]


@given(text=st.text(min_size=1))
def test_any_unicode_comes_back_as_it_was(text: str, tokenizer: Tokenizer) -> None:
    assert tokenization.decode(tokenizer, rows_of(text, tokenizer)) == [text]


def test_a_document_that_spells_the_special_token_does_not_contain_it(tokenizer: Tokenizer) -> None:
    reloaded = tokenization.from_json(tokenization.to_json(tokenizer))
    for reader in (tokenizer, reloaded):
        assert tokenization.END_OF_DOCUMENT_ID not in rows_of(AWKWARD, reader)


def test_a_saved_tokenizer_is_the_same_tokenizer(tokenizer: Tokenizer) -> None:
    text = tokenization.to_json(tokenizer)
    reloaded = tokenization.from_json(text)
    assert tokenization.to_json(reloaded) == text
    np.testing.assert_array_equal(rows_of(AWKWARD, reloaded), rows_of(AWKWARD, tokenizer))


def test_rows_are_cut_inside_a_document_and_the_remainder_is_dropped() -> None:
    learnt = tokenization.fit(CORPUS, 257)  # no merges: one token a byte
    rows = list(tokenization.encode_rows(["abcdefg", "hi", "jklm"], learnt, 3))
    assert [index for index, _ in rows] == [0, 2]
    assert [tokenization.decode(learnt, tokens) for _, tokens in rows] == [["abc", "def"], ["jkl"]]
    assert {tokens.dtype for _, tokens in rows} == {np.dtype(np.int32)}
    assert [tokens.shape for _, tokens in rows] == [(2, 3), (1, 3)]


def test_rows_are_the_document_s_tokens_in_order(tokenizer: Tokenizer) -> None:
    ((_, long),) = tokenization.encode_rows(CORPUS[:1], tokenizer, 5)
    np.testing.assert_array_equal(long.ravel(), rows_of(CORPUS[0], tokenizer)[0, : long.size])


def test_decoding_a_batch_decodes_each_row(tokenizer: Tokenizer) -> None:
    ((_, tokens),) = tokenization.encode_rows([CORPUS[0]], tokenizer, 4)
    assert "".join(tokenization.decode(tokenizer, tokens)) == CORPUS[0][: len("".join(tokenization.decode(tokenizer, tokens)))]
    assert tokenization.decode(tokenizer, tokens[:0]) == []


def test_the_special_token_shows_in_decoded_text(tokenizer: Tokenizer) -> None:
    assert tokenization.decode(tokenizer, np.zeros((1, 2), dtype=np.int32)) == ["<|endoftext|>" * 2]


def test_a_larger_vocabulary_never_takes_more_tokens() -> None:
    lengths = [rows_of(CORPUS[0], tokenization.fit(CORPUS, size)).size for size in (257, 265, 280)]
    assert all(later < earlier for earlier, later in pairwise(lengths))


def test_the_file_opens_in_transformers(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from transformers import PreTrainedTokenizerFast

    path = tmp_path / "tokenizer.json"
    path.write_text(tokenization.to_json(tokenizer), encoding="utf-8")
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(path))
    assert theirs(CORPUS[0])["input_ids"] == rows_of(CORPUS[0], tokenizer)[0].tolist()
    assert theirs.convert_tokens_to_ids("<|endoftext|>") == 0
    assert len(theirs) == 280


def test_a_corpus_too_small_for_the_vocabulary_says_how_far_it_reaches() -> None:
    expected = r"^source.text.vocab_size: 2048 given, but the training text fills only 258; lower it to 258 or less"
    with pytest.raises(HeirloomError, match=expected):
        tokenization.fit(["ab ab"], 2048)
    assert tokenization.fit(["ab ab"], 258).get_vocab_size() == 258


@pytest.mark.parametrize("texts", [[], ["", " \n"]])
def test_an_empty_corpus_is_refused(texts: list[str]) -> None:
    with pytest.raises(HeirloomError, match="source: the training split holds no text"):
        tokenization.fit(texts, 257)


def test_documents_shorter_than_every_row_are_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(HeirloomError, match=r"source.text.row_tokens: 64 given, but no document is that long"):
        list(tokenization.encode_rows(["short"], tokenizer, 64))


@pytest.mark.parametrize("text", ["", "{", "null", "{}"])
def test_what_is_no_tokenizer_is_refused(text: str) -> None:
    with pytest.raises(HeirloomError, match=r"^tokenizer\.json: no tokenizer \("):
        tokenization.from_json(text)
