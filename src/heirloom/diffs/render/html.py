"""The page as HTML that stands alone: no script, no link, everything from the data escaped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.artefacts.files import write_text
from heirloom.diffs.render import moved
from heirloom.diffs.render.blocks import Section, safe
from heirloom.diffs.render.page import page, title

if TYPE_CHECKING:
    from jinja2 import Environment

    from heirloom.diffs.result import DatasetDiff

OPEN_SECTIONS = ("Reason", "Rows", "Columns", "Splits")
"""Those that are not folded."""

_STYLE = """
.heirloom {font: 15px/1.45 system-ui, sans-serif; max-width: 70em; margin: 2em auto; padding: 0 1em; color: #1b1b1b; background: #fff}
.heirloom h1 {font-size: 1.3em; overflow-wrap: anywhere} .heirloom h2 {font-size: 1.1em; border-top: 1px solid #ccc; padding-top: .6em}
.heirloom table {border-collapse: collapse; margin: .6em 0} .heirloom caption {text-align: left; font-style: italic; color: #555}
.heirloom th, .heirloom td {padding: .15em .7em; text-align: right; vertical-align: top; border-bottom: 1px solid #eee}
.heirloom th:first-child, .heirloom td:first-child {text-align: left; overflow-wrap: break-word}
.heirloom .pairs {table-layout: fixed; width: 100%} .heirloom .pairs th, .heirloom .pairs td {text-align: left; overflow-wrap: anywhere}
.heirloom del {background: #ffe0dc; text-decoration: none} .heirloom ins {background: #d9f2dd; text-decoration: none}
.heirloom .verdict {font-weight: 600} .heirloom .wide {overflow-x: auto} .heirloom svg {max-width: 100%; height: auto}
.heirloom summary {cursor: pointer} .heirloom summary h2 {display: inline-block; border: 0; margin: .4em 0}
.heirloom details {border-top: 1px solid #ccc}
@media (prefers-color-scheme: dark) {
.heirloom {color: #e6e6e6; background: #161616} .heirloom caption {color: #a8a8a8} .heirloom a {color: #8ab4f8}
.heirloom th, .heirloom td {border-color: #333} .heirloom details {border-color: #444}
.heirloom del {background: #5c2b29} .heirloom ins {background: #1f4a2c}
}
"""

_BODY = """
<div class="heirloom"><style>{{ style }}</style>
{% if home %}<p><a href="{{ home }}">← report</a></p>{% endif %}
<h1>{{ name }}</h1>
<p class="verdict">{{ verdict }}</p>
{% for section in sections %}<details{% if section.title in open or loop.index0 < 1 %} open{% endif %}>
<summary><h2>{{ section.title | safely }}</h2></summary>
{% for block in section.blocks %}{% if block.columns is defined %}
<div class="wide"><table>{% if block.title %}<caption>{{ block.title | safely }}</caption>{% endif %}
<tr>{% for column in block.columns %}<th>{{ column | safely }}</th>{% endfor %}</tr>
{% for row in block.rows %}<tr>{% for cell in row %}<td>{{ cell | safely }}</td>{% endfor %}</tr>
{% endfor %}</table></div>
{% elif block.texts is defined %}<p><i>{{ block.title | safely }}</i></p>
<ul>{% for text in block.texts %}<li>{{ text | safely }}</li>{% endfor %}</ul>
{% elif block.pairs is defined %}<table class="pairs"><caption>{{ block.title | safely }}</caption><tr><th>A</th><th>B</th></tr>
{% for pair in block.pairs %}<tr>{% for side, mark in ((pair.a, "del"), (pair.b, "ins")) %}
<td>{% for piece in side %}{% if piece.changed %}<{{ mark }}>{{ piece.text | safely }}</{{ mark }}>
{%- else %}{{ piece.text | safely }}{% endif %}{% endfor %}</td>{% endfor %}
</tr>{% endfor %}</table>
{% else %}<p>{{ block.text | safely }}</p>
{% endif %}{% endfor %}</details>
{% endfor %}{{ picture }}</div>
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ name }}</title>
<style>body {margin: 0} @media (prefers-color-scheme: dark) {body {background: #161616}}</style></head><body>{{ body }}</body></html>
"""


def write(diff: DatasetDiff, path: str | Path) -> None:
    """Write the comparison as one HTML file that needs nothing else."""
    write_text(path, document(title(diff), fragment(diff)))


def document(name: str, body: str) -> str:
    """Return a whole HTML page around a fragment made here."""
    from markupsafe import Markup

    escaped = Markup(body)  # noqa: S704 (`sheet` escapes)
    template = _environment().from_string(_PAGE)
    return template.render(name=safe(name), body=escaped)


def fragment(diff: DatasetDiff, home: str = "") -> str:
    """Return the comparison as a piece of HTML, for a notebook or a report.

    Parameters
    ----------
    home
        The way to the page that this one belongs to; empty where it stands alone.
    """
    return sheet(title(diff), diff.verdict.line, _behind_verdict(page(diff)), moved.svg(diff), home)


def _behind_verdict(sections: Sequence[Section]) -> list[Section]:
    """Return a page's sections without the verdict's line, which stands above them; what else the first one says is the reason."""
    first, *others = sections
    blocks = first.blocks[1:]
    return [Section("Reason", blocks), *others] if blocks else others


def sheet(name: str, verdict: str, sections: Sequence[Section], picture: str = "", home: str = "") -> str:
    """Return sections as a piece of HTML; all but the first two are folded.

    Parameters
    ----------
    home
        The way to the page that this one belongs to.
    picture
        An SVG drawn by this program, put at the end as it is.
    """
    from markupsafe import Markup

    trusted = {"style": Markup(_STYLE), "picture": Markup(picture)}  # noqa: S704 (neither comes from the data)
    template = _environment().from_string(_BODY)
    return template.render(name=safe(name), verdict=safe(verdict), sections=sections, home=home, open=OPEN_SECTIONS, **trusted)


@cache
def _environment() -> Environment:
    from jinja2 import Environment

    environment = Environment(autoescape=True)
    environment.filters["safely"] = safe
    return environment
