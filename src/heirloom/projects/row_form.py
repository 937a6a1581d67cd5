"""What a row is in somebody's data: running text of one column, pairs of two, conversations, or plain files cut into documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

from heirloom.errors import HeirloomError, short
from heirloom.projects.choice import Choice
from heirloom.sources import faults

PROMPTS = ("prompt", "question", "instruction", "query", "input")
COMPLETIONS = ("completion", "answer", "response", "output")
MESSAGES = ("messages", "conversations", "conversation")
"""Names that columns of pairs have in published instruction sets, the usual one first."""
HEADINGS = {"^ = [^=]+ = $": "titles as WikiText marks them", "^# ": "Markdown's first headings"}
"""Pattern of a line that begins a document → words for it."""
_MANY = 20
"""So many headings, lines or files make as many documents."""
_SAMPLE_LINES = 20_000
_SHORT_LINE = 200
"""Characters, in the median, up to which lines are pieces of longer text or single sentences, and too short for rows of their own."""


class Form(NamedTuple):
    """What a row is: keys of the source, keys of its `text`, and the reasons."""

    source: dict[str, Any]
    text: dict[str, Any]
    choices: tuple[Choice, ...]

    @property
    def is_pairs(self) -> bool:
        """Whether rows are pairs."""
        return self.text.get("rows") == "pairs"


def of_rows(rows: Sequence[Mapping[str, Any]], data: str) -> Form:
    """Return the form of rows of columns.

    Raises
    ------
    HeirloomError
        If no column holds text; the message names the columns.
    """
    if not rows:
        raise HeirloomError(f"--data: {data}: has no rows")
    names = list(dict.fromkeys(name for row in rows for name in row))
    conversations = [name for name in MESSAGES if name in names and isinstance(rows[0].get(name), list)]
    if conversations:
        choice = Choice("source.text.rows", "pairs", f"column {conversations[0]!r} holds conversations, of which each answer is a row")
        return Form({}, {"rows": "pairs", "pairs": {"messages": conversations[0]}}, (choice,))
    texts = {name: [row[name] for row in rows if row.get(name) is not None] for name in names}
    texts = {name: values for name, values in texts.items() if values and all(isinstance(value, str) for value in values)}
    pair = [next((name for name in spellings if name in texts), None) for spellings in (PROMPTS, COMPLETIONS)]
    if None not in pair:
        choice = Choice("source.text.rows", "pairs", f"columns {pair[0]!r} and {pair[1]!r}: a model learns to give the second to the first")
        return Form({}, {"rows": "pairs", "pairs": {"prompt": pair[0], "completion": pair[1], "separator": "\n"}}, (choice,))
    if not texts:
        raise HeirloomError(f"--data: {data}: no column holds text; it has {short(', '.join(map(str, names)), 300)}")
    lengths = {name: mean(map(len, values)) for name, values in texts.items()}
    column = max(lengths, key=lambda name: lengths[name])
    reason = f"the longest text: {lengths[column]:,.0f} characters in the mean; the columns are {short(', '.join(names), 200)}"
    return Form({"text_column": column}, {}, (Choice("source.text_column", column, reason),))


def of_plain(paths: Sequence[Path]) -> Form:
    """Return the form of plain text: where its documents begin and end.

    Raises
    ------
    HeirloomError
        If a file is no UTF-8, or has no text.
    """
    lines = list(islice(_lines(paths), _SAMPLE_LINES))
    if not lines:
        raise HeirloomError(f"--data: {paths[0]}: has no text")
    for pattern, words in HEADINGS.items():
        num_documents = sum(1 for line in lines if re.search(pattern, line))
        if num_documents >= _MANY:
            choice = Choice("source.document_separator", pattern, f"{words}, {num_documents} in the first {len(lines):,} lines")
            return Form({"document_separator": pattern}, {}, (choice,))
    if len(paths) >= _MANY:
        return Form({}, {}, (Choice("document", "a file", f"there are {len(paths)} files"),))
    length = median(map(len, lines))
    documents = Choice("source.lines", "true", f"each line is a document: there are neither headings nor {_MANY} files")
    if length >= _SHORT_LINE:
        return Form({"lines": True}, {}, (documents,))
    packing = Choice("source.text.packing", "1000 documents", f"lines are joined, then cut: their median is {length:.0f} characters")
    return Form({"lines": True}, {"packing": {"documents": 1000}}, (documents, packing))


def _lines(paths: Sequence[Path]) -> Iterable[str]:
    """Yield the lines that are not blank."""
    for path in paths:
        try:
            with path.open(encoding="utf-8-sig") as file:
                yield from (line.rstrip("\n") for line in file if not line.isspace())
        except UnicodeDecodeError:
            raise faults.not_utf8(path) from None


def check_template(form: Form, model: str | None) -> None:
    """Refuse conversations without a model.

    Raises
    ------
    HeirloomError
        If rows are written out by a chat template, and there is no model that has one.
    """
    if "messages" in form.text.get("pairs", {}) and model is None:
        raise HeirloomError("--data: conversations are written out by a chat template; name the model that has it: --model ID")
