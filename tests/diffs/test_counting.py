"""Words, n-grams, log-odds and near-duplicates, against counts by hand."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import heirloom
from heirloom.diffs import near
from heirloom.diffs.cells import Ragged, ends
from heirloom.diffs.corpus import repeated_share
from heirloom.diffs.spool import Block, Spool, pack, unpack
from heirloom.diffs.vocabulary import log_odds
from heirloom.diffs.words import TokenLexicon, WordLexicon
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.words import words

Write = Callable[..., Path]

TEXTS = st.lists(st.text(st.sampled_from("aB'’é1 .\ufffd\n\u0301日ก\u0e49"), max_size=14), max_size=4)


def rows_of(*rows: list[int]) -> Ragged:
    return Ragged(np.array([one for row in rows for one in row], np.int64), ends(np.array([len(row) for row in rows])))


def read(texts: list[str], *, windows: bool) -> list[list[str]]:
    lexicon = WordLexicon(windows=windows)
    return [lexicon.spell(row.tolist()) for row in lexicon.read(pa.array(texts, pa.string())).rows()]


@settings(deadline=None)
@given(TEXTS)
@example(["it's 'tis dogs' ''x'' don''t", "’a b’"])
def test_words_of_cut_rows_are_those_that_the_measures_count(texts: list[str]) -> None:
    assert read(texts, windows=True) == [words(text) for text in texts]


def test_words_of_whole_texts_keep_both_ends() -> None:
    assert read(["Cat's end", "", "one"], windows=False) == [["cat's", "end"], [], ["one"]]
    assert read(["Cat's end sat", "one"], windows=True) == [["end"], []]


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_packed_gram_is_unpacked_and_never_crosses_a_row(n: int) -> None:
    rows = rows_of([1, 2, 3, 4], [], [5], [6, 7, 8])
    grams = [unpack(int(gram), n) for gram in pack(rows, n).values]
    expected = [row[i : i + n] for row in ([1, 2, 3, 4], [5], [6, 7, 8]) for i in range(len(row) - n + 1)]
    assert grams == expected


@pytest.mark.parametrize("expected_grams", [10, 10**9])
def test_counts_are_exact_in_one_part_and_in_many(tmp_path: Path, expected_grams: int) -> None:
    spool = Spool(tmp_path, 2, expected_grams)
    a, b = (Stream((name,)).generator().integers(0, 9, (50, 6)) for name in "ab")
    for side, table in (("a", a), ("b", b)):
        for half in (table[:20], table[20:]):
            spool.add(side, rows_of(*half.tolist()))
    counts = {int(gram): (int(x), int(y)) for block in spool.blocks() for gram, x, y in zip(*block, strict=True)}
    by_hand = [Counter((row[i] << 31) | row[i + 1] for row in table.tolist() for i in range(5)) for table in (a, b)]
    assert counts == {gram: (by_hand[0][gram], by_hand[1][gram]) for gram in by_hand[0] | by_hand[1]}
    assert (len(list(tmp_path.iterdir())) == 1) == (expected_grams == 10)


def test_a_gram_that_occurs_more_often_than_is_counted_at_once_is_one_gram(tmp_path: Path) -> None:
    spool = Spool(tmp_path, 2, 10)
    spool.add("a", rows_of([7] * 300_001, [3, 7, 8]))
    spool.add("b", rows_of([7] * 300_002, [8, 9]))
    found = [[unpack(gram, 2), x, y] for block in spool.blocks() for gram, x, y in np.stack(block, axis=1).tolist()]
    assert found == [[[3, 7], 1, 0], [[7, 7], 300_000, 300_001], [[7, 8], 1, 0], [[8, 9], 0, 1]]


def test_of_words_that_moved_equally_those_that_were_read_first_are_named(write: Write) -> None:
    before, after = (["".join(letters) for letters in product(first, "abcdefgh", "abcdefgh")] for first in "xy")
    found = heirloom.diff(write("a", text=[" ".join(before)] * 3), write("b", text=[" ".join(after)] * 3), max_examples=3)
    assert found.vocabulary is not None
    assert [gram.gram for gram in found.vocabulary.moved if gram.n == 1] == ["yaa", "yab", "yac", "xaa", "xab", "xac"]


def test_log_odds_are_those_of_monroe_and_others_by_hand() -> None:
    delta, z = log_odds(Block(np.arange(2), np.array([8, 2]), np.array([2, 8])), (10, 10), prior=10)
    alpha = 10 * 10 / 20
    by_hand = math.log((2 + alpha) / (20 - 2 - alpha)) - math.log((8 + alpha) / (20 - 8 - alpha))
    assert delta.tolist() == pytest.approx([by_hand, -by_hand])
    assert z.tolist() == pytest.approx([by_hand / math.sqrt(1 / (8 + alpha) + 1 / (2 + alpha)), -by_hand / math.sqrt(1 / 13 + 1 / 7)])


def test_repetition_is_the_share_of_3_grams_said_before_in_the_row() -> None:
    share = repeated_share(rows_of([1, 2, 3, 1, 2, 3], [1, 2, 3], [1, 2], [4, 4, 4, 4]))
    assert share.tolist() == [0.25, 0, 0, 0.5]


def test_a_row_with_one_word_changed_is_a_near_duplicate_and_another_row_is_not() -> None:
    rows = Stream(("near",)).generator().integers(0, 5000, (40, 64)).tolist()
    changed = [list(row) for row in rows[:20]]
    for row in changed:
        row[32] = 9999
    best, likeness = near.nearest(near.signatures(rows_of(*changed), 0), near.signatures(rows_of(*rows[10:]), 0))
    assert best.tolist() == [-1] * 10 + list(range(10))
    jaccard = 59 / 65  # of 62 3-grams three differ on either side
    assert abs(likeness[10:].mean() - jaccard) < 4 * math.sqrt(jaccard * (1 - jaccard) / (64 * 10))


def test_short_rows_are_near_by_their_words_and_no_rows_give_no_signature() -> None:
    assert near.nearest(near.signatures(rows_of([1, 2]), 0), near.signatures(rows_of([5, 6], [1, 2]), 0))[0].tolist() == [1]
    assert near.signatures(rows_of(), 0).shape == (0, 64)


def test_tokens_must_be_whole_numbers() -> None:
    lexicon = TokenLexicon()
    assert lexicon.read(pa.array([[3, 1], None])).values.tolist() == [3, 1]
    assert (len(lexicon), lexicon.spell([3])) == (4, ["⟨3⟩"])
    with pytest.raises(HeirloomError, match="whole numbers from 0"):
        lexicon.read(pa.array([[-1]]))
