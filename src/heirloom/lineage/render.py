"""Render: an ancestry as a tree for people, JSON for programs, and Mermaid or DOT for pictures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from heirloom.artefacts.files import dumps
from heirloom.lineage.artefact import Artefact, Input
from heirloom.lineage.references import name_of
from heirloom.lineage.trace import Trace, distinguishing, settings

DIGITS = 12
"""Of a fingerprint, in print."""

_WIDTH = 120
_FEW = 3
"""Source files that a tree names one by one."""


def tree(trace: Trace) -> str:
    """Return an indented tree, oldest inputs first. An artefact from which several others were made is shown once.

    Under each artefact stand the settings of its step that tell it from the most similar one above.
    """
    return "\n".join(tree_lines(trace))


def tree_lines(trace: Trace) -> Iterator[str]:
    """Yield the lines of a tree as it grows: a line is as long as its place is deep, so that thousands of generations make a long text."""
    settings_of_step: dict[str, list[dict[str, Any]]] = {}
    drawn_paths: set[str] = set()
    stack: list[tuple[str, str, str, Input]] = [("", "", "", Input("", "", trace.root))]
    while stack:
        indent, branch, indent_below, edge = stack.pop()
        node = trace.nodes.get(edge.path or "")
        role = f"{edge.role}: " if edge.role else ""
        if node is None or node.path in drawn_paths:
            yield f"{indent}{branch}{role}{_leaf(edge, drawn_paths)}"
            continue
        drawn_paths.add(node.path)
        note = "  (inferred)" if edge.is_inferred else ""
        yield f"{indent}{branch}{role}{_headline(trace, node)}{note}"
        indent += indent_below
        stack += reversed(_children(indent, node))
        node_settings = settings(node)
        earlier_settings = settings_of_step.setdefault(node.step, [])
        yield from _settings(indent + ("│    " if node.inputs else "     "), distinguishing(node_settings, earlier_settings))
        if node_settings not in earlier_settings:
            earlier_settings.append(node_settings)


def as_json(trace: Trace) -> str:
    """Return the ancestry as JSON: each artefact's path, fingerprint, step, slice, environment, commit, and inputs.

    The inputs stand twice: by role under their names, and one by one as edges with path, hash, and whether the path is inferred.
    """
    artefacts = {name_of(path): _fields(trace, path, node) for path, node in trace.nodes.items()}
    return dumps({"of": trace.reference, "root": name_of(trace.root), "artefacts": artefacts}).rstrip()


def _fields(trace: Trace, path: str, node: Artefact) -> dict[str, Any]:
    return {
        "path": path,
        "sha256": node.sha256,
        "step": node.step,
        "slice": node.slice,
        "environment": node.manifest.get("environment", {}),
        "commit": trace.commits[path],
        "inputs": _by_role(node),
        "edges": [_edge(edge) for edge in node.inputs],
    }


def mermaid(trace: Trace) -> str:
    """Return a Mermaid flow chart, from real data down to the artefact."""
    ids = {path: f"a{number}" for number, path in enumerate(trace.nodes)}
    lines = ["flowchart TD"]
    for path, node in trace.nodes.items():
        label = f"{name_of(path)}<br/>{node.step} {node.sha256[:DIGITS]}"
        lines.append(f'  {ids[path]}["{label}"]')
    for path, edge in _edges(trace):
        lines.append(f"  {ids[edge.path or '']} -->|{edge.role}| {ids[path]}")
    return "\n".join(lines)


def dot(trace: Trace) -> str:
    """Return a graph in Graphviz's language, from real data down to the artefact."""
    boxes = [f'  "{name_of(path)}" [label="{name_of(path)}\\n{node.step} {node.sha256[:DIGITS]}"];' for path, node in trace.nodes.items()]
    arrows = [f'  "{name_of(edge.path or "")}" -> "{name_of(path)}" [label="{edge.role}"];' for path, edge in _edges(trace)]
    return "\n".join(["digraph lineage {", "  node [shape=box];", *boxes, *arrows, "}"])


FORMATS: Mapping[str, Callable[[Trace], str]] = {"tree": tree, "json": as_json, "mermaid": mermaid, "dot": dot}


def short(value: Any) -> str:
    """Return a setting's value in print: words bare, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _children(indent: str, node: Artefact) -> list[tuple[str, str, str, Input]]:
    """Return the lines under an artefact: its inputs, of many source files the first few and how many more there are."""
    sources = [edge for edge in node.inputs if edge.is_source]
    artefacts = [edge for edge in node.inputs if not edge.is_source]
    if len(sources) > _FEW:
        remainder = Input("source", "", None, f"{len(sources) - _FEW} more files")
        sources = [*sources[:_FEW], remainder]
    edges = [*sources, *artefacts]
    if not edges:
        return []
    return [*((indent, "├─ ", "│  ", edge) for edge in edges[:-1]), (indent, "└─ ", "   ", edges[-1])]


def _headline(trace: Trace, node: Artefact) -> str:
    commit, _, changes = trace.commits[node.path].partition("+")
    mark = "+changes" if changes else ""
    commit_note = f"  commit {commit[:10]}{mark}" if commit else ""
    return f"{name_of(node.path)}  {node.step} {node.sha256[:DIGITS]}{commit_note}"


def _leaf(edge: Input, drawn_paths: Collection[str]) -> str:
    """Return the line of an input under which nothing stands: it is drawn above, too deep, or no artefact."""
    if edge.path is not None:
        note = "(see above)" if edge.path in drawn_paths else "…"
        return f"{name_of(edge.path)} {note}{' (inferred)' if edge.is_inferred else ''}"
    label = f"{edge.name} {edge.sha256[:DIGITS]}".strip()
    return label if edge.is_source else f"{label} ({_reason(edge)})"


def _reason(edge: Input) -> str:
    return "not there with these bytes" if edge.name else "no artefact with this fingerprint is known here"


def _settings(indent: str, values: Mapping[str, Any]) -> list[str]:
    text = ", ".join(f"{key}\xa0{short(value)}".replace(" ", "\xa0") for key, value in values.items())
    lines = textwrap.wrap(text, max(40, _WIDTH - len(indent)), break_long_words=False, break_on_hyphens=False)
    return [indent + line.replace("\xa0", " ") for line in lines]


def _by_role(node: Artefact) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for edge in node.inputs:
        name = name_of(edge.path) if edge.path else edge.sha256
        names.setdefault(edge.role, []).append(name)
    return names


def _edge(edge: Input) -> dict[str, Any]:
    return {"role": edge.role, "path": edge.name, "sha256": edge.sha256, "inferred": edge.is_inferred}


def _edges(trace: Trace) -> Iterator[tuple[str, Input]]:
    for path, node in trace.nodes.items():
        yield from ((path, edge) for edge in node.inputs if edge.path in trace.nodes)
