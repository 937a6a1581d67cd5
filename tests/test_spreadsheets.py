"""CSV that a person opens in a spreadsheet computes nothing, and is read back as it was."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.spreadsheets import csv_text, guarded, plain

FORMULAS = ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "\r=1", " =1", '=HYPERLINK("http://x")', "'=1", "''=1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_compute_begins_with_an_apostrophe(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert plain(f"'{text}") == text


@pytest.mark.parametrize("value", ["-1", "-1.5e-3", "+2", "-inf", "-", "=", "n-1", "it's", "'quoted'", "a=b", "", 1, -2.5, None, True])
def test_numbers_and_other_text_stay_as_they_are(value: object) -> None:
    assert guarded(value) is value
    assert plain(value) is value


@given(st.one_of(st.text(), st.sampled_from(FORMULAS), st.text(alphabet="'=+-@\t a1")))
def test_what_was_guarded_is_read_back_as_it_was(text: str) -> None:
    assert plain(guarded(text)) == text
    assert guarded(text).lstrip(" \t\r\n")[:1] not in "=@" or len(guarded(text).strip()) <= 1


def test_a_table_has_its_text_and_header_guarded_and_its_negative_numbers_as_they_were() -> None:
    frame = pd.DataFrame({"group": ["=1+1", "plain", None], "=x": [-1.5, 0.123456789, float("nan")], "n": [-1, 0, 1]})
    assert csv_text(frame) == "group,'=x,n\n'=1+1,-1.5,-1\nplain,0.12345679,0\n,,1\n"
    numbers = pd.read_csv(StringIO(csv_text(frame, digits=3)))
    assert numbers["n"].tolist() == [-1, 0, 1]
    assert numbers["'=x"].tolist()[:2] == [-1.5, 0.123]
    assert frame["group"].tolist()[0] == "=1+1"


def test_a_figure_draws_a_sign_in_place_of_a_line_break() -> None:
    from heirloom.report.figures.draw import without_controls

    frame = pd.DataFrame({"group": ["a\nc", "b"], "share": [0.5, -1.0]})
    assert without_controls(frame)["group"].tolist() == ["a⏎c", "b"]
    plain_frame = pd.DataFrame({"group": ["a", "b"], "share": [0.5, -1.0]})
    pd.testing.assert_frame_equal(without_controls(plain_frame), plain_frame)
