"""The whole comparison on small files: nothing from nothing, planted changes found and named, bad input told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heirloom
from heirloom.diffs.render import terminal
from heirloom.diffs.render.page import page
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream

Write = Callable[..., Path]

ROWS = st.lists(st.sampled_from(["the cat sat", "the cat ran", "a dog", "a dog sat", ""]), min_size=1, max_size=8)
FEW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def texts(name: str, rows: int = 60) -> list[str]:
    drawn = Stream((name,)).generator().zipf(1.6, (rows, 12)) % 50
    return [" ".join("w" + "abcdefghij"[n // 10] + "abcdefghij"[n % 10] for n in row) for row in drawn.tolist()]


@FEW
@given(ROWS, st.randoms(use_true_random=False))
def test_rows_in_another_order_are_the_same_rows(write: Write, rows: list[str], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    found = heirloom.diff(write("a", text=rows), write("b", text=shuffled))
    assert found.same
    assert found.rows is not None
    assert (found.rows.kept, found.rows.removed, found.rows.added, found.rows.edited) == (len(rows), 0, 0, 0)
    assert found.rows.same_order == (rows == shuffled)
    assert found.vocabulary is None
    assert found.distribution is None


@FEW
@given(ROWS, ROWS)
def test_counts_add_up_and_the_mirror_image_is_mirrored(write: Write, a: list[str], b: list[str]) -> None:
    paths = write("a", text=a), write("b", text=b)
    there, back = heirloom.diff(*paths), heirloom.diff(*paths[::-1])
    one, other = there.rows, back.rows
    assert one is not None
    assert other is not None
    assert one.kept + one.edited + one.removed == len(a)
    assert one.kept + one.edited + one.added == len(b)
    assert (one.removed, one.added, one.repeated_a, one.near_removed) == (other.added, other.removed, other.repeated_b, other.near_added)
    assert (one.removed_examples, one.added_examples) == (other.added_examples, other.removed_examples)
    if there.vocabulary and back.vocabulary:
        assert (there.vocabulary.lost, there.vocabulary.gained) == (back.vocabulary.gained, back.vocabulary.lost)
        strongest, mirrored = ([m.z for m in found.vocabulary.moved] for found in (there, back) if found.vocabulary)
        assert max(strongest, default=0) == pytest.approx(-min(mirrored, default=0))
    if there.distribution and back.distribution:
        assert there.distribution.uncorrected == pytest.approx(back.distribution.uncorrected)


def test_a_planted_row_a_planted_word_and_a_doubled_row_are_found_and_named(write: Write) -> None:
    base = texts("base")
    changed = [*base, "a brand new row", base[7]]
    changed[3] = changed[3].replace(" ", " uniqueword ", 1)
    found = heirloom.diff(write("a", text=base), write("b", text=changed))
    assert found.rows is not None
    assert (found.rows.kept, found.rows.edited, found.rows.removed, found.rows.added) == (59, 1, 0, 2)
    (pair,) = found.rows.edited_examples
    assert [piece.text for piece in pair.b if piece.changed] == [" uniqueword"]
    assert found.rows.added_examples == ("a brand new row", base[7])
    assert (found.rows.repeated_a, found.rows.repeated_b) == (0, 1)
    assert found.vocabulary is not None
    assert {"uniqueword", "brand", "new", "row"} <= set(found.vocabulary.gained_examples)
    assert found.verdict.answer == "distribution shifted"  # a row without a word of the others, one of three that were added
    without = [row for row in changed if row != "a brand new row"]
    assert heirloom.diff(write("a", text=base), write("b", text=without)).verdict.answer == "different rows, same distribution"


def test_a_dropped_rare_word_is_named_as_lost_in_its_band(write: Write) -> None:
    base = texts("base")
    found = heirloom.diff(write("a", text=[*base, "rareword"]), write("b", text=[*base, "wab"]))
    assert found.vocabulary is not None
    (once,) = (band for band in found.vocabulary.bands if band.band == "1")
    assert once.lost_examples == ("rareword",)
    assert (once.types - once.survived, found.vocabulary.lost) == (1, 1)


def test_words_gained_are_counted_by_how_often_b_has_them(write: Write) -> None:
    found = heirloom.diff(write("a", text=["old word"]), write("b", text=["old word", "new twice twice"]))
    assert "Gained: 1 seen 1 times, 1 seen 2-4 times." in terminal.text(page(found))
    frame = found.to_pandas().set_index("name")
    assert frame.loc["gained, seen 2-4 times", "b"] == 1


def test_one_token_changed_under_a_prompt_is_one_edit(write: Write) -> None:
    rows = [[n, n + 1, n + 2, n + 3] for n in range(40)]
    edited = [list(row) for row in rows]
    edited[5][2] = 99
    columns = {"parent": list(range(40))}
    found = heirloom.diff(write("a", tokens=rows, **columns), write("b", tokens=edited, **columns))
    assert found.kind == "tokens"
    assert found.rows is not None
    assert (found.rows.kept, found.rows.rewritten, found.rows.removed, found.rows.added) == (39, 1, 0, 0)
    frame = found.to_pandas().set_index(["section", "name"])
    assert frame.loc[("rewrites", "replaced"), "a"] == 1
    edits = found.rows.rewrites
    assert edits is not None
    assert (edits.replaced, edits.inserted, edits.deleted, edits.changed_share, edits.first_change) == (1, 0, 0, 0.25, 2)
    (pair,) = found.rows.rewritten_examples
    assert [piece.text for piece in pair.b if piece.changed] == [" ⟨99⟩"]


def test_a_narrower_law_is_called_narrower_and_its_mirror_broader(write: Write) -> None:
    wide = texts("wide", 300)
    narrow = [text.replace("wad", "wab").replace("wae", "wab").replace("wac", "wab").replace("waf", "wab") for text in texts("narrow", 300)]
    paths = write("a", text=wide), write("b", text=narrow)
    assert [heirloom.diff(*pair).verdict.direction for pair in (paths, paths[::-1])] == ["narrower", "broader"]


def test_rows_of_one_law_are_different_rows_of_the_same_distribution(write: Write) -> None:
    found = heirloom.diff(write("a", text=texts("one", 300)), write("b", text=texts("other", 300)))
    assert found.verdict.answer == "different rows, same distribution"
    assert found.distribution is not None
    assert found.distribution.distance < 0.05 < found.distribution.uncorrected


DOGS = [f"dog bites man {number}" for number in range(40)]
UNSEEN = {
    "order": [f"man bites dog {number}" for number in range(40)],
    "capitals": [text.upper() for text in DOGS],
    "digits": [text + "0" for text in DOGS],
    "punctuation": [text + "!" for text in DOGS],
    "emoticons": [text + " :-) \N{GRINNING FACE}" for text in DOGS],
}


@pytest.mark.parametrize("what", UNSEEN)
def test_the_verdict_on_text_claims_no_more_than_counts_of_words_show(what: str, write: Write) -> None:
    found = heirloom.diff(write("a", text=DOGS), write("b", text=UNSEEN[what]))
    said = "no test of word counts finds more than chance (smallest p 1, divergence)"
    unseen = "order, capitals, digits, punctuation and other signs are not tested"
    assert found.verdict.line.startswith("different rows, same distribution: ")
    assert found.verdict.line.endswith(f"kept; {said}; {unseen}")


def test_the_verdict_on_tokens_claims_no_more_than_counts_of_tokens_show(write: Write) -> None:
    tokens = [[1, 2, number] for number in range(3, 43)]
    found = heirloom.diff(write("a", tokens=tokens), write("b", tokens=[row[::-1] for row in tokens]))
    said = "no test of token counts finds more than chance (smallest p 1, divergence); the order of tokens is not tested"
    assert found.verdict.line.endswith(f"kept; {said}")


def test_a_sample_without_its_long_rows_is_not_a_fair_sample(write: Write) -> None:
    base = texts("base", 200)
    long = [f"{row} and on and on" if n % 2 else row for n, row in enumerate(base)]
    fair, unfair = long[:100], long[::2]
    a = write("a", text=long)
    assert heirloom.diff(a, write("fair", text=fair)).verdict.answer == "different rows, same distribution"
    found = heirloom.diff(a, write("unfair", text=unfair))
    assert found.verdict.answer == "distribution shifted"
    assert found.distribution is not None
    assert found.distribution.notes == ("tests compare the removed rows with the kept ones",)


def test_vectors_are_compared_as_vectors(write: Write) -> None:
    a, b = (Stream((name,)).generator().standard_normal((400, 2)) for name in "ab")
    wide, narrow = write("a", x=a.tolist()), write("b", x=(0.6 * b).tolist())
    found = heirloom.diff(wide, narrow)
    assert (found.kind, found.verdict.direction, found.vocabulary) == ("vectors", "narrower", None)
    alike = heirloom.diff(wide, write("c", x=b.tolist())).verdict
    assert (alike.answer, "no test finds more than chance" in alike.evidence) == ("different rows, same distribution", True)
    assert found.distribution is not None
    measures = {measure.name: measure for measure in found.distribution.measures}
    distances = [measures[f"Kolmogorov-Smirnov distance of dimension {dimension}"].b for dimension in (0, 1)]
    assert max(distances) == measures["Kolmogorov-Smirnov distance, largest of all dimensions"].b
    assert measures["covariance of dimensions 0 and 1"].a == pytest.approx(np.cov(a, rowvar=False)[0, 1])


def test_folders_of_parquet_and_saved_datasets_are_datasets(write: Write, tmp_path: Path) -> None:
    import datasets

    a = write("a", text=["one", "two", "three"])
    (tmp_path / "hub").mkdir()
    for number, part in enumerate((["one"], ["two", "three"])):
        pq.write_table(pa.table({"text": part}), tmp_path / "hub" / f"train-{number}.parquet")
    datasets.Dataset.from_dict({"text": ["one", "two", "three"]}).save_to_disk(str(tmp_path / "saved"))
    for folder in ("hub", "saved"):
        found = heirloom.diff(a, tmp_path / folder)
        assert found.same
        assert found.rows is not None
        assert found.rows.same_order


def test_splits_are_never_mixed_and_what_datasets_remembers_is_no_row(write: Write, tmp_path: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["one", "two"]})
    saved = tmp_path / "saved"
    datasets.DatasetDict({"train": rows, "test": rows}).save_to_disk(str(saved))
    a = write("a", text=["one", "two"])
    with pytest.raises(HeirloomError, match=f"several datasets; name one of them: {saved}/test, {saved}/train"):
        heirloom.diff(a, saved)
    (saved / "train/cache-0.arrow").write_bytes((saved / "test/data-00000-of-00001.arrow").read_bytes())
    assert heirloom.diff(a, saved / "train").same


def test_empty_datasets_are_compared(write: Write) -> None:
    empty = write("a", text=pa.array([], pa.string()))
    assert heirloom.diff(empty, write("b", text=pa.array([], pa.large_string()))).same
    assert not heirloom.diff(empty, write("d", text=pa.array([], pa.string()), row=pa.array([], pa.int64()))).same
    found = heirloom.diff(empty, write("c", text=["one"]))
    assert (found.verdict.answer, found.rows and found.rows.added) == ("different", 1)


def test_one_huge_row_and_bytes_that_are_no_utf8_are_read(write: Write) -> None:
    huge = "word " * 400_000
    a, b = write("a", text=pa.array([b"fine", huge.encode(), b"b\xffd"])), write("b", text=["fine", huge + "end", "other"])
    found = heirloom.diff(a, b)
    assert found.rows is not None
    assert (found.rows.kept, found.rows.notes) == (1, ("1 row holds bytes that are not UTF-8; they are read as U+FFFD",))
    assert all(len(text) < 2100 for text in (*found.rows.removed_examples, *found.rows.added_examples))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"content": ["a"]}, "cannot be compared: .*has text, .*has content"),
        ({"x": [[1.0]]}, "cannot be compared: .*has text, .*has x"),
        ({"text": [3]}, r"b.parquet: column text holds int64; allowed is text \(string, large_string, .*\), as on the other side"),
    ],
)
def test_what_cannot_be_compared_is_said_in_one_line(write: Write, columns: dict[str, object], said: str) -> None:
    with pytest.raises(HeirloomError, match=said) as caught:
        heirloom.diff(write("a", text=["a"]), write("b", **columns))
    assert "\n" not in str(caught.value)


def test_what_is_no_dataset_is_said_in_one_line(write: Write, tmp_path: Path) -> None:
    a = write("a", text=["a"])
    (tmp_path / "b.parquet").write_text("not Parquet")
    (tmp_path / "empty").mkdir()
    for given_path, said in ((tmp_path / "b.parquet", "cannot be read as Parquet"), (tmp_path / "empty", "no dataset")):
        with pytest.raises(HeirloomError, match=said):
            heirloom.diff(a, given_path)
    with pytest.raises(HeirloomError, match="is no reference"):
        heirloom.diff(a, "no/such thing")
    with pytest.raises(HeirloomError, match="allowed are at least 0, 2 and 0"):
        heirloom.diff(a, a, sample=1)


def test_an_answer_turns_into_json_pandas_and_html(write: Write) -> None:
    found = heirloom.diff(write("a", text=texts("one", 50)), write("b", text=texts("other", 50)))
    read = json.loads(found.to_json())
    assert (read["rows"]["removed"], read["same"], read["schema_version"]) == (50, False, 2)
    frame = found.to_pandas()
    assert frame.set_index("name").loc["removed", "a"] == 50
    assert found._repr_html_().count("<h2>") == 5
    assert np.isfinite(frame.query("section == 'distribution'")["a"]).all()
