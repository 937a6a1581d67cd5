"""Records: the small files that Heirloom, DVC and Snakemake write and that a hand, an editor or a merge can change.

Whatever was done to one of them, reading it ends in its content or in one line: the file, what is wrong with it, and the way back.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import yaml

_MARKS = (b"<<<<<<< ", b">>>>>>> ")
MERGE = (
    "git checkout --ours -- results data dvc.lock takes the records of one branch (--theirs those of the other, "
    "git checkout HEAD~1 -- FILE where the marks are committed), heirloom restore brings its data, and snakemake makes the rest"
)
"""The way back from a merge of two branches that both have results."""


def text(content: bytes, file: str | Path, way_back: str) -> str:
    """Return a record's text.

    Parameters
    ----------
    file
        What the message calls the record.
    way_back
        What brings the record back, as the end of a message.

    Raises
    ------
    HeirloomError
        If it holds git's conflict marks, or is not UTF-8.
    """
    if is_conflicted(content):
        raise HeirloomError(f"{file}: holds the conflict marks of a git merge; {MERGE}")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise HeirloomError(f"{file}: damaged, it is not UTF-8; {way_back}") from None


def is_conflicted(content: bytes) -> bool:
    """Return whether a file holds the marks that git leaves where two branches have changed the same lines."""
    return any(content.startswith(mark) or b"\n" + mark in content for mark in _MARKS)


def json_value(content: str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ValueError
        If it is none, is nested too deeply to be a record, has a key twice, of which a reader would believe the last, or a number
        that is not finite, which JSON does not have and no record is written with.
    """
    try:
        return json.loads(content, object_pairs_hook=_object, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def json_object(content: bytes, file: str | Path, way_back: str) -> dict[str, Any]:
    """Return the object that a JSON record holds.

    Raises
    ------
    HeirloomError
        If it holds none, or as `text` does.
    """
    spelled = text(content, file, way_back)
    try:
        value = json_value(spelled)
    except ValueError as error:
        raise HeirloomError(f"{file}: not valid JSON ({_short(error)}); {way_back}") from None
    if not isinstance(value, dict):
        raise HeirloomError(f"{file}: damaged, expected a JSON object; {way_back}")
    return value


def yaml_strings(content: bytes, file: str | Path, way_back: str) -> Any:
    """Return what a YAML record holds, every scalar as a string: nothing there can be a date, a number or an object.

    Raises
    ------
    HeirloomError
        If it is no YAML, or as `text` does.
    """
    import yaml

    spelled = text(content, file, way_back)
    try:
        node = yaml.compose(spelled, yaml.BaseLoader)
        repeated_key = _repeated_key(node) if node else ""
        value = yaml.load(spelled, yaml.BaseLoader)  # noqa: S506, BaseLoader makes strings alone
    except (yaml.YAMLError, ValueError, RecursionError):
        raise HeirloomError(f"{file}: damaged, it is no YAML; {way_back}") from None
    if repeated_key:
        raise HeirloomError(f"{file}: damaged, it has the key {ascii(repeated_key)[:60]} twice; {way_back}")
    return value


def _repeated_key(node: yaml.Node) -> str:
    """Return a key that a mapping at or below a node has twice, of which a reader would believe the last; nothing if there is none."""
    stack, ids = [node], set()
    while stack:
        current = stack.pop()
        if id(current) in ids or not isinstance(current.value, list):
            continue
        ids.add(id(current))
        pairs = [entry for entry in current.value if isinstance(entry, tuple)]
        repeated_key = _first_repeated([key.value for key, _ in pairs if isinstance(key.value, str)])
        if repeated_key:
            return repeated_key
        stack += [value for _, value in pairs] if pairs else current.value
    return ""


def _first_repeated(names: list[str]) -> str:
    """Return the first name that a list has more than once; an empty string if there is none."""
    return next((name for name in names if names.count(name) > 1), "")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        repeated_key = _first_repeated([name for name, _ in pairs])
        raise ValueError(f"the key {in_one_line(repeated_key)} twice")
    return value


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{in_one_line(word)} is no finite number")
    return number


def in_one_line(value: object) -> str:
    """Return a value as a message shows it: in one short line of plain letters."""
    return ascii(value)[:60]


def _short(error: ValueError) -> str:
    return str(error).partition(";")[0][:200]
