"""Words in the scripts of the world, by one splitter: what a reader of each would count."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heirloom import words
from heirloom.diffs.engine import diff
from heirloom.report.page.texts import marked_pieces
from heirloom.runtime.streams import Stream

SIX = ["गंगा", "सीता", "पर्वत", "आकाश", "नदी", "राम"]
TWELVE = ["नमस्ते", "दुनिया", "किताब", "हिंदी", "में", "मैं", "और", "एक", "यह", "लिखता", "हूँ", "है"]
LETTERS = st.text(st.sampled_from("aB'’é1 .\ufffd\n\u0301\u00e9日ー々กำ\u0e49हि\u094d\u200c\u200d\u00adx"), max_size=16)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (" The cat sat. ", ["the", "cat", "sat"]),
        ("the cat sat", ["cat"]),
        ("word", []),
        ("", []),
        (" don't rock'n'roll 'quoted' ", ["don't", "rock'n'roll", "quoted"]),
        (" don\u2019t l\u2019heure ''x'' don''t ", ["don't", "l'heure", "x", "don", "t"]),
        ("'tis was the dogs'", ["was", "the"]),
        (" ab12cd x_y well-known 1,000 m\u00b2 ", ["ab", "cd", "x", "y", "well", "known", "m\u00b2"]),
        (" Straße ÉTÉ ", ["strasse", "été"]),
        (" a caf\ufffd and \ufffdtre b ", ["a", "and", "b"]),
    ],
)
def test_words_are_uncut_runs_of_letters_casefolded(row: str, expected: list[str]) -> None:
    assert words.words(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (" e\u0301te\u0301 ÉTÉ \u212bngstrom ", ["été", "été", "ångstrom"]),
        (" हिन्दी में नमस्ते ", ["हिन्दी", "में", "नमस्ते"]),
        (" بِسْمِ اللَّهِ ", ["بِسْمِ", "اللَّهِ"]),
        (" שָׁלוֹם ", [unicodedata.normalize("NFC", "שָׁלוֹם")]),
        (" می\u200cخواهم کتاب\u200c ", ["می\u200cخواهم", "کتاب"]),
        (" അവന്\u200d അവന് ", ["അവന്\u200d", "അവന്"]),
        (" co\u00adop word\u200f ", ["coop", "word"]),
        (" diˇim ʻokina м’ята ", ["diˇim", "ʻokina", "м'ята"]),
        (" 한국어 \u1112\u1161\u11ab ", ["한국어", "한"]),
        (" བོད་ཡིག ", ["བོད", "ཡིག"]),
        (" 👩\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 ", []),
        ("\u0301tude the e\u0301", ["the"]),
    ],
)
def test_marks_and_joiners_belong_to_the_word_in_which_they_stand(row: str, expected: list[str]) -> None:
    assert words.words(row) == expected


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (" 戦場のアー、abc ", ["戦", "場", "の", "ア", "ー", "abc"]),
        (" か\u3099 が 時々 ", ["が", "が", "時", "々"]),
        (" น้ำดื่ม ", ["น้ำ", "ดื่", "ม"]),
        (" ကြောင့် မြန်မာ ", ["ကြော", "င့်", "မြ", "န်", "မာ"]),
        (" ខ្មែរ ", ["ខ្មែ", "រ"]),
        (" ພາສາ ", ["ພ", "າ", "ສ", "າ"]),
        ("日本語", ["本"]),
    ],
)
def test_scripts_without_spaces_are_counted_by_character_with_its_marks(row: str, expected: list[str]) -> None:
    assert words.words(row) == expected


@settings(deadline=None, max_examples=300)
@given(LETTERS)
def test_composed_and_decomposed_texts_have_the_same_words_and_places_agree_with_counts(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert words.pieces(text) == words.pieces(composed) == words.pieces(decomposed)
    spans = list(words.spans(text))
    assert [span.word for span in spans if not span.cut] == words.words(text)
    assert words.count([text, text]) == {word: 2 * words.words(text).count(word) for word in words.words(text)}


def test_word_counts_of_batches_add_up() -> None:
    batches = [[" the cat ", " The dog "], [" a cat "]]
    together = words.count(row for batch in batches for row in batch)
    assert together == words.count(batches[0]) + words.count(batches[1])
    assert together == {"the": 2, "cat": 2, "dog": 1, "a": 1}


@pytest.mark.parametrize(("line", "length"), [("one two, three", 3), ("今天天气很好。abc de", 8), ("น้ำ is water", 4), ("", 0)])
def test_a_line_is_as_long_as_its_pieces_between_spaces_and_its_characters_without(line: str, length: int) -> None:
    assert words.spaced_length(line) == length


def test_the_page_marks_a_word_with_its_marks_and_none_beside_a_broken_character() -> None:
    known_words = frozenset(["नमस्ते", "été"])
    assert marked_pieces(" नमस्ते e\u0301te\u0301 गंगा abc\ufffd ", known_words) == [" नमस्ते e\u0301te\u0301 ", ["गंगा", "i"], " abc\ufffd "]


def test_six_of_eighteen_hindi_words_are_lost(tmp_path: Path) -> None:
    for name, vocabulary in (("a", TWELVE + SIX), ("b", TWELVE)):
        tokens = Stream((name,)).generator().integers(0, len(vocabulary), (60, 30))
        _write(tmp_path / name, [" ".join(vocabulary[word] for word in row) for row in tokens])
    vocabulary_diff = diff(str(tmp_path / "a"), str(tmp_path / "b")).vocabulary
    assert vocabulary_diff is not None
    assert (vocabulary_diff.types_a, vocabulary_diff.types_b, vocabulary_diff.lost, vocabulary_diff.gained, vocabulary_diff.notes) == (
        18,
        12,
        6,
        0,
        (),
    )


def test_the_diff_says_how_many_words_are_characters(tmp_path: Path) -> None:
    _write(tmp_path / "a", ["the 日本 of", "the 日"])
    _write(tmp_path / "b", ["the of"])
    vocabulary_diff = diff(str(tmp_path / "a"), str(tmp_path / "b")).vocabulary
    assert vocabulary_diff is not None
    line = (
        "3 of A's 6 words and 0 of B's 2 are characters of Chinese, Japanese, Thai, Lao, Khmer, Burmese and other scripts that put no "
        "space between words: each is counted by itself, with its marks"
    )
    assert vocabulary_diff.notes == (line,)


def _write(path: Path, texts: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": texts}), path)
