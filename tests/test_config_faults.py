"""A config that is wrong: all faults at once, the misspelt keys first; sizes are judged before anything is computed."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heirloom import cli, preflight, schema
from heirloom import config as configuration
from heirloom.errors import BAD_INPUT, LONGEST_LINE, HeirloomError, line, printed
from heirloom.runtime.streams import Stream
from heirloom.specs.family import SPECS

ROOT = Path(__file__).parents[1]
TEXT = """schema_version: 1
regimes:
  replace: {}
  keep: {original: {share: 0.1, draw: redrawn}}
experiments:
  e:
    family: {name: gaussian, training: {divisor: n-1}}
    source: {name: normal, rows: 50, dim: 2, covariance: [[1.0, 0.5], [0.5, 2.0]]}
    regimes: [replace, keep]
    generations: 2
    rows: 10
"""


def lines_of(text: str, folder: Path) -> list[str]:
    """Return what a user sees of a config, without the name of the file."""
    file = folder / "c.yaml"
    file.write_text(text)
    with pytest.raises(HeirloomError) as caught:
        configuration.load(file)
    return [text_line.replace(f"heirloom: {file}: ", "") for text_line in printed(caught.value)]


def test_all_faults_are_told_at_once_a_line_each_and_the_misspelt_keys_first(tmp_path: Path) -> None:
    text = TEXT.replace("rows: 10", "rows: true\n    generatoins: 3").replace("generations: 2", "generations: 020")
    text = text.replace("divisor", "divisro").replace("[replace, keep]", "[replace, kepe]").replace("share: 0.1", "share: 1.5")
    text += "  f: {family: {name: gaussan}, source: {nme: normal}, regimes: [replace], generations: 1, rows: 1, grdi: {}}\n  e: 1\n"
    assert lines_of(text.replace("  e: 1\n", ""), tmp_path) == [
        "experiments.e.family.training.divisro: no such key; did you mean `divisor`?",
        "experiments.e.generatoins: no such key; did you mean `generations`?",
        "experiments.f.grdi: no such key; did you mean `grid`?",
        "line 10: experiments.e.generations: readers of YAML differ on 020; write the number without a leading zero, or text in quotes",
        "regimes.keep.original.share: Input should be less than or equal to 1 (given: 1.5)",
        "experiments.e.rows: Input should be a valid integer (given: true)",
        f"experiments.f.family.name: 'gaussan' is none of {', '.join(SPECS)}; did you mean `gaussian`?",
        "experiments.f.source.name: Field required; is `nme` meant to be `name`?",
    ]


def test_parts_that_do_not_fit_together_are_told_beside_what_is_wrong_elsewhere(tmp_path: Path) -> None:
    text = TEXT.replace("[replace, keep]", "[replace, kepe, fresh]").replace("rows: 50", "rows: 5").replace("0.1, draw: redrawn", "2")
    assert lines_of(text, tmp_path) == [
        "regimes.keep.original.share: Input should be less than or equal to 1 (given: 2)",
        "experiments.e.regimes: 'kepe' is not defined under regimes; did you mean `keep`? (defined: keep, replace)",
        "experiments.e.regimes: 'fresh' is not defined under regimes (defined: keep, replace)",
    ]
    assert lines_of(TEXT.replace("rows: 50", "rows: 5").replace("0.1", "0.01"), tmp_path) == [
        (
            "(1) experiments.e: origin_rows needs 10 real rows, but there are 5; "
            "(2) experiments.e: regime 'keep', generation 1: original.share 0.01 of 10 rows is less than half a row; raise it, or `rows`"
        )
    ]


def test_what_a_grid_alone_sets_is_refused_in_a_file_and_as_an_axis(tmp_path: Path) -> None:
    message = "a grid or a population alone sets this key; remove it"
    assert lines_of(TEXT + "    variant_of: other\n    point: {divisor: mle}\n", tmp_path) == [
        f"(1) experiments.e.variant_of: {message}; (2) experiments.e.point: {message}"
    ]
    axis = "    grid: {a: {key: variant_of, values: {x: other}}}\n"
    assert lines_of(TEXT + axis, tmp_path) == ["experiments.e.grid.a.key: no axis may set variant_of, point, membership"]


def test_a_fault_that_all_variants_share_is_told_once(tmp_path: Path) -> None:
    octal = TEXT.replace("generations: 2", "generations: 020") + "    grid: {n: {key: rows, values: {few: 5, many: 10}}}\n"
    assert lines_of(octal, tmp_path) == [
        "line 10: experiments.e.generations: readers of YAML differ on 020; write the number without a leading zero, or text in quotes"
    ]
    grid = "    grid: {n: {key: rows, values: {few: 5, many: 10, none: 0}}}\n    seedz: [1]\n"
    assert lines_of(TEXT + grid, tmp_path) == [
        (
            "(1) experiments.e.seedz: no such key; did you mean `seeds`?; "
            "(2) experiments.e__none.rows: Input should be greater than or equal to 1 (given: 0)"
        )
    ]


@pytest.mark.parametrize("section", ["[1, 2]", "text", "3", "{}", "", "{e: 1}", "{e: [1]}", "{e: {grid: 3}}", "{1: {}}"])
def test_a_section_of_another_kind_is_refused_in_words(section: str, tmp_path: Path) -> None:
    for name in ("experiments", "regimes"):
        text = f"{'regimes: {replace: {}}' if name == 'experiments' else TEXT.partition('regimes')[0]}\n{name}: {section}\n"
        assert all(text_line.isprintable() and "Traceback" not in text_line for text_line in lines_of(text, tmp_path))


def test_a_choice_between_kinds_is_one_fault_and_a_few_faults_share_a_line(tmp_path: Path) -> None:
    assert lines_of(TEXT + "    origin_rows: al\n    keep_checkpoints: {every: 0}\n", tmp_path) == [
        (
            "(1) experiments.e.origin_rows: Input should be a valid integer, or 'all' (given: 'al'); "
            "(2) experiments.e.keep_checkpoints.every: Input should be greater than or equal to 1 (given: 0)"
        )
    ]


@pytest.mark.parametrize(
    ("key", "value"),
    [("rows", "true"), ("rows", "3.0"), ("rows", "'10'"), ("rows", "1e1"), ("seeds", "[false]"), ("num_replicas", "[1]")],
)
def test_an_integer_is_an_integer(tmp_path: Path, key: str, value: str) -> None:
    text = TEXT.replace("    rows: 10\n", f"    {key}: {value}\n" + ("    rows: 10\n" if key != "rows" else ""))
    (only,) = lines_of(text, tmp_path)
    assert only.startswith(f"experiments.e.{key}")
    assert "Input should be a valid integer (given: " in only


def test_a_number_may_be_an_integer_or_have_an_exponent_and_nothing_else_is_one(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(TEXT.replace("0.1", "1").replace("[1.0, 0.5]", "[1e0, 5.0e-1]"))
    assert configuration.load(tmp_path / "c.yaml").experiments["e"].source.covariance == ((1.0, 0.5), (0.5, 2.0))  # type: ignore[union-attr]
    assert lines_of(TEXT.replace("0.1", "'0.1'"), tmp_path) == [
        "regimes.keep.original.share: Input should be a valid number (given: '0.1')"
    ]
    assert lines_of(TEXT.replace("0.1", "true"), tmp_path) == ["regimes.keep.original.share: Input should be a valid number (given: true)"]


def sizes(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every integer of a JSON schema."""
    if isinstance(node, dict):
        if node.get("type") == "integer":
            yield path, node
        for key, inner in node.items():
            yield from sizes(inner, f"{path}/{key}")
    if isinstance(node, list):
        for number, inner in enumerate(node):
            yield from sizes(inner, f"{path}/{number}")


def test_every_integer_of_the_schema_has_a_least_and_a_largest_value() -> None:
    integers = dict(sizes(schema.generate(configuration.Config)))
    assert len(integers) > 50
    assert [path for path, node in integers.items() if "maximum" not in node or "minimum" not in node] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("generations: 2", f"generations: {10**12}"), "generations: Input should be less than or equal to 100000 (given: 1000000000000)"),
        (("generations: 2", "generations: 4001"), "generations is 4001; with granularity: step at most 4000 are allowed"),
        (("dim: 2", f"dim: {10**9}"), "source.dim: Input should be less than or equal to 10000 (given: 1000000000)"),
        (("rows: 10", f"rows: {10**10}"), "experiments.e.rows: Input should be less than or equal to 1000000000 (given: 10000000000)"),
        (("rows: 10", "rows: 10\n    num_replicas: 1000000\n    origin_rows: 50001"), "origin_rows: 1e+11 numbers in 50,001 rows of all"),
        (("rows: 10", f"rows: 10\n    seeds: [{2**53}]"), "seeds.0: Input should be less than or equal to 9007199254740991"),
        (
            ("rows: 10", f"rows: 10\n    seeds: {list(range(400))}\n    generations: 1400"),
            "1,120,000 generations in all (exp",
        ),
        (
            ("share: 0.1, draw: redrawn}", "share: 1.0}, budget: grows, synthetic: all, multiple: 1000"),
            "keep', generation 1000: 5e+10 rows, at most 1,000,000,000",
        ),
        (
            ("dim: 2, covariance: [[1.0, 0.5], [0.5, 2.0]]", "dim: 10000, covariance: 1.0}\n    num_replicas: 1001\n    #"),
            "models have 1.001e+11 numbers in all replicas, at most 100,000,000,000 are allowed",
        ),
        (
            ("{name: normal, rows: 50", "{name: categorical, rows: 50, law: {kind: zipf, types: 1000000001}} #"),
            "source.law.types: Input should be less than or equal to 10000000 (given: 1000000001)",
        ),
        (
            ("{name: normal, rows: 50", "{name: wikipedia, text: {vocab_size: 1000000000000}} #"),
            "source.text.vocab_size: Input should be less than or equal to 1000000 (given: 1000000000000)",
        ),
        (("{}", "{growth: 4.0}"), "regime 'replace', generation 1000: 1.004e+13 rows, at most 1,000,000,000 are allowed"),
    ],
    ids=range(12),
)
def test_sizes_are_judged_before_anything_is_computed(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    start = time.monotonic()
    text = TEXT.replace("generations: 2\n", "generations: 1000\n") if "generation 1000" in message else TEXT
    text = text.replace("rows: 10", "rows: 50000") if "keep', generation" in message else text
    text = text.replace("    generations: 2\n", "") if "1400" in change[1] else text
    assert any(message in text_line for text_line in lines_of(text.replace(*change), tmp_path))
    assert time.monotonic() - start < 2


def test_a_share_that_leaves_too_few_rows_is_answered_at_once() -> None:
    raw: dict[str, Any] = {
        "family": {"name": "causal_lm", "model": {"path": "x"}, "training": {"best_epoch": "synthetic", "validation_share": 0.99}},
        "source": {"name": "files", "paths": ["*.txt"]},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 100,
    }
    config = {"regimes": {"replace": {}}, "experiments": {"e": raw}}
    with pytest.raises(HeirloomError, match="'causal_lm' as set needs at least 12750 rows, but a generation has 100"):
        configuration.parse(config)
    raw["family"]["training"]["validation_share"] = 0.999999999
    with pytest.raises(HeirloomError, match=r"validation_share: Input should be less than or equal to 0.99 \(given: 0.999999999\)"):
        configuration.parse(config)


def test_a_grid_of_astronomic_size_is_counted_and_not_made(tmp_path: Path) -> None:
    axes = ", ".join(f"a{number}: {{key: rows, values: {{a: 1, b: 2}}}}" for number in range(2000))
    keys = axes.replace("key: rows", "key: family.x")
    for number in range(2000):
        keys = keys.replace("family.x,", f"family.x{number},", 1)
    assert lines_of(f"{TEXT}    grid: {{{keys}}}\n", tmp_path) == [
        "experiments.e.grid: more than 1,000,000,000,000 variants, at most 500 are allowed"
    ]


def test_a_config_of_too_many_variants_is_refused_before_all_are_made(tmp_path: Path) -> None:
    body = TEXT.partition("  e:\n")[2] + f"    grid: {{n: {{key: rows, values: {{{', '.join(f'n{n}: {n}' for n in range(1, 501))}}}}}}}\n"
    text = TEXT.partition("experiments")[0] + "experiments:\n" + "".join(f"  e{number}:\n{body}" for number in range(60))
    start = time.process_time()
    assert lines_of(text, tmp_path) == ["experiments: more than 5,000 experiments, each variant of a grid counted as one"]
    assert time.process_time() - start < 2


def test_a_line_is_short_and_holds_no_control_character() -> None:
    assert line("a\nb\x1b[2J\u2028\ud800é\tc") == "heirloom: a\\nb\\x1b[2J\\u2028\\ud800é\\tc"
    long = line("k" * 10_000_000 + "; repair it")
    assert len(long) == LONGEST_LINE
    assert long.startswith("heirloom: kkk")
    assert " characters and more left out] kkk" in long
    assert long.endswith("k; repair it")
    assert len(line("\n" * 10_000)) <= LONGEST_LINE


def test_at_most_twenty_faults_are_shown_and_the_number_of_the_rest_is_said(tmp_path: Path) -> None:
    shown_lines = lines_of(TEXT + "".join(f"    key{number}: 1\n" for number in range(33)), tmp_path)
    assert len(shown_lines) == 21
    assert shown_lines[-1] == "heirloom: and 13 more"
    assert shown_lines[0].startswith("experiments.e.key0: no such key (allowed here: chunk_rows, design, device, ")


def test_keys_and_values_of_ten_megabytes_are_answered_in_a_line() -> None:
    for change in ({"x" * 10**7: 1}, {"rows": "x" * 10**7}, {"device": "\n" * 10**7}, {"regimes": ["y" * 10**7]}, {"rows": 10**10_000}):
        raw = {"regimes": {"replace": {}}, "experiments": {"e": {"family": {"name": "gaussian"}, "regimes": ["replace"], **change}}}
        with pytest.raises(HeirloomError) as caught:
            configuration.parse(copy.deepcopy(raw))
        assert_printable(printed(caught.value))


def assert_printable(lines: list[str]) -> None:
    assert lines
    for text_line in lines:
        assert text_line.isprintable()
        assert len(text_line) <= LONGEST_LINE


TOKENS = [
    *("true", "yes", "~", "020", "1_000", "1:30", "0x10", "1e3", "1e999", "-1", "0", "99999999999999999999999", "1" * 5000, ".nan"),
    *("2024-13-45", "!!int x", "!!timestamp 1", "&a [*a]", "*nope", "<<", "{a: 1}", "[]", "[" * 100, "'unclosed", '"\\ud800"', '"\\0"'),
    *('"\\e[2J"', f"'{'k' * 3000}'", "é", "\u202e", "? x", ": ", "|", "%YAML 1.1", "---", "\t", "@x", "1000000000000", "x: y", "normal"),
    *("ngram", "all", "golden", "{every: 3}", "[[1.0, 2.0], [2.0, 1.0]]", "files", "''", "~/x", "]", "{", "}", "1e-3", "null"),
]


def damaged(lines: list[str], draw: np.random.Generator) -> bytes:
    """Return a config with a few slips: a value replaced, a line twice or gone, letters swapped or put in, a byte that is no UTF-8."""
    for _ in range(int(draw.integers(1, 4))):
        place, token = int(draw.integers(len(lines))), TOKENS[int(draw.integers(len(TOKENS)))]
        text = lines[place]
        cut = int(draw.integers(len(text) + 1))
        slip = int(draw.integers(6))
        if slip <= 1:
            key, colon, _ = text.rpartition(":")
            lines[place] = f"{key}{colon} {token}"
        elif slip == 2:
            lines.insert(place, text)
        elif slip == 3:
            lines[place] = text[:cut] + text[cut + 1 : cut + 2] + text[cut : cut + 1] + text[cut + 2 :]
        elif slip == 4:
            lines[place] = text[:cut] + token + text[cut:]
        else:
            lines.pop(place)
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    place = int(draw.integers(len(content) * 20))
    return content[:place] + b"\xe9" + content[place:] if place < len(content) else content


def test_no_slip_ends_in_a_traceback_or_in_a_line_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    draw = Stream(("slips", 17)).generator()
    texts = [TEXT, *((ROOT / name).read_text() for name in ("tests/config.tiny.yaml", "configs/theory.yaml", "configs/paper.yaml"))]
    refused = 0
    for number in range(200):
        Path("c.yaml").write_bytes(damaged(texts[number % len(texts)].splitlines(), draw))
        try:
            preflight.cheap(configuration.load("c.yaml"))
        except HeirloomError as error:
            refused += 1
            assert_printable(printed(error))
    assert refused > 150


def bad_config(rows: str = "50", source: str = "", family: str = "", generations: str = "2", regime: str = "{}") -> str:
    return (
        f"regimes: {{replace: {regime}}}\nexperiments:\n  e:\n    family: {{name: gaussian{family}}}\n"
        f"    source: {{name: normal, rows: {rows}{source}}}\n    regimes: [replace]\n    generations: {generations}\n    rows: 10\n"
    )


SIXTEEN: dict[str, str | bytes] = {
    "experiments.e.source.rows: 2024-13-45 is a date to some readers": bad_config("2024-13-45"),
    "experiments.e.source.rows: 2024-01-01 25:61:61 is a date": bad_config("2024-01-01 25:61:61"),
    "the tag !!int is not read": bad_config("!!int x"),
    "the tag !!bool is not read": bad_config("!!bool 10"),
    "the tag !!timestamp is not read": bad_config("!!timestamp 10"),
    "[5,000 characters] is too large a number": bad_config("1" * 5000),
    "more than 40 lists and mappings": bad_config(source=f", mean: {'[' * 500}{']' * 500}"),
    "less than or equal to 100000 (given: 1000000000000)": bad_config(generations=str(10**12)),
    "[401 characters] is too large a number": bad_config(generations="1" + "0" * 400),
    "(1) regimes.replace.fresh: Input should be a valid number (given: 'ten'); (2) experiments.e.generations: Input": bad_config(
        regime="{original: {share: 0.5}, fresh: ten}", generations=str(10**9)
    ),
    "experiments.e.source.dim: Input should be less than or equal to 10000": bad_config(source=", dim: 1000000000, covariance: 1.0"),
    "experiments.e.family.a\\nb: no such key": bad_config(family=', "a\\nb": 1'),
    "experiments.e.family.\\x1b[2J: no such key": bad_config(family=', "\\e[2J": 1'),
    "(given: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' [10,000 characters])": bad_config(source=", mean: " + "a" * 10_000),
    "line 1: byte 0xe9 is not UTF-8": b"# d\xe9j\xe0 vu\n" + bad_config().encode(),
    "line 1: byte 0xff is not UTF-8": bad_config().encode("utf-16"),
}


@pytest.mark.parametrize("message", SIXTEEN)
def test_slips_and_strange_editors_are_answered_in_one_line_with_exit_code_2_within_two_seconds(
    message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = SIXTEEN[message]
    Path("bad.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.setattr(sys, "argv", ["heirloom", "check", "--config", "bad.yaml"])
    start = time.process_time()
    with pytest.raises(SystemExit) as exit_info:
        cli.main()
    assert exit_info.value.code == BAD_INPUT
    assert time.process_time() - start < 2
    (only,) = capsys.readouterr().err.splitlines()
    assert only.startswith("heirloom: bad.yaml: ")
    assert message in only
    assert_printable([only])


def test_the_schema_says_what_the_reader_refuses() -> None:
    text = json.dumps(schema.generate(configuration.Config))
    assert '"maximum": 0.99' in text
