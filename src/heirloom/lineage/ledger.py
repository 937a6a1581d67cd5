"""``results/lineage.tsv``: a line an artefact with its hash and its parents', so that `git diff` alone says which versions changed."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote, unquote

from heirloom import manifest, paths
from heirloom.lineage import folders
from heirloom.manifest import Input, write_text

LEDGER = Path(paths.RESULTS, "lineage.tsv")
COLUMNS = ("path", "sha256", "size", "inputs")
_SEPARATORS = re.compile(r"[%,\x00-\x1f\x7f\x85\u2028\u2029]")
"""What ends a field or a line of the ledger, and what spells such a character in a path."""


def write(units: Collection[str], replaced: Collection[str], kept: Collection[str] = ()) -> None:
    """Bring the ledger up to date.

    Parameters
    ----------
    units
        The units whose lines come from the manifests on disk. Lines of all others (not pulled, or half made) stay as they were
        recorded, as long as DVC still has the lineage folder.
    replaced
        Lineage folders that are recorded anew from what is on disk: what their lines said before is gone.
    kept
        Lineage folders of which something is missing: their lines stay as they were recorded.
    """
    lines = {path: line for path, line in _present().items() if folders.lineage_of(path) in kept or _stays(path, units, replaced)}
    for unit in units:
        for artefact in folders.sealed(unit):
            lines[artefact.as_posix()] = line(artefact)
    text = "\t".join(COLUMNS) + "\n" + "".join(lines[path] + "\n" for path in sorted(lines))
    if not LEDGER.exists() or LEDGER.read_text(encoding="utf-8") != text:
        write_text(LEDGER, text)


def forget(gone: Collection[str]) -> None:
    """Take out the lines of all artefacts in some units or lineage folders."""
    lines = [line for path, line in _present().items() if not {folders.unit_of(path), folders.lineage_of(path)} & set(gone)]
    if LEDGER.exists():
        write_text(LEDGER, "".join(f"{line}\n" for line in ["\t".join(COLUMNS), *lines]))


def line(artefact: Path) -> str:
    """Return an artefact's line: path, sha256, size in bytes, and each input as `spelled`, separated by tabs.

    Roles stand in alphabetical order, several inputs of a role in the order in which they went in.
    """
    content = manifest.read(paths.manifest(artefact))
    inputs = sorted(manifest.inputs(content), key=lambda one: one.role)
    return "\t".join([artefact.as_posix(), content["sha256"], str(content["size"]), ",".join(map(spelled, inputs))])


def spelled(one: Input) -> str:
    """Return an input as the ledger has it: ``role=sha256=path``, with ``%2C`` for a comma in a path and the like."""
    path = _SEPARATORS.sub(lambda match: quote(match[0]), one.path)
    return f"{one.role}={one.sha256}" + (f"={path}" if path else "")


def parsed(field: str) -> Input:
    """Return the input that a field of the ledger spells; the path is empty in a ledger of schema 1."""
    role, sha256, *path = field.split("=", 2)
    return Input(role, unquote("".join(path)), sha256)


def _present() -> dict[str, str]:
    if not LEDGER.exists():
        return {}
    _, *lines = LEDGER.read_text(encoding="utf-8").splitlines()
    return {line.split("\t")[0]: line for line in lines}


def _stays(path: str, units: Collection[str], replaced: Collection[str]) -> bool:
    lineage = folders.lineage_of(path)
    if lineage is None or lineage in replaced or not Path(f"{lineage}.dvc").exists():
        return False
    return folders.unit_of(path) not in units or not Path(paths.manifest(path)).exists()
