"""The reference of the config, from its JSON schema: a table of keys for each section that a config can have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = Path(__file__).parents[2] / "schemas/config.schema.json"
Schema = dict[str, Any]

_KINDS = {"string": "text", "object": "mapping", "boolean": "true or false"}
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


def markdown() -> str:
    """Return a section for the file, and one for each kind of section in it, in the order of reference."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    definitions = schema["$defs"]
    lines = list(_section("The file", schema))
    for name in _reached(schema, definitions):
        lines += [f"({_anchor(name)})=", *_section(_title(name, definitions[name]), definitions[name])]
    return "\n".join(lines)


def _reached(schema: Schema, definitions: dict[str, Schema]) -> list[str]:
    """Return the names of all definitions, each after the first that refers to it."""
    names = list(_references(schema["properties"]))
    for name in names:
        names += [inner for inner in _references(definitions[name]) if inner not in names]
    return list(dict.fromkeys(names))


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield _name(node)
        for inner in node.values():
            yield from _references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _references(inner)


def _name(reference: Schema) -> str:
    name: str = reference["$ref"].rpartition("/")[2]
    return name


def _anchor(name: str) -> str:
    return f"config-{name.lower()}"


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _title(name: str, definition: Schema) -> str:
    """Return what people know a section by: the word that chooses it, or its own name in words."""
    for key in ("rows", "name", "kind"):
        word = definition.get("properties", {}).get(key, {}).get("const")
        if word:
            return f"{_words(name)} (`{key}: {word}`)"
    return _words(name)


def _section(title: str, definition: Schema) -> Iterator[str]:
    yield from [f"## {title}", "", definition.get("description", ""), ""]
    rows = list(_rows(definition, ""))
    if rows:
        yield from ["| key | value | default | meaning |", "|---|---|---|---|", *rows, ""]


def _rows(definition: Schema, prefix: str) -> Iterator[str]:
    required = definition.get("required", [])
    for key, value in definition.get("properties", {}).items():
        default = "required" if key in required else _code(value["default"]) if value.get("default") is not None else ""
        yield f"| `{prefix}{key}` | {_values(value)} | {default} | {_cell(value.get('description', ''))} |"
        for inner in [value, *value.get("anyOf", [])]:
            if "properties" in inner:
                yield from _rows(inner, f"{prefix}{key}.")


def _values(value: Schema) -> str:
    """Return in words what a key may be."""
    if "$ref" in value:
        return f"[{_words(_name(value)).lower()}](#{_anchor(_name(value))})"
    if "const" in value:
        return _code(value["const"])
    if "enum" in value:
        return ", ".join(map(_code, value["enum"]))
    choices = value.get("anyOf") or value.get("oneOf")
    if choices:
        return " or ".join(dict.fromkeys(map(_values, choices)))
    if value.get("type") == "array":
        return f"list of {_values(value['items'])}" if "items" in value else "list"
    for inner in [*value.get("patternProperties", {}).values(), value.get("additionalProperties")]:
        if isinstance(inner, dict):
            return f"name: {_values(inner)}"
    return _kind(value)


def _kind(value: Schema) -> str:
    """Return a type with its bounds."""
    kind: str = value.get("type", "")
    parts = [_KINDS.get(kind, kind)]
    parts += [f"{word} {value[key]:,}" for key, word in _BOUNDS.items() if key in value]
    return " ".join(parts)


def _code(value: Any) -> str:
    return _cell(f"`{value if isinstance(value, str) else json.dumps(value)}`")


def _cell(text: str) -> str:
    """Return a text as a table's cell: what Markdown would read as a link, a note or a mark stays what it is."""
    parts = re.split(r"(`[^`]*`)", text.replace("\n", " "))
    plain = [part if part.startswith("`") else re.sub(r"([\[\]*_<^])", r"\\\1", part) for part in parts]
    return "".join(plain).replace("|", r"\|")
