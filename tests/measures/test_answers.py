"""Answers beside those of people, on texts short enough to count by hand."""

from __future__ import annotations

import pytest

from heirloom.errors import HeirloomError
from heirloom.measures import answers


@pytest.mark.parametrize(
    ("answer", "reference", "exact", "f1", "rouge"),
    [
        ("Paris", "paris.", 1.0, 1.0, 1.0),
        ("the cat sat", "the cat lay down", 0.0, 2 * 2 / 7, 2 * 2 / 7),
        ("down lay the cat", "the cat lay down", 0.0, 1.0, 2 * 2 / 8),
        ("cat cat cat", "cat", 0.0, 2 * 1 / 4, 2 * 1 / 4),
        ("", "Paris", 0.0, 0.0, 0.0),
        ("1843", "1844", 0.0, 0.0, 0.0),
        ("in 1843", "1843", 0.0, 2 / 3, 2 / 3),
        ("राम घर गया", "राम घर गया।", 1.0, 1.0, 1.0),
        ("राम घर गया", "सीता घर गई", 0.0, 2 * 1 / 6, 2 * 1 / 6),
        ("北京", "北京市", 0.0, 2 * 2 / 5, 2 * 2 / 5),
    ],
)
def test_scores_are_those_counted_by_hand_in_any_script(answer: str, reference: str, exact: float, f1: float, rouge: float) -> None:
    both = answers.word_list(answer), answers.word_list(reference)
    scores = [score(*both) for score in (answers.exact_match, answers.token_f1, answers.rouge_l)]
    assert scores == pytest.approx([exact, f1, rouge])


def test_texts_without_words_are_compared_by_what_spaces_part() -> None:
    assert answers.exact_match(answers.word_list(":-)"), answers.word_list(":-(")) == 0.0
    assert answers.word_list(" :-) ") == [":-)"]


def test_means_are_over_all_answers_and_none_is_refused() -> None:
    scores = answers.Scores()
    with pytest.raises(HeirloomError, match="at least one"):
        _ = scores.means
    scores.add("Paris", "Paris")
    scores.add("Paris", "Rome")
    assert scores.means == {"exact_match": 0.5, "token_f1": 0.5, "rouge_l": 0.5}


def test_stop_rate_and_lengths_are_plain_shares_and_quantiles() -> None:
    assert answers.stop_rate([True, True, False, True]) == 0.75
    assert answers.lengths([1, 2, 3, 4, 5]) == {"mean": 3.0, "median": 3.0, "q05": pytest.approx(1.2), "q95": pytest.approx(4.8)}
    with pytest.raises(HeirloomError, match="at least one"):
        answers.stop_rate([])
    with pytest.raises(HeirloomError, match="at least one"):
        answers.lengths([])
