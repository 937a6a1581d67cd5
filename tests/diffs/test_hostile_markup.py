"""Whatever stands in cells, columns and names of files, a page has our own tags alone, and a terminal gets no escape."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import heirloom
from heirloom.diffs.render import heat, html, terminal
from heirloom.diffs.render.page import page
from heirloom.diffs.series import Series
from heirloom.diffs.series import page as series_page

OURS = {
    *("html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "p", "i", "table", "caption", "tr", "th", "td", "details"),
    *(
        "summary",
        "ul",
        "li",
        "del",
        "ins",
        "svg",
        "g",
        "path",
        "rect",
        "text",
        "line",
        "defs",
        "clippath",
        "lineargradient",
        "stop",
        "tspan",
    ),
}
PIECES = [
    *("<script>alert(1)</script>", "</td></table><img src=x onerror=alert(1)>", "</style><iframe>", "<svg onload=x>", "<!--", "]]>"),
    *('" onmouseover="x', "' style='x", "&lt;b&gt;", "&#60;i&#62;", "{{ 7 * 7 }}", "{% raw %}", "javascript:x", "<b", "<", ">", "&"),
    *("\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\u2028", "\0", "a b", "plain"),
]
MARKUP = [piece for piece in PIECES if piece.isprintable()]
markup = st.lists(st.sampled_from(MARKUP), min_size=1, max_size=4).map("".join)
hostile = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(codec="utf-8"), max_size=5)), min_size=1, max_size=4).map(
    "".join
)
SOME = settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))


class Checked(HTMLParser):
    """Refuses a tag that is not ours, an attribute that runs something, and one that leads somewhere."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in OURS, tag
        names = {name for name, _ in attrs}
        assert not [name for name in names if name.startswith("on") or name in ("src", "href", "srcdoc", "action")]

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def check_page(text: str) -> None:
    parser = Checked()
    parser.feed(text)
    parser.close()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)


@SOME
@given(st.lists(hostile, min_size=2, max_size=4), hostile, hostile)
def test_cells_and_names_of_columns_stay_text(tmp_path: Path, cells: list[str], column: str, name: str) -> None:
    files = [tmp_path / f"{side}.parquet" for side in "ab"]
    for file, values in zip(files, (cells, [*cells[1:], cells[0] + name]), strict=True):
        pq.write_table(pa.table({"text": values, f"c{column}": list(range(len(values)))}), file)
    found = heirloom.diff(*files)
    check_page(html.document(name, html.fragment(found)))
    check_page(found._repr_html_())
    shown = terminal.text(page(found))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)


@SOME
@given(markup, markup)
def test_names_of_files_stay_text_in_a_series(one: str, other: str) -> None:
    answers = Series((one, other), "distance", ((0.0, 1.0), (1.0, 0.0)), (("same", "different"), ("different", "same")), ())
    sheet = html.sheet(one, "", series_page(answers), heat.svg(answers))
    check_page(html.document(one, sheet))


def test_a_chart_gets_a_sign_in_place_of_a_line_break_of_a_name() -> None:
    answers = Series(("a\nc", "b"), "distance", ((0.0, 1.0), (1.0, 0.0)), (("same", "different"), ("different", "same")), ())
    assert [(cell["A"], cell["B"]) for cell in heat.cells_of(answers)] == [
        *[("a⏎c", "a⏎c"), ("a⏎c", "b"), ("b", "a⏎c"), ("b", "b")],
    ]


def test_a_series_as_csv_has_no_formula() -> None:
    answers = Series(("=1+1", "b"), "distance", ((0.0, -1.0), (1.0, 0.0)), (("same", "different"), ("different", "same")), ())
    assert answers.to_csv() == "a,b,distance,verdict\n'=1+1,'=1+1,0.0,same\n'=1+1,b,-1.0,different\nb,'=1+1,1.0,different\nb,b,0.0,same\n"
