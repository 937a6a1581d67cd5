"""The picture of the layers is that of the code."""

from __future__ import annotations

from layer_picture import arrows, renewed
from test_layers import PAGE


def test_the_picture_on_the_design_page_is_drawn_from_the_imports() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renewed(page) == page, "python tests/layer_picture.py writes the picture again"


def test_an_arrow_that_follows_from_others_is_left_out_and_a_hidden_node_is_passed_through() -> None:
    graph = {"a": {"b", "c", "hidden"}, "b": {"c"}, "c": set[str](), "hidden": {"d"}, "d": set[str]()}
    assert arrows(graph, {"a", "b", "c", "d"}) == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}
