"""Render: an ancestry as a tree for people, JSON for programs, and Mermaid or DOT for pictures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
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
    seen: dict[str, list[dict[str, Any]]] = {}
    drawn: set[str] = set()
    lines: list[str] = []
    stack: list[tuple[str, str, str, Input]] = [("", "", "", Input("", "", trace.root))]
    while stack:
        indent, branch, beneath, given = stack.pop()
        node = trace.nodes.get(given.path or "")
        role = f"{given.role}: " if given.role else ""
        if node is None or node.path in drawn:
            lines.append(f"{indent}{branch}{role}{_elsewhere(given, drawn)}")
            continue
        drawn.add(node.path)
        inferred = "  (inferred)" if given.is_inferred else ""
        lines.append(f"{indent}{branch}{role}{_headline(trace, node)}{inferred}")
        indent += beneath
        stack += reversed(_children(indent, node))
        own, others = settings(node), seen.setdefault(node.step, [])
        lines += _settings(indent + ("│    " if node.inputs else "     "), distinguishing(own, others))
        if own not in others:
            others.append(own)
    return "\n".join(lines)


def as_json(trace: Trace) -> str:
    """Return the ancestry as JSON: each artefact's path, fingerprint, step, slice, environment, commit, and inputs.

    The inputs stand twice: by role under their names, and one by one as edges with path, hash, and whether the path is inferred.
    """
    artefacts = {
        name_of(path): {
            "path": path,
            "sha256": node.sha256,
            "step": node.step,
            "slice": node.slice,
            "environment": node.manifest.get("environment", {}),
            "commit": trace.commits[path],
            "inputs": _by_role(node),
            "edges": [_edge(given) for given in node.inputs],
        }
        for path, node in trace.nodes.items()
    }
    return dumps({"of": trace.of, "root": name_of(trace.root), "artefacts": artefacts}).rstrip()


def mermaid(trace: Trace) -> str:
    """Return a Mermaid flow chart, from real data down to the artefact."""
    ids = {path: f"a{place}" for place, path in enumerate(trace.nodes)}
    boxes = [f'  {ids[path]}["{name_of(path)}<br/>{node.step} {node.sha256[:DIGITS]}"]' for path, node in trace.nodes.items()]
    arrows = [f"  {ids[given.path or '']} -->|{given.role}| {ids[path]}" for path, given in _edges(trace)]
    return "\n".join(["flowchart TD", *boxes, *arrows])


def dot(trace: Trace) -> str:
    """Return a graph in Graphviz's language, from real data down to the artefact."""
    boxes = [f'  "{name_of(path)}" [label="{name_of(path)}\\n{node.step} {node.sha256[:DIGITS]}"];' for path, node in trace.nodes.items()]
    arrows = [f'  "{name_of(given.path or "")}" -> "{name_of(path)}" [label="{given.role}"];' for path, given in _edges(trace)]
    return "\n".join(["digraph lineage {", "  node [shape=box];", *boxes, *arrows, "}"])


FORMATS: Mapping[str, Callable[[Trace], str]] = {"tree": tree, "json": as_json, "mermaid": mermaid, "dot": dot}


def short(value: Any) -> str:
    """Return a setting's value in print: words bare, all else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def _children(indent: str, node: Artefact) -> list[tuple[str, str, str, Input]]:
    """Return the lines under an artefact: its inputs, of many source files the first few and how many more there are."""
    sources = [given for given in node.inputs if given.is_source]
    artefacts = [given for given in node.inputs if not given.is_source]
    if len(sources) > _FEW:
        more = len(sources) - _FEW
        sources = [*sources[:_FEW], Input("source", "", None, f"{more} more files")]
    *rest, last = (*sources, *artefacts) or (None,)
    if last is None:
        return []
    return [*((indent, "├─ ", "│  ", given) for given in rest if given), (indent, "└─ ", "   ", last)]


def _headline(trace: Trace, node: Artefact) -> str:
    commit, _, changes = trace.commits[node.path].partition("+")
    at = f"  commit {commit[:10]}{'+changes' if changes else ''}" if commit else ""
    return f"{name_of(node.path)}  {node.step} {node.sha256[:DIGITS]}{at}"


def _elsewhere(given: Input, drawn: set[str]) -> str:
    if given.path is None:
        return f"{given.name} {given.sha256[:DIGITS]}".strip() + ("" if given.is_source else f" ({_gone(given)})")
    inferred = " (inferred)" if given.is_inferred else ""
    return f"{name_of(given.path)} {'(see above)' if given.path in drawn else '…'}{inferred}"


def _gone(given: Input) -> str:
    return "not there with these bytes" if given.name else "no artefact with this fingerprint is known here"


def _settings(indent: str, told: Mapping[str, Any]) -> list[str]:
    text = ", ".join(f"{key}\xa0{short(value)}".replace(" ", "\xa0") for key, value in told.items())
    wrapped = textwrap.wrap(text, max(40, _WIDTH - len(indent)), break_long_words=False, break_on_hyphens=False)
    return [indent + line.replace("\xa0", " ") for line in wrapped]


def _by_role(node: Artefact) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for given in node.inputs:
        found.setdefault(given.role, []).append(name_of(given.path) if given.path else given.sha256)
    return found


def _edge(given: Input) -> dict[str, Any]:
    return {"role": given.role, "path": given.name, "sha256": given.sha256, "inferred": given.is_inferred}


def _edges(trace: Trace) -> Iterator[tuple[str, Input]]:
    for path, node in trace.nodes.items():
        yield from ((path, given) for given in node.inputs if given.path in trace.nodes)
