"""Conditions for continuous integration, such as ``removed>0 or js>0.05 or verdict=shifted``: read, and decided by an answer.

    condition = group { "or" group }
    group     = clause { "and" clause }
    clause    = name ("=" | "!=" | "<" | "<=" | ">" | ">=") value

There are no parentheses, and nothing is evaluated as code.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    from heirloom.diffs.result import DatasetDiff

Value = float | str

VERDICTS = {
    "same": "same",
    "different": "different",
    "different rows, same distribution": "same-distribution",
    "distribution shifted": "shifted",
    "distribution seems shifted": "seems-shifted",
}
"""Answers, and how a condition spells them; of several splits the last in this order counts."""
DIRECTIONS = ("same", "narrower", "broader", "elsewhere")
WORDS = {"verdict": tuple(VERDICTS.values()), "direction": DIRECTIONS}
COUNTS = ("rows_a", "rows_b", "kept", "edited", "rewritten", "removed", "added", "near_removed", "near_added")
NUMBERS = (*COUNTS, "repeated_a", "repeated_b", "columns", "moved", "words_lost", "words_gained", "js", "energy", "p")
NAMES = (*NUMBERS, *WORDS)

_CLAUSE = re.compile(r"\s*(?P<name>[a-z_]+)\s*(?P<sign><=|>=|!=|=|<|>)\s*(?P<value>[^\s<>=!]+)\s*")
_SIGNS: Mapping[str, Callable[[Value, Value], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Clause(NamedTuple):
    """One comparison: a name, a sign and the value beside it."""

    name: str
    sign: str
    value: Value


Condition = tuple[tuple[Clause, ...], ...]
"""Groups of clauses: all of one group must hold, of any group."""


def parse(text: str) -> Condition:
    """Return a condition.

    Raises
    ------
    HeirloomError
        If it is none, with the part that cannot be read and what is allowed.
    """
    groups = re.split(r"\s+or\s+", text)
    return tuple(_group(group, text) for group in groups)


def holds(condition: Condition, diff: DatasetDiff) -> bool:
    """Return whether a condition holds for what changed.

    Raises
    ------
    HeirloomError
        If it asks for a number that this comparison does not have.
    """
    facts = dict(_facts(diff))
    return any(_all_hold(group, facts, diff) for group in condition)


def _all_hold(group: tuple[Clause, ...], facts: Mapping[str, Value], diff: DatasetDiff) -> bool:
    return all(_holds(clause, facts, diff) for clause in group)


def _group(group: str, text: str) -> tuple[Clause, ...]:
    return tuple(_clause(part, text) for part in re.split(r"\s+and\s+", group))


def _clause(part: str, text: str) -> Clause:
    match = _CLAUSE.fullmatch(part)
    if match is None:
        raise HeirloomError(f"--fail-if {text!r}: cannot read {part.strip()!r}; written is: removed>0 or js>0.05 and verdict=shifted")
    name, sign, value = match["name"], match["sign"], match["value"]
    if name not in NAMES:
        raise HeirloomError(f"--fail-if {text!r}: there is no {name}; there are {', '.join(NAMES)}")
    if name in WORDS:
        if value not in WORDS[name] or sign not in ("=", "!="):
            raise HeirloomError(f"--fail-if {text!r}: {name} is = or != one of {', '.join(WORDS[name])}")
        return Clause(name, sign, value)
    try:
        return Clause(name, sign, float(value))
    except ValueError:
        raise HeirloomError(f"--fail-if {text!r}: {name} is compared with a number, and {value!r} is none") from None


def _holds(clause: Clause, facts: Mapping[str, Value], diff: DatasetDiff) -> bool:
    if clause.name not in facts:
        raise HeirloomError(f"--fail-if: {clause.name} is not known here, because {_absence(clause.name, diff)}")
    return _SIGNS[clause.sign](facts[clause.name], clause.value)


def _absence(name: str, diff: DatasetDiff) -> str:
    """Return why a number is not there."""
    if name in ("js", "words_lost", "words_gained") and diff.kind in ("vectors", "table"):
        return f"the datasets hold {diff.kind} and no text"
    if name == "energy" and diff.kind != "vectors":
        return f"the datasets hold {diff.kind} and no vectors"
    return "the rows are too few, or of a kind that is not tested"


def _facts(diff: DatasetDiff) -> Iterator[tuple[str, Value]]:
    """Yield what conditions ask for: of several splits the sums of counts, the largest distance, the smallest p, the gravest verdict."""
    parts = [split.diff for split in diff.splits if split.diff] or [diff]
    yield "rows_a", diff.identity.a.rows
    yield "rows_b", diff.identity.b.rows
    yield "columns", sum(not column.is_same for part in parts for column in part.columns)
    yield "moved", sum(move.rows for move in diff.moved)
    yield from _counts(parts, diff)
    yield from _law(parts, diff)
    yield "verdict", max((VERDICTS[part.verdict.answer] for part in (*parts, diff)), key=WORDS["verdict"].index)
    yield "direction", max((part.verdict.direction or "same" for part in parts), key=DIRECTIONS.index)


def _counts(parts: list[DatasetDiff], diff: DatasetDiff) -> Iterator[tuple[str, Value]]:
    all_rows = [part.rows for part in parts if part.rows]
    only_a = sum(split.rows_a or 0 for split in diff.splits if split.diff is None)
    only_b = sum(split.rows_b or 0 for split in diff.splits if split.diff is None)
    yield "kept", sum(rows.kept for rows in all_rows)
    yield "edited", sum(rows.edited for rows in all_rows)
    yield "rewritten", sum(rows.rewritten for rows in all_rows)
    yield "removed", only_a + sum(rows.removed for rows in all_rows)
    yield "added", only_b + sum(rows.added for rows in all_rows)
    yield "near_removed", sum(rows.near_removed for rows in all_rows)
    yield "near_added", sum(rows.near_added for rows in all_rows)
    yield "repeated_a", sum(rows.repeated_a for rows in all_rows)
    yield "repeated_b", sum(rows.repeated_b for rows in all_rows)


def _law(parts: list[DatasetDiff], diff: DatasetDiff) -> Iterator[tuple[str, Value]]:
    """Yield distances and tests; of equal content the distance is 0 and p is 1, and no word was lost."""
    differing = [part for part in parts if part.rows is None or part.rows.kept < max(part.identity.a.rows, part.identity.b.rows)]
    words = [part.vocabulary for part in differing if part.vocabulary]
    laws = [part.distribution for part in differing if part.distribution]
    if words or not differing:
        yield "words_lost", sum(vocabulary.lost for vocabulary in words)
        yield "words_gained", sum(vocabulary.gained for vocabulary in words)
    if laws or not differing:
        distances = [law.distance for law in laws]
        kinds = {part.kind for part in parts}
        yield "energy" if "vectors" in kinds else "js", max(distances, default=0.0)
        yield "p", min((test.adjusted for law in laws for test in law.tests), default=1.0)
