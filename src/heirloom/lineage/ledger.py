"""``results/lineage.tsv``: one line per artefact with its hash and its parents', so that `git diff` shows changed versions."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from heirloom import records
from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import write_text
from heirloom.artefacts.manifest import Input
from heirloom.errors import HeirloomError
from heirloom.workflow import folders

LEDGER = Path(paths.RESULTS, "lineage.tsv")
COLUMNS = ("path", "sha256", "size", "inputs")
_WAY_BACK = f"git checkout -- {LEDGER} or heirloom repair repairs it"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_INPUT = re.compile(r"[a-z_]+=[0-9a-f]{64}(=.+)?")
_SEPARATORS = re.compile(r"[%,\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
"""What ends a field or a line of the ledger, what spells such a character in a path, and bytes of a name that is not UTF-8."""


class Entry(NamedTuple):
    """What the ledger says of an artefact.

    Attributes
    ----------
    inputs
        What went in, several inputs of a role in the order in which they went in; without a path in a ledger that was written
        from manifests of schema 1.
    """

    sha256: str
    size: int
    inputs: tuple[Input, ...]


def write(units: Collection[str], replaced: Collection[str], incomplete: Collection[str] = ()) -> None:
    """Bring the ledger up to date.

    Parameters
    ----------
    units
        The units whose lines come from the manifests on disk. Lines of all others (not pulled, or half made) stay as they were
        recorded, as long as DVC still has the lineage folder.
    replaced
        Lineage folders that are recorded again from what is on disk; their earlier lines are removed.
    incomplete
        Lineage folders of which something is missing: their lines stay as they were recorded.
    """
    line_of = {path: text for path, text in lines().items() if folders.lineage_of(path) in incomplete or _stays(path, units, replaced)}
    for unit in units:
        for artefact in folders.sealed_artefacts(unit):
            line_of[artefact.as_posix()] = line(artefact)
    text = text_of(line_of)
    if not LEDGER.exists() or LEDGER.read_text(encoding="utf-8") != text:
        write_text(LEDGER, text)


def text_of(line_of: Mapping[str, str]) -> str:
    """Return a ledger's text, given path → line."""
    rows = ["\t".join(COLUMNS), *(line_of[path] for path in sorted(line_of))]
    return "\n".join([*rows, ""])


def forget(places: Collection[str]) -> None:
    """Remove the lines of all artefacts in some units or lineage folders."""
    line_of = {path: text for path, text in lines().items() if not {folders.unit_of(path), folders.lineage_of(path)}.intersection(places)}
    if LEDGER.exists():
        write_text(LEDGER, text_of(line_of))


def line(artefact: Path) -> str:
    """Return an artefact's line: path, sha256, size in bytes, and each input as `field_of` spells it, separated by tabs.

    Roles stand in alphabetical order, several inputs of a role in the order in which they went in.
    """
    content = manifest.read(paths.manifest(artefact))
    inputs = sorted(manifest.inputs(content), key=lambda edge: edge.role)
    return "\t".join([artefact.as_posix(), content["sha256"], str(content["size"]), ",".join(map(field_of, inputs))])


def field_of(edge: Input) -> str:
    """Return an input as the ledger spells it: ``role=sha256=path``, with ``%2C`` for a comma in a path and the like."""
    path = _SEPARATORS.sub(lambda match: quote(match[0], errors="surrogateescape"), edge.path)
    return f"{edge.role}={edge.sha256}" + (f"={path}" if path else "")


def input_of(field: str) -> Input:
    """Return the input that a field of the ledger spells; the path is empty in a ledger of schema 1."""
    role, sha256, *path = field.split("=", 2)
    return Input(role, unquote("".join(path), errors="surrogateescape"), sha256)


def lines() -> dict[str, str]:
    """Return path → line of the ledger that lies here; nothing where there is none.

    Raises
    ------
    HeirloomError
        If it is damaged.
    """
    if not LEDGER.exists():
        return {}
    content = LEDGER.read_bytes()
    return dict(zip(parse(content), content.decode().split("\n")[1:], strict=False))


def parse(content: bytes, name: str = LEDGER.as_posix()) -> dict[str, Entry]:
    """Return path → entry of a ledger, read strictly: what Heirloom does not write there is damage.

    Raises
    ------
    HeirloomError
        If the header, a line or its place is not as it is written; the message names the line.
    """
    rows = records.text(content, name, _WAY_BACK).split("\n")
    if rows[0] != "\t".join(COLUMNS):
        raise _error(name, f"line 1 is not the header {' '.join(COLUMNS)}")
    if rows.pop():
        raise _error(name, "its last line has no end")
    entries: dict[str, Entry] = {}
    for number, row in enumerate(rows[1:], start=2):
        path, entry = _entry(row, f"{name}, line {number}")
        if entries and path <= next(reversed(entries)):
            raise _error(name, f"line {number} stands in the wrong place: {ascii(path)[:80]}")
        entries[path] = entry
    return entries


def _entry(row: str, place: str) -> tuple[str, Entry]:
    columns = row.split("\t")
    if len(columns) != len(COLUMNS):
        raise _error(place, f"{len(columns)} columns instead of {', '.join(COLUMNS)}")
    path, sha256, size, inputs = columns
    if folders.lineage_of(path) is None:
        raise _error(place, f"no artefact has the path {ascii(path)[:80]}")
    if not _SHA256.fullmatch(sha256):
        raise _error(place, f"sha256 is {ascii(sha256)[:80]}")
    if not _SIZE.fullmatch(size):
        raise _error(place, f"size is {ascii(size)[:80]}")
    fields = inputs.split(",") if inputs else []
    for field in fields:
        if not _INPUT.fullmatch(field):
            raise _error(place, f"an input is {ascii(field)[:80]}")
    return path, Entry(sha256, int(size), tuple(map(input_of, fields)))


def _error(place: str, fault: str) -> HeirloomError:
    return HeirloomError(f"{place}: damaged, {fault}; {_WAY_BACK}")


def _stays(path: str, units: Collection[str], replaced: Collection[str]) -> bool:
    lineage = folders.lineage_of(path)
    if lineage is None or lineage in replaced or not Path(f"{lineage}.dvc").exists():
        return False
    return folders.unit_of(path) not in units or not Path(paths.manifest(path)).exists()
