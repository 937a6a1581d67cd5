"""What is wrong with a config, in words: every fault that validation finds, the misspelt keys first, each with the key that it may mean."""

from __future__ import annotations

import difflib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from pydantic import ValidationError

from heirloom.errors import short
from heirloom.strict_yaml import Fault, Key

Schema = Mapping[str, Any]
Error = Mapping[str, Any]
"""One error as pydantic tells of it."""

_UNKNOWN = "extra_forbidden"
_WANTED = {
    "tuple_type": "Input should be a list",
    "list_type": "Input should be a list",
    "dict_type": "Input should be a mapping",
    "model_type": "Input should be a mapping",
    "model_attributes_type": "Input should be a mapping",
}
_LONGEST_WORD = 64
_MOST_ALLOWED = 12
_LONGEST_SHARED_LINE = 240


def validation(error: ValidationError, raw: Any, schema: Schema) -> list[Fault]:
    """Return what pydantic found: unknown keys first, then the rest in its order, one fault a key and kind.

    Parameters
    ----------
    raw
        What was validated.
    schema
        The JSON schema of it, which knows the keys that are allowed.
    """
    by_key: dict[Key, list[Error]] = defaultdict(list)
    for finding in error.errors(include_url=False):
        by_key[_key(finding, raw)].append(finding)
    parents = {key[:end] for key in by_key for end in range(len(key))}
    unknown_keys: list[Fault] = []
    faults: list[Fault] = []
    for key, errors in by_key.items():
        unknown_keys += [Fault(key, _unknown(finding, schema), is_unknown=True) for finding in errors if finding["type"] == _UNKNOWN]
        findings = [finding for finding in errors if finding["type"] != _UNKNOWN]
        if key in parents:  # a union's other branches ask for another type, and a list counts sound items; the faults inside it say more
            findings = [finding for finding in findings if not finding["type"].endswith(("_type", "literal_error", "too_short"))]
        if findings:
            faults.append(_fault(key, findings, raw))
    return unknown_keys + faults


def suggestion(word: str, allowed_words: Iterable[str]) -> str:
    """Return ``; did you mean `…`?`` for the allowed word that is most like a given one; nothing where none is."""
    matches = difflib.get_close_matches(word[:_LONGEST_WORD], list(allowed_words), n=1)
    return f"; did you mean `{matches[0]}`?" if matches else ""


def merge(reading_faults: Iterable[Fault], validation_faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults of reading among those of validation: after the unknown keys, and in place of others at the same key."""
    from_reading = list(reading_faults)
    keys = {fault.key for fault in from_reading}
    from_validation = [fault for fault in validation_faults if fault.key not in keys]
    unknown_keys = [fault for fault in from_validation if fault.is_unknown]
    return [*unknown_keys, *from_reading, *(fault for fault in from_validation if not fault.is_unknown)]


def lines(faults: Iterable[Fault], file: str) -> list[str]:
    """Return faults as the lines of a message: file, line, key, what is wrong. A few short ones are numbered and share a line."""
    texts = [_spelled(fault) for fault in faults]
    numbered_texts = "; ".join(f"({number}) {text}" for number, text in enumerate(texts, 1))
    if len(texts) > 1 and len(numbered_texts) <= _LONGEST_SHARED_LINE:
        return [f"{file}: {numbered_texts}"]
    return [f"{file}: {text}" for text in texts]


def _spelled(fault: Fault) -> str:
    place = f"line {fault.line}" if fault.line else ""
    key = ".".join(short(str(step)) for step in fault.key)
    return ": ".join(filter(None, [place, key, fault.text]))


def value_note(value: Any) -> str:
    """Return a value that a message quotes, shortened, or its kind; nothing for what is too large to quote."""
    words = _value_words(value)
    return f" (given: {words})" if words else ""


def _value_words(value: Any) -> str:
    match value:
        case bool() | None:
            return json.dumps(value)
        case float():
            return repr(value)
        case int():
            return str(value) if abs(value) < 10**40 else "an integer of more than 40 digits"
        case str():
            return repr(value) if len(value) <= _LONGEST_WORD else f"{value[:40]!r} [{len(value):,} characters]"
        case list() | tuple():
            return "a list"
    return ""


def _key(error: Error, raw: Any) -> Key:
    """Return where in the file an error is: without the steps by which pydantic tells the branches of a union apart."""
    steps: list[str | int] = []
    place = raw
    loc = [step for step in error["loc"] if step != "[key]"]
    for position, step in enumerate(loc):
        is_missing = error["type"] == "missing" and position == len(loc) - 1
        if _holds(place, step):
            place = place[step]
        elif not is_missing:
            continue
        steps.append(step)
    if error["type"].startswith("union_tag"):
        steps.append(error["ctx"]["discriminator"].strip("'"))
    return tuple(steps)


def _holds(place: Any, step: str | int) -> bool:
    if isinstance(place, Mapping):
        return step in place and step not in (place.get("name"), place.get("kind"))  # else it is the tag of a union's branch
    return isinstance(place, list) and isinstance(step, int) and step < len(place)


def _fault(key: Key, errors: list[Error], raw: Any) -> Fault:
    """Return one fault for all that is wrong at a key: the branches of a union each ask for something else."""
    texts = dict.fromkeys(_text(error, raw) for error in errors)
    first, *alternatives = texts
    text = first + "".join(f", or {alternative.removeprefix('Input should be ')}" for alternative in alternatives)
    kind = errors[0]["type"]
    if kind in ("value_error", "missing") or kind.startswith("union_tag"):
        return Fault(key, text)
    return Fault(key, text + value_note(errors[0]["input"]))


def _text(error: Error, raw: Any) -> str:
    kind, message = error["type"], error["msg"].removeprefix("Value error, ")
    if kind == "union_tag_invalid":
        names = re.findall(r"'(\w+)'", error["ctx"]["expected_tags"])
        tag = str(error["ctx"]["tag"])
        return f"{short(tag)!r} is none of {', '.join(names)}{suggestion(tag, names)}"
    if kind == "union_tag_not_found":
        name = error["ctx"]["discriminator"].strip("'")
        keys = error["input"] if isinstance(error["input"], Mapping) else ()
        words = [key[:_LONGEST_WORD] for key in keys if isinstance(key, str)]
        matches = difflib.get_close_matches(name, words, n=1)
        return f"Field required; is `{matches[0]}` meant to be `{name}`?" if matches else "Field required"
    return _WANTED.get(kind, message)


def _unknown(error: Error, schema: Schema) -> str:
    allowed_keys = sorted(_allowed_keys(error["loc"], schema))
    hint = suggestion(str(error["loc"][-1]), allowed_keys)
    if hint:
        return f"no such key{hint}"
    names = ", ".join(allowed_keys[:_MOST_ALLOWED]) or "none"
    remainder = len(allowed_keys) - _MOST_ALLOWED
    return f"no such key (allowed here: {names}{f' and {remainder} more' if remainder > 0 else ''})"


def _allowed_keys(loc: tuple[str | int, ...], schema: Schema) -> set[str]:
    """Return the keys that may stand where an unknown one stands."""
    nodes = list(_alternatives(schema, schema))
    for step in loc[:-1]:
        below = [inner for node in nodes for inner in _below(node, step, schema)]
        branches = [inner for node in nodes for inner in _branches(node, step, schema)]
        nodes = below or branches or nodes
    return set(chain.from_iterable(node.get("properties", {}) for node in nodes))


def _alternatives(node: Schema, schema: Schema) -> Iterator[Schema]:
    """Yield a node of the schema, or all that it may be, references followed."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        yield from ({**inner, "title": name} for inner in _alternatives(schema["$defs"][name], schema))
        return
    yield node
    for inner in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from _alternatives(inner, schema)


def _below(node: Schema, step: str | int, schema: Schema) -> Iterator[Schema]:
    key = str(step)
    by_pattern = [inner for pattern, inner in node.get("patternProperties", {}).items() if re.match(pattern, key)]
    by_name = (node.get("properties", {}).get(key), *by_pattern, node.get("additionalProperties"))
    for inner in (node.get("items"),) if isinstance(step, int) else by_name:
        if isinstance(inner, Mapping):
            yield from _alternatives(inner, schema)


def _branches(node: Schema, step: str | int, schema: Schema) -> Iterator[Schema]:
    """Yield the branch of a union that a step names: by its tag, or by its model."""
    mapping = node.get("discriminator", {}).get("mapping", {})
    if step in mapping:
        branch = mapping[step]  # of a union inside a union a node, of any other a reference
        yield from _alternatives({"$ref": branch} if isinstance(branch, str) else branch, schema)
    elif node.get("title") == step and "properties" in node:
        yield node
