"""Configs that nobody should have written: hostile values at every place of real configs, parts made from the schema, and broken texts.

Values go to the function that validates a mapping, texts to the one that reads a file. Nothing here is random by itself: hypothesis draws.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from heirloom import schema, strict_yaml
from heirloom.config import Config

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("*.yaml")), ROOT / "tests/config.tiny.yaml"]

Steps = tuple[str | int, ...]
"""The keys and positions that lead to a place."""

NUMBERS: list[Any] = [
    *(-1, 0, 1, 2, 3, 7, 64, 127, 1000, 10**9, 10**9 + 1, 10**12, 2**31, 2**53, 2**53 - 1, 2**63 - 1, 2**63),
    *(2**64, 10**30, -(2**63), 10**400, 0.0, -0.0, 0.5, 1.0, 1e-320, 1e-9, 0.1 + 0.2, 1e15, 1e16),
    *(1.7e308, -1.7e308, math.nan, math.inf, -math.inf),
]
WORDS = [
    *("", " ", "\t", "\n", "\0", "\x1b[31m", "\x1b]0;title\x07", "\u202e", "\u200b", "\ufeff", "\u2028", "\x85"),
    *("\ud800", "\U0010ffff", "a" * 64, "a" * 65, "a" * 5_000, "a\nb", "a" * 100_000, "🜂", "é", "e\u0301", "ı"),
    *("ＡＢＣ", "none", "null", "real", "origin", "all", "yes", "n-1", "latest", "original", "2024-01-01"),
    *("/", "/etc/passwd", "/dev/null", "..", ".", "../..", "../../../../tmp/x", "~", "~root/x", "C:\\x"),
    *("file:///etc/passwd", "//host/share", "corpus", "corpus/a.txt", "corpus/*.txt", "corpus/**", "model"),
    *("pipe", "loop", "loop/**/*", "table.csv", "/dev/zero", "/dev/stdin", "/proc", "/**/*", "/proc/**/x"),
    *("*", "**", "**/*", "../**/*", "[", "[!", "[a-", "{a,b}", "?", "./*", "a/../b", "a//b", "data", "data/x"),
    *("results/x", ".git/config", "; touch stray", "$(touch stray)", "`touch stray`", "| cat", "&& true", ">x"),
    *("'", '"', "\\", "$HOME", "${HOME}", "a b", "-rf", "--help", "{", "}", "{}", "{0}", "{x}", "{wildcards.x}"),
    *("{{ x }}", "{{", "}}", "%s", "%(x)s", "{x.__class__}", "{x!r:>99999}", "<b>&amp;</b>", "=1+1", "+1", "@x"),
    *("a.b", "a.b.c.d", "training.divisor", "family", "family.name", "__", "a__b", "m1", "1", "1e3", "1e999"),
    *("0x1", "owner/name", "owner/name@main", "os", "json", "heirloom", "numpy", "os.path", ".x", "x.gguf"),
    *("../x.gguf", "train[:50%]", "train[", "train[:x]", "(", "(?P<a>", "[a", "a{1,99999999}", "(?i", "(" * 500),
    *("^= [^=]+ = $", "(?<=a+)b", "(?P=a)", "a**", "x{2}{3}", "https://x", "http://[::1", "http://a:b@localhost:1"),
    *("chain", "step", "auto", "cuda", "cpu", "fixed", "latest", "gaussian", "normal", "original", "all", "last"),
]
NESTED: list[Any] = [
    *([], {}, [[]], [None], {"a": None}, {"": 1}, [1, 2, 3], [1, "a", None], ["a", "a"], {"name": "x"}, {1: 2}),
    *({"name": None}, {"name": []}, {"key": "rows", "values": {"a": 1, "b": 2}}, {"path": "x"}, {"every": 0}),
    *({"command": ["true"]}, {"start": 1, "end": 2}, {"0": 0}, {"__class__": 1}, {"original": {}}, [["a"]]),
    *([0] * 1000, list(range(200)), [[0.5] * 20] * 20, [[1, 0], [0, 1]], [[1, 2], [2, 1]], [list(range(9))] * 9),
]


def _nest(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


DEEP = [_nest(depth) for depth in (5, 30, 60)]


@cache
def bases() -> list[dict[str, Any]]:
    """Return each experiment of each shipped config with the regimes that it names, and each whole config that is short."""
    parts = []
    for path in SHIPPED:
        whole, _ = strict_yaml.read(path)
        for name, body in whole["experiments"].items():
            regimes = {regime: whole["regimes"][regime] for regime in body["regimes"]}
            parts.append({**whole, "regimes": regimes, "experiments": {name: body}})
        for part in parts:
            part.pop("rankings", None)
        if "rankings" in whole:
            parts.append(whole)
    return parts


def places(value: Any, steps: Steps = ()) -> list[Steps]:
    """Return where anything stands inside a value, the value itself first."""
    found = [steps]
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in entries:
        found += places(inner, (*steps, step))
    return found


@cache
def _base_json(number: int) -> str:
    """Return a base as JSON, which is read in less time than the whole is copied."""
    return json.dumps(bases()[number])


@cache
def _base_places(number: int) -> list[Steps]:
    return places(bases()[number])[1:]


@cache
def whole_schema() -> Any:
    """Return the JSON schema of a config."""
    return schema.generate(Config)


@cache
def known_keys() -> list[str]:
    """Return every key that the schema knows."""
    definitions = [whole_schema(), *whole_schema()["$defs"].values()]
    keys = {key for definition in definitions for key in definition.get("properties", {})}
    return sorted(keys)


hostile = st.one_of(
    st.sampled_from(NUMBERS),
    st.sampled_from(WORDS),
    st.sampled_from(NESTED),
    st.sampled_from([None, True, False, *DEEP]),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
)


def _numbers(node: Any) -> Any:
    """Return numbers at the bounds of a node of the schema, and one beyond."""
    low, high = node.get("minimum", node.get("exclusiveMinimum", 0)), node.get("maximum", node.get("exclusiveMaximum", 10))
    middle = low + 1 if node["type"] == "integer" else (low + high) / 2
    return st.sampled_from([low, low, middle, middle, high, min(low + 3, high), high + 1, low - 1])


@cache
def _named(name: str) -> Any:
    return fitting(whole_schema()["$defs"][name])


def _mapping(node: Any) -> Any:
    """Return mappings with the keys that a node of the schema asks for, and a few of those that it allows."""
    properties = node.get("properties", {})
    required = {key: fitting(properties[key]) for key in node.get("required", ()) if key in properties}
    if not properties:
        inner = node.get("additionalProperties")
        values = fitting(inner) if isinstance(inner, dict) else hostile
        return st.dictionaries(st.sampled_from(["a", "b", "m1", "keep", "replace"]), values, min_size=1, max_size=2)
    entries = [st.tuples(st.just(key), fitting(inner)) for key, inner in properties.items() if key not in required]
    chosen = st.lists(st.one_of(entries), max_size=2).map(dict) if entries else st.just({})
    return st.builds(lambda whole, part: whole | part, st.fixed_dictionaries(required), chosen)


def fitting(node: Any) -> Any:
    """Return values that a node of the schema allows or nearly allows."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return st.deferred(lambda: _named(name))
    branches = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    if branches:
        return st.one_of(*map(fitting, branches))
    if "const" in node or "enum" in node:
        return st.sampled_from(node.get("enum", [node.get("const")]))
    match node.get("type"):
        case "object":
            return _mapping(node)
        case "array":
            return st.lists(fitting(node["items"]), min_size=1, max_size=3) if node.get("items") else hostile
        case "integer" | "number":
            return _numbers(node)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case "string":
            return st.sampled_from(["replace", "keep", "a", "owner/name", "text", *WORDS[-12:]])
    return hostile


@st.composite
def mappings(draw: Any) -> Any:
    """Draw a real config in which up to three places hold something else."""
    number = draw(st.integers(0, len(bases()) - 1))
    config = json.loads(_base_json(number))
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, config, draw(st.sampled_from(_base_places(number))))
    return config


def _change(draw: Any, config: Any, steps: Steps) -> None:
    """Put something else at a place, remove or rename what is there, or add to it; nothing if an earlier change removed it."""
    place = config
    for step in steps[:-1]:
        is_there = isinstance(place, dict) and step in place
        if not is_there and not (isinstance(place, list) and isinstance(step, int) and step < len(place)):
            return
        place = place[step]
    last = steps[-1]
    if isinstance(place, list) and isinstance(last, int):
        place[last : last + draw(st.integers(0, 1))] = [draw(hostile)]
    elif isinstance(place, dict):
        _change_key(draw, place, last)


def _change_key(draw: Any, place: dict[Any, Any], key: Any) -> None:
    match draw(st.integers(0, 7)):
        case 0:
            place.pop(key, None)
        case 1:
            place[draw(st.sampled_from([*WORDS, *known_keys()]))] = place.pop(key, None)
        case 2:
            place[draw(st.sampled_from(known_keys()))] = draw(hostile)
        case 3 | 4 if key in known_keys():
            place[key] = draw(_fitting_for(key))
        case 5:
            new = draw(st.sampled_from(known_keys()))
            place[new] = draw(_fitting_for(new))
        case _:
            place[key] = draw(hostile)


@cache
def _fitting_for(key: str) -> Any:
    """Return values that the schema allows or nearly allows under a key, wherever it stands."""
    definitions = [whole_schema(), *whole_schema()["$defs"].values()]
    return st.one_of([fitting(definition["properties"][key]) for definition in definitions if key in definition.get("properties", {})])


@cache
def base_texts() -> list[str]:
    """Return the short shipped configs and each experiment of the others, as text."""
    parts = [yaml.safe_dump(base, sort_keys=False) for base in bases()]
    return [path.read_text(encoding="utf-8") for path in SHIPPED] + parts


SNIPPETS = [
    *("&a ", "*a", "*a\n", "&a [*a]", "<<: *a\n", "<<: {a: 1}\n", "<<: [1]\n", "!!python/object:os.system x"),
    *("!!binary aGk=", "!!set {a}", "!!int x", "! x", "!<tag:x> y", "%YAML 1.1\n---\n", "%TAG ! x:\n---\n", "---\n"),
    *("...\n", "? a\n: b\n", "? [a]\n: b\n", "{a: 1, a: 2}", "010", "0o17", "0x1F", "1_000", "1:30", "1e3", "1e999"),
    *(".inf", ".nan", "yes", "Off", "~", "2024-01-01", "'", '"', "\\", "|", ">", "|+2\n", "\t", "\t- a", "\0"),
    *("\ufeff", "\x07", "\x1b[2J", "\x85", "\u2028", "\r", "\r\n", "#", ":", ": ", "- ", ",", "[", "]", "{", "}"),
    *("[[[[", "{{{{", "[" * 45 + "]" * 45, "{a: " * 45 + "1" + "}" * 45, "- " * 45, "a: &b [*b, *b]\n", '"\\ud800"'),
    *('"\\x00"', '"\\U00110000"', '"\\q"', "@x", "`x`", "  ", "\n", "\n\n", "x" * 3000, "9" * 5000, "é", "🜂"),
    *("'" * 9, "a: 1\na: 2\n", "\n  experiments:\n", "regimes: [\n", "&", "*", "!", "%", "@"),
]


@st.composite
def texts(draw: Any) -> bytes:
    """Draw the text of a real config in which up to four pieces are added, cut out, doubled or exchanged, in some encoding."""
    text = draw(st.sampled_from(base_texts()))
    for _ in range(draw(st.integers(1, 4))):
        begin = draw(st.integers(0, len(text)))
        end = min(begin + draw(st.sampled_from([0, 0, 0, 1, 2, 8, 40, 400])), len(text))
        piece = draw(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=4), st.just(text[begin:end] * 2), st.just("")))
        text = text[:begin] + piece + text[end:]
    return _encoded(draw, text)


def _encoded(draw: Any, text: str) -> bytes:
    match draw(st.integers(0, 15)):
        case 0:
            return text.encode("utf-16", "surrogatepass")
        case 1:
            return b"\xef\xbb\xbf" + text.encode(errors="replace")
        case 2:
            return text.encode("latin-1", "replace") + b"\xff"
        case 3:
            return text.encode(errors="replace")[: draw(st.integers(0, len(text)))]
    return text.encode("utf-8", "replace")


def aliases(levels: int, width: int) -> str:
    """Return a config whose aliases stand for ``width ** levels`` values."""
    lines = ["l0: &l0 [" + ", ".join("1" * width) + "]"]
    lines += [f"l{level}: &l{level} [" + ", ".join([f"*l{level - 1}"] * width) + "]" for level in range(1, levels)]
    return "\n".join(lines)
