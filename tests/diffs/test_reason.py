"""The reason in words stands first: what an eye would see in the rows, and only then counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import heirloom
from command_runs import invoked
from heirloom.diffs import reason
from heirloom.diffs.render import terminal
from heirloom.diffs.render.page import page, summary
from heirloom.diffs.template import template
from heirloom.runtime.streams import Stream

Write = Callable[..., Path]

WORDS = [
    *("river", "stone", "cloud", "forest", "meadow", "harbour", "lantern", "window"),
    *("garden", "winter", "summer", "market", "bridge", "castle", "island", "valley"),
]


def texts(name: str, rows: int) -> list[str]:
    drawn = Stream(("reason", name)).generator().integers(0, len(WORDS), (rows, 12)).tolist()
    return [" ".join(WORDS[word] for word in row) for row in drawn]


def test_new_rows_of_one_template_a_planted_word_and_edits_are_named(write: Write) -> None:
    base = texts("base", 60)
    licences = [f"The Foo license {WORDS[n % 16]} {WORDS[n // 16]} covers all of this" for n in range(25)]
    edited = [row.replace(row.split()[5], "PLANTED", 1) for row in base[:20]]
    found = heirloom.diff(write("a", text=base), write("b", text=[*edited, *base[20:], *licences]))
    assert found.reason.startswith("25 new rows share one template: 'The Foo license …'; 20 rows differ by one word; the word '")
    assert "appears 20 times in B and never in A" in found.reason or "appears 25 times in B and never in A" in found.reason
    shown = terminal.text(summary(found)).splitlines()
    assert shown[1].strip().startswith(found.verdict.line[:40])
    assert any("B has 25 rows more than A (60 and 85)" in line for line in shown)
    assert [line.split()[0] for line in shown if line.strip().startswith(("kept", "edited", "rewritten", "removed", "added"))] == [
        "kept",
        "edited:",
        "rewritten:",
        "removed",
        "added",
    ]


def test_a_template_is_the_beginning_that_half_of_the_rows_share() -> None:
    rows = ["a b c d", "a b c e", "a b x y", "q r s t"]
    assert template(rows) is None
    shared = template(["a b c d one", "a b c d two", "a b c e", "q r s t"])
    assert shared is not None
    assert (shared.text, shared.rows, shared.looked_at) == ("a b c", 3, 4)
    assert template(["a b c"] * 2) is None


def test_columns_and_rewritten_rows_are_reasons_too(write: Write) -> None:
    labels = list(range(30))
    a = write("a", text=texts("one", 30), label=labels)
    b = write("b", text=texts("one", 30), label=[*labels[:29], 99])
    assert heirloom.diff(a, b).reason == "label differs in 1 of 30 rows"
    parents = {"parent": list(range(30))}
    found = heirloom.diff(write("c", text=texts("one", 30), **parents), write("d", text=texts("two", 30), **parents))
    assert found.reason.startswith("30 rows answer the same prompt in other words")
    assert heirloom.diff(a, a).reason == ""
    short = write("e", text=texts("one", 30)[:25], label=labels[:25])
    assert heirloom.diff(a, short).reason.startswith("B is A without 5 rows")
    assert heirloom.diff(short, a).reason.startswith("B is A and 5 rows more")


def test_neutral_drift_is_shown_only_between_generations(write: Write) -> None:
    found = heirloom.diff(write("a", text=texts("one", 30)), write("b", text=texts("two", 30)))
    assert found.vocabulary is not None
    assert {band.expected for band in found.vocabulary.bands} == {None}
    assert "neutral drift" not in terminal.text(page(found))


def test_the_rest_is_shown_on_demand(write: Write) -> None:
    a, b = write("a", text=texts("one", 30)), write("b", text=texts("two", 30))
    short = invoked("diff", a, b)[1]
    full = invoked("diff", a, b, "--full")[1]
    assert len(short.splitlines()) <= 16
    assert "Vocabulary and n-grams" in full
    assert "Vocabulary and n-grams" not in short


@pytest.mark.parametrize(("output", "linked"), [("results/diffs/x.html", True), ("results/other/diffs/x.html", True), ("x.html", False)])
def test_a_page_of_a_report_leads_back_to_it(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, linked: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    a, b = write("a", text=texts("one", 30)), write("b", text=texts("two", 30))
    invoked("diff", a, b, "--format", "html", "--output", output)
    assert ('href="../report.html"' in Path(output).read_text()) is linked


def test_one_row_is_spoken_of_in_the_singular(write: Write) -> None:
    texts = [f"the quick fox number {row} jumps over the lazy dog" for row in range(6)]
    edited = [texts[0].replace("quick", "slow"), *texts[1:]]
    found = heirloom.diff(write("a", text=texts), write("b", text=[*edited, texts[1]]))
    assert found.reason == "1 row differs by one word; 1 more row repeats another row"
    assert reason.sizes(found.identity).startswith("B has 1 row more than A (6 and 7)")
    fewer = heirloom.diff(write("a", text=texts), write("b", text=texts[:-1]))
    assert fewer.reason == "B is A without 1 row"
    assert fewer.verdict.evidence.startswith("1 row removed, 0 added")
