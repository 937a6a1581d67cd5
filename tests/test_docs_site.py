"""The references of the docs site: each has all that the code has, and no more."""

from __future__ import annotations

import json
import re

import pytest

import extension
import heirloom
from extension import commands, functions, settings
from heirloom.cli.commands import tree
from helpers import ROOT

SCHEMA = json.loads((ROOT / "schemas/config.schema.json").read_text(encoding="utf-8"))


def sections(markdown: str, level: str) -> dict[str, str]:
    """Return heading → text of each section of a level."""
    parts = re.split(rf"^{level} (.+)$", markdown, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_that_is_shown_has_a_section_with_its_options_and_its_example() -> None:
    shown = {f"heirloom {name}": command for name, command in vars(tree())["commands"].items() if not command.hidden}
    groups = {name: vars(command)["commands"] for name, command in shown.items() if "commands" in vars(command)}
    inner = {f"{name} {word}": command for name, group in groups.items() for word, command in group.items()}
    single = {name: command for name, command in shown.items() if name not in groups}
    on_page = sections(commands.markdown(), "###")
    assert set(on_page) == set(single) | set(inner)
    for name, command in (single | inner).items():
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        assert [option for option in options if option not in on_page[name]] == []
    assert "heirloom init my-project --data reviews.jsonl" in on_page["heirloom init"]


def test_every_key_of_the_schema_has_a_row_in_a_section_that_others_link() -> None:
    page = settings.markdown()
    on_page = sections(page, "##")
    assert len(on_page) == 1 + len(SCHEMA["$defs"])
    rows = {title: set(re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)) for title, text in on_page.items()}
    assert rows["The file"] == set(SCHEMA["properties"])
    assert rows["Experiment"] > set(SCHEMA["$defs"]["Experiment"]["properties"])
    keys = {key for definition in SCHEMA["$defs"].values() for key in definition.get("properties", {})}
    assert keys <= set().union(*rows.values())
    anchors = set(re.findall(r"^\((config-\w+)\)=$", page, re.MULTILINE))
    assert set(re.findall(r"\(#(config-\w+)\)", page)) == anchors


def test_a_key_is_told_with_its_bounds_its_default_and_its_meaning() -> None:
    meaning = "Threads of numerical work in one job; changes bytes, so it is scientific."
    row = f"| `num_threads` | integer from 1 to 64 | `1` | {meaning} |"
    assert row in settings.markdown()


def test_every_name_of_the_package_and_every_public_measure_is_shown() -> None:
    names = set(re.findall(r"::\sheirloom\.(\w+)", functions.package()))
    assert names == {name for name in heirloom.__all__ if not name.startswith("_")}
    page = functions.measures()
    shown = set(re.findall(r":: heirloom.measures.(\S+)", page))
    assert {"text.distinct_n", "vectors.tail_mass"} <= shown
    assert "._" not in page


def test_a_comment_is_replaced_by_what_it_names_and_an_unknown_name_is_an_error() -> None:
    page = extension.with_derived_text("# Keys\n\n<!-- derived: config -->\n")
    assert page == f"# Keys\n\n{settings.markdown()}\n"
    with pytest.raises(KeyError, match="nothing"):
        extension.with_derived_text("<!-- derived: nothing -->")


def test_a_bar_of_a_formula_is_no_substitution() -> None:
    assert extension.with_plain_bars(["2 L / (|a| + |b|), ``x | y``"]) == [r"2 L / (\|a\| + \|b\|), ``x | y``"]
