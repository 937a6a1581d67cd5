"""Sphinx extension of the docs site: what pages say that is derived from the code.

A comment `<!-- derived: NAME -->` in a page is replaced by what `DERIVED[NAME]` returns, when the site is built.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from extension import commands, functions, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sphinx.application import Sphinx

DERIVED: dict[str, Callable[[], str]] = {
    "commands": commands.markdown,
    "config": settings.markdown,
    "measures": functions.measures,
    "package": functions.package,
}
_PLACE = re.compile(r"^<!-- derived: (\w+) -->$", re.MULTILINE)


def with_derived_text(page: str) -> str:
    """Return a page's text with each comment replaced by what it names."""
    return _PLACE.sub(lambda place: DERIVED[place.group(1)](), page)


def _complete(app: Sphinx, name: str, source: list[str]) -> None:
    source[0] = with_derived_text(source[0])


def with_plain_bars(docstring: list[str]) -> list[str]:
    """Return the lines of a docstring in which |x| is a formula, and no substitution of reStructuredText."""
    pieces = [re.split("(``.*?``)", line) for line in docstring]
    return ["".join(part if part.startswith("``") else part.replace("|", r"\|") for part in line) for line in pieces]


def _correct(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    lines[:] = with_plain_bars(lines)


def _add_entry(app: Sphinx, error: Exception | None) -> None:
    """Lead a reader from the root of the site to its first page."""
    leap = f'<meta http-equiv="refresh" content="0; url={app.config.root_doc}.html">'
    (app.outdir / "index.html").write_text(f"<!doctype html><title>Heirloom</title>{leap}\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the extension to Sphinx."""
    from pygments.lexers.python import PythonLexer
    from pygments.lexers.special import TextLexer

    app.add_lexer("mermaid", TextLexer)  # a forge draws these; the site shows the text, and needs no script for it
    app.add_lexer("snakemake", PythonLexer)
    app.connect("autodoc-process-docstring", _correct)
    app.connect("source-read", _complete)
    app.connect("build-finished", _add_entry)
    return {"parallel_read_safe": True}
