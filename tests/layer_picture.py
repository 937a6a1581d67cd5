"""A picture of the layers as Mermaid, drawn from the imports: `python tests/layer_picture.py` writes it into docs/design/0001-layout.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter

from test_layers import IMPORTS, LAYERS, MODULES, PAGE

BEGIN, END = "<!-- begin: python tests/layer_picture.py -->\n", "<!-- end: python tests/layer_picture.py -->\n"

Graph = Mapping[str, set[str]]


def top_graph() -> dict[str, set[str]]:
    """Return what each name at the top of the package imports of the others."""
    graph: dict[str, set[str]] = {name.split(".")[0]: set() for name in MODULES}
    for name, imported in IMPORTS.items():
        top = name.split(".")[0]
        graph[top] |= {one.split(".")[0] for one in imported if one} - {top}
    return graph


def reachable(graph: Graph) -> dict[str, set[str]]:
    """Return all that each node of a graph without a circle leads to."""
    reach: dict[str, set[str]] = {}
    for node in TopologicalSorter(graph).static_order():
        reach[node] = graph[node].union(*(reach[inner] for inner in graph[node]))
    return reach


def arrows(graph: Graph, shown: set[str]) -> dict[str, set[str]]:
    """Return the fewest arrows between the nodes that are shown from which all ways between them follow."""
    reached = {node: inner & shown for node, inner in reachable(graph).items() if node in shown}
    return {
        node: {below for below in inner if not any(below in reached[neighbour] for neighbour in inner)} for node, inner in reached.items()
    }


def lines() -> Iterator[str]:
    """Yield the lines of the picture: a box per layer with its packages, its single modules in one line, and arrows between packages."""
    packages = {name.split(".")[0] for name in MODULES if "." in name}
    yield "flowchart TB"
    for number, layer in reversed(list(enumerate(LAYERS, start=1))):
        yield f'  subgraph layer{number}["{number}"]'
        yield from (f'    {name}["{name}/"]' for name in layer.split() if name in packages)
        single = [f"{name}.py" for name in layer.split() if name not in packages]
        if single:
            yield f'    modules{number}["{"<br>".join(single)}"]'
        yield "  end"
    for name, below in sorted(arrows(top_graph(), packages).items()):
        yield from (f"  {name} --> {one}" for one in sorted(below))


def picture() -> str:
    """Return the picture as a block of Mermaid."""
    return "```mermaid\n" + "\n".join(lines()) + "\n```\n"


def renewed(page: str) -> str:
    """Return a page with the picture between its two marks."""
    page_head, _, page_tail = page.partition(BEGIN)
    return f"{page_head}{BEGIN}{picture()}{END}{page_tail.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
