"""Render: a row's two ancestries as text for people and JSON for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps
from heirloom.data.columns import BOOKKEEPING
from heirloom.lineage.references import name_of
from heirloom.lineage.render import DIGITS, short
from heirloom.lineage.settings import by_dotted_key
from heirloom.lineage.trace_row import RowTrace, Text, Writer
from heirloom.numerals import num_rows

_WIDTH = 120


def outline(trace: RowTrace) -> str:
    """Return the row, then its ancestry by text, then its ancestry by model, newest first."""
    row, *ancestors = trace.texts
    lines = [f"{trace.reference}: {_kind(row)}", *_content(row), "by text"]
    for text in ancestors:
        lines += _ancestor(text)
    if trace.article:
        lines.append(f"  cut from {_article(trace.article)}")
    lines += [*_wrap(_source(trace.source), "  "), "by model"]
    writer_lines = [line for writer in trace.writers for line in _writer(writer)]
    lines += writer_lines or ["  no model: a human wrote it, or the source's law drew it"]
    return "\n".join(lines)


def as_json(trace: RowTrace) -> str:
    """Return the same as JSON; rows that a model read are counted by generation of birth, 0 for real."""
    fields = {
        "of": trace.reference,
        "texts": [{"dataset": name_of(text.path), "position": text.position, "row": dict(text.row)} for text in trace.texts],
        "article": trace.article,
        "source": dict(trace.source),
        "writers": list(map(_writer_fields, trace.writers)),
    }
    return dumps(fields).rstrip()


def _writer_fields(writer: Writer) -> dict[str, Any]:
    return {
        "checkpoint": name_of(writer.checkpoint),
        "sha256": writer.sha256,
        "start": writer.start and name_of(writer.start),
        "train": writer.train and name_of(writer.train),
        "read": {str(born): rows for born, rows in writer.births.items()},
    }


FORMATS: Mapping[str, Callable[[RowTrace], str]] = {"tree": outline, "json": as_json}


def _kind(text: Text) -> str:
    row = text.row
    if row["kind"] == "real":
        return f"real row {row['row']}"
    depth = f", {row['depth']:.3g} {'model' if row['depth'] == 1 else 'models'} from a human on average" if "depth" in row else ""
    return f"synthetic row {row['row']}, born in generation {row['born']}{depth}"


def _ancestor(text: Text) -> list[str]:
    name = f"{name_of(text.path)}, row {text.row['row']}"
    if kinds.REAL_FOLDER.wildcards(text.path) is not None:
        return [f"  which is {name}"]
    relation = "completes the prompt of" if "prompt_text" in text.row else "continues"
    return [f"  {'edits' if text.is_edited else relation} {name}", *_content(text)]


def _content(text: Text) -> list[str]:
    row = text.row
    if "x" in row:
        return _wrap(short(row["x"]), "      ")
    if "text" not in row:
        cells = ", ".join(f"{name} {value}" for name, value in row.items() if name not in BOOKKEEPING)
        return _wrap(cells, "      ")
    if "prompt_text" not in row:
        return _wrap(f"“{row['text']}”", "      ")
    end = "" if row["stopped"] else " (cut at the limit)"
    return [*_wrap(f"prompt “{row['prompt_text']}”", "      "), *_wrap(f"completion “{row['text']}”{end}", "      ")]


def _article(article: Mapping[str, Any]) -> str:
    last = article["first_row"] + article["num_rows"] - 1
    return f"“{article['title']}” (document {article['document']}, {article['split']} split, rows {article['first_row']} to {last})"


def _source(source: Mapping[str, Any]) -> str:
    settings = {key: value for key, value in by_dotted_key(source).items() if key != "name" and value is not None}
    words = ", ".join(f"{key} {short(value)}" for key, value in settings.items())
    return f"of the source {source.get('name', '?')}: {words}"


def _writer(writer: Writer) -> list[str]:
    headline = f"  {name_of(writer.checkpoint)}  {writer.sha256[:DIGITS]}"
    start = name_of(writer.start) if writer.start else ""
    if writer.train is None:
        chain = f": inside a chain from {start}" if start else ""
        return [headline, f"      not kept, nor what it read{chain}"]
    if start:
        headline += f", from the weights of {start}"
    counts = [f"{rows} {_birth(born)}" for born, rows in writer.births.items()]
    rows = sum(writer.births.values())
    return [headline, *_wrap(f"read {name_of(writer.train)}: {num_rows(rows)}, {', '.join(counts)}", "      ")]


def _birth(born: int) -> str:
    return "real" if born == 0 else f"born in generation {born}"


def _wrap(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False)
