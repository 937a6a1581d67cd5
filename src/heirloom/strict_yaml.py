"""A config's YAML, read so that it says one thing: what two readers of YAML could read in two ways is refused with its key and line.

The library takes the text apart (`yaml.parse`); what a word means is decided here. Numbers, `true`, `false` and null are read where
YAML 1.1 (PyYAML, Snakemake) and YAML 1.2 (ruamel, DVC) agree, and numbers such as ``1e-3`` as YAML 1.2 has them. Dates, tags, directives
and keys that are no text are refused, and so is a key that stands twice. Anchors, aliases and merge keys (``<<``) are read.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from heirloom.errors import HeirloomError, short

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

MOST_BYTES = 2_000_000
DEEPEST = 40
"""Mappings and lists inside each other."""
MOST_VALUES = 200_000
"""Values of a file, those that aliases repeat included."""

Key = tuple[str | int, ...]
"""Where a value stands: keys and, inside a list, positions."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_ANY_NUMBER = re.compile(r"[-+]?(0o[0-7_]+|\.?[0-9][0-9_]*(\.[0-9_]*)?([eE][-+]?[0-9]+)?)")
"""What one of the two reads as a number."""
_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+(\.[0-9_]*)?([eE][-+]?[0-9]+)?")
_MOST_DIGITS = 19
_MERGE = "<<"
_RESOLVER: Any = yaml.resolver.Resolver()
_TEXT_TAG, _BOOLEAN_TAG, _TIME_TAG = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "bool", "timestamp"))


class Fault(NamedTuple):
    """One thing that is wrong: where it stands, what it is in words, its line where known, and whether the key does not exist."""

    key: Key
    text: str
    line: int | None = None
    is_unknown: bool = False


@dataclass
class _Reading:
    """What is known in the middle of a file."""

    events: Iterator[Any]
    """Events of `yaml.parse`."""
    faults: list[Fault] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    """Name of an anchor → its value, and how many values that is."""
    values: int = 0


class _Unreadable(Exception):  # noqa: N818, it never leaves this module
    """The rest of the file cannot be read."""

    def __init__(self, text: str, line: int | None = None) -> None:
        super().__init__(text)
        self.line = line


def read(path: str | Path) -> tuple[Any, list[Fault]]:
    """Return what a YAML file holds, and what is wrong in it although the rest could be read, in the order of the file.

    A word with two readings stands as text in what is returned; of two equal keys the last one stands.

    Raises
    ------
    HeirloomError
        If the file is missing, is too long, is not UTF-8, or is no YAML of this kind; the message names the line.
    """
    try:
        return parse(_text(Path(path)))
    except _Unreadable as error:
        place = f"line {error.line}: " if error.line else ""
        raise HeirloomError(f"{path}: {place}{error}") from None


def parse(text: str) -> tuple[Any, list[Fault]]:
    """Return the value of a YAML text and its faults; see `read`."""
    reading = _Reading(iter(yaml.parse(text, Loader=_Loader)))
    value: Any = None
    try:
        documents = 0
        for event in reading.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                _check_start(event, documents)
            elif isinstance(event, yaml.NodeEvent):
                value = _value(event, (), reading)
    except yaml.YAMLError as error:
        raise _unreadable(error) from None
    return value, reading.faults


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _Unreadable(f"has {path.stat().st_size:,} bytes; a config has at most {MOST_BYTES:,}: name many files by globs")
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise _Unreadable("no such config file") from None
    except OSError as error:
        raise _Unreadable(f"cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        fault = f"byte {error.object[error.start]:#04x} is not UTF-8; save the file in the encoding UTF-8"
        raise _Unreadable(fault, line) from None


def _unreadable(error: yaml.YAMLError) -> _Unreadable:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        context = f" {error.context}" if error.context else ""
        return _Unreadable(
            f"not valid YAML ({error.problem}{context}, column {error.problem_mark.column + 1})", error.problem_mark.line + 1
        )
    return _Unreadable(f"not valid YAML ({' '.join(str(error).split())})")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _check_start(event: Any, documents: int) -> None:
    line = _line(event)
    if documents > 1:
        raise _Unreadable("a second document begins; a config is one document: remove the line `---` and what is not meant", line)
    if event.version or event.tags:
        raise _Unreadable("directives (%YAML, %TAG) are not read; remove them", line)


def _value(event: Any, key: Key, reading: _Reading) -> Any:
    """Return the value that an event begins, having read to its end."""
    line = _line(event)
    if len(key) > DEEPEST:
        raise _Unreadable(f"more than {DEEPEST} lists and mappings stand inside each other", line)
    if isinstance(event, yaml.AliasEvent):
        return _repeated(event, reading)
    if event.tag is not None:
        raise _Unreadable(f"the tag {short(event.tag.replace('tag:yaml.org,2002:', '!!'))} is not read; write the value alone", line)
    values_before = reading.values
    _count(reading, 1, line)
    if isinstance(event, yaml.MappingStartEvent):
        value: Any = _mapping(key, reading)
    elif isinstance(event, yaml.SequenceStartEvent):
        value = _sequence(key, reading)
    else:
        value = _scalar(event, key, reading)
    if event.anchor is not None:
        reading.anchors[event.anchor] = value, reading.values - values_before
    return value


def _count(reading: _Reading, number: int, line: int) -> None:
    reading.values += number
    if reading.values > MOST_VALUES:
        raise _Unreadable(f"more than {MOST_VALUES:,} values, those that aliases repeat included", line)


def _repeated(event: Any, reading: _Reading) -> Any:
    """Return a copy of what an alias stands for."""
    line = _line(event)
    if event.anchor not in reading.anchors:
        raise _Unreadable(f"the alias *{short(event.anchor)} stands for nothing that ends before it", line)
    value, number = reading.anchors[event.anchor]
    _count(reading, number, line)
    return copy.deepcopy(value)


def _events_until(end: type[Any], reading: _Reading) -> Iterator[Any]:
    """Yield the event that each entry of a list or mapping begins with, up to the end of the whole."""
    event = next(reading.events)
    while not isinstance(event, end):
        yield event
        event = next(reading.events)


def _sequence(key: Key, reading: _Reading) -> list[Any]:
    values: list[Any] = []
    for event in _events_until(yaml.SequenceEndEvent, reading):
        values.append(_value(event, (*key, len(values)), reading))
    return values


def _mapping(key: Key, reading: _Reading) -> dict[str, Any]:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for event in _events_until(yaml.MappingEndEvent, reading):
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent) or event.tag is not None:
            raise _Unreadable("a key is a word; lists, mappings, aliases and tags are none", line)
        name = event.value
        if name in lines:
            fault = f"the key stands twice, in line {lines[name]} and in line {line}; rename or remove one"
            reading.faults.append(Fault((*key, name), fault, line))
        elif not (_is_merge(event) or isinstance(_scalar(event, (*key, name), reading), str)):
            fault = f"a key is text; write {short(name)!r} in quotes"
            reading.faults.append(Fault((*key, name), fault, line))
        lines[name] = line
        values[name] = _value(next(reading.events), (*key, name), reading)
        if _is_merge(event):
            values = _merged(values, line)
    return values


def _is_merge(event: Any) -> bool:
    return event.value == _MERGE and event.implicit[0]


def _merged(values: dict[str, Any], line: int) -> dict[str, Any]:
    """Return a mapping with what its merge key brings: before its own keys, which win; of several, the first wins."""
    merge_value = values.pop(_MERGE)
    parts = merge_value if isinstance(merge_value, list) else [merge_value]
    if not all(isinstance(part, dict) for part in parts):
        raise _Unreadable("the merge key << takes a mapping, or a list of mappings", line)
    defaults: dict[str, Any] = {}
    for part in reversed(parts):
        defaults |= part
    return defaults | values


def _scalar(event: Any, key: Key, reading: _Reading) -> Any:
    """Return a word's value; one that can be read in two ways is a fault, and stands as text."""
    text: str = event.value
    stray = _NO_CHARACTER.search(text)
    if stray:
        raise _Unreadable(f"the character U+{ord(stray.group()):04X} stands in no text", _line(event))
    if not event.implicit[0]:
        return text
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    number = _number(text)
    if number is not None:
        return number
    fault = _ambiguity(text)
    if fault is not None:
        reading.faults.append(Fault(key, fault, _line(event)))
    return text


def _number(text: str) -> int | float | None:
    """Return the number that a word is to all readers of YAML; None where it is none, or is too large."""
    if _INTEGER.fullmatch(text):
        return int(text) if len(text.lstrip("+-")) <= _MOST_DIGITS else None
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def _ambiguity(text: str) -> str | None:
    """Return why a word that stands without quotes is refused; None for plain text."""
    word = short(text, 40)
    if _NUMBER.fullmatch(text):
        return f"{word} is too large a number for any key; if text is meant, write it in quotes"
    tag = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if tag == _BOOLEAN_TAG:
        return f"{word} is a truth value in YAML 1.1 and text in YAML 1.2; write true or false, or put the word in quotes"
    if tag == _TIME_TAG:
        return f"{word} is a date to some readers of YAML and text to others; write it in quotes"
    if _LEADING_ZERO.fullmatch(text):
        return f"readers of YAML differ on {word}; write the number without a leading zero, or text in quotes"
    if _ANY_NUMBER.fullmatch(text) or tag != _TEXT_TAG:
        return f"readers of YAML differ on {word}; write a finite number in base ten without `_` or `:`, or text in quotes"
    return None
