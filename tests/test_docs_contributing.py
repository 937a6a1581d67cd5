"""The worked examples of CONTRIBUTING.md begin at what stands in the files that they name."""

from __future__ import annotations

import re

import pytest

from worked_examples import PAGE, ROOT, Block, blocks, changed

_ADDED_MODULES = ("specs/laplace", "families/laplace", "steps/thin", "report/figures/word_types")
ADDED = {f"src/heirloom/{name}.py" for name in _ADDED_MODULES}
"""Files that the examples make."""

_NAMES = re.compile("laplace|Laplace|word_types|hapax_share|thin|keep_half")
"""Names in what the examples add."""


@pytest.mark.parametrize("block", [block for block in blocks() if block.language == "diff"], ids=lambda block: block.file)
def test_what_an_example_changes_stands_in_its_file_once(block: Block) -> None:
    text = (ROOT / block.file).read_text(encoding="utf-8")
    assert changed(text, block) != text


@pytest.mark.parametrize("block", [block for block in blocks() if block.language == "diff"], ids=lambda block: block.file)
def test_what_others_have_added_in_the_same_way_is_not_in_the_way(block: Block) -> None:
    text = (ROOT / block.file).read_text(encoding="utf-8")
    if block.lines("-"):
        assert block.file == "config.yaml"  # the arms of an experiment are one line
        return
    lines = [_NAMES.sub(r"other_\g<0>", line) if line[0] == "+" else line for line in block.text.splitlines()]
    same_of_others = block._replace(text="\n".join(lines))
    assert changed(changed(text, same_of_others), block).count("\n") == text.count("\n") + 2 * len(block.lines("+"))


def test_a_block_that_has_no_place_or_several_is_refused() -> None:
    with pytest.raises(ValueError, match="x: 0 places"):
        changed("a\n", Block("x", "diff", " b\n+c\n"))
    with pytest.raises(ValueError, match="x: 2 places"):
        changed("a\na\n", Block("x", "diff", " a\n+c\n"))


def test_every_file_that_is_named_is_there_or_added_by_an_example() -> None:
    files_on_page = set(re.findall(r"`((?:src|tests|docs|schemas)/[\w./]+\.\w+)`", PAGE))
    assert len(files_on_page) > 15
    assert {name for name in files_on_page if not (ROOT / name).exists()} == ADDED
