"""Code as a trigger by content: one hash over what a step's code *says*, not over how it looks or where it stands.

Snakemake sees a rule's shell command, never the package behind it. So every step's params carry a hash over
the definitions that the step can reach inside ``heirloom``: functions, classes and constants, followed name by
name and along dotted chains across modules, computed from the syntax trees and never listed by hand. Docstrings,
comments, layout and the descriptions of config fields are left out: a comment must not retrain every lineage, a
changed measure must not retrain any, and a new family must leave the others alone.

Neither the address of a definition nor a local name is in the hash (`canonical`), so moving or renaming a
function changes nothing. Each definition has the number of its first mention on the way from the entries: the
hash covers one numbered graph, recursion and all.

Not seen: what is looked up by text at run time (``importlib``). The only look-ups by text are the registries of
families and sources, whose modules `slices` names.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from heirloom.artefacts.files import dumps, write_text
from heirloom.codehash import canonical, modules

CACHE = Path(".heirloom/code")
"""Hashes that have been computed, in a file for each state of the package; only where Heirloom has worked."""


def digest(*entries: str) -> str:
    """Return the hash of everything reachable from some definitions, as 16 hex digits.

    It is computed once for each state of the package: reading all of its modules takes a second or two, and on a
    cluster every job would. A file of hashes that is not as it was written is ignored and written anew.

    Parameters
    ----------
    entries
        ``module:name``, such as ``heirloom.families.gaussian:train``, or ``module:*`` for all that a module defines.
    """
    file, key = CACHE / f"{_package_hash()}.json", " ".join(entries)
    hashes = _read_hashes(file)
    if key not in hashes:
        hashes[key] = _hash(entries)
        if CACHE.parent.is_dir():
            write_text(file, _with_checksum(hashes))
    return hashes[key]


def closure(*entries: str) -> set[str]:
    """Return every ``module:name`` of the package that is reachable from some, those included.

    A definition that another module offers is named where it is made.

    Raises
    ------
    ModuleNotFoundError
        If an entry names no definition of the package.
    """
    roots = tuple(_definition(entry) for entry in entries)
    return {entry for entry in _numbers(roots) if not entry.endswith((":", ":*"))}


def _hash(entries: tuple[str, ...]) -> str:
    roots = tuple(_definition(entry) for entry in entries)
    numbers = _numbers(roots)
    texts = [" ".join(f"#{numbers[root]}" for root in roots)]
    for entry in numbers:
        pieces = list(canonical.pieces(entry))
        pieces[1::2] = [f"#{numbers[reference]}" for reference in pieces[1::2]]
        texts.append("".join(pieces))
    if any(canonical.READS_FUNCTION_NAME in text for text in texts):
        texts += [name for entry in numbers for name in canonical.function_names(entry)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def _numbers(entries: tuple[str, ...]) -> dict[str, int]:
    """Return all that is reached from some entries, numbered by first mention; what modules do on import comes last."""
    numbers = {entry: number for number, entry in enumerate(dict.fromkeys(entries))}
    queue = list(numbers)
    for entry in queue:
        for reference in canonical.pieces(entry)[1::2]:
            if reference not in numbers:
                numbers[reference] = len(numbers)
                queue.append(reference)
    names = dict.fromkeys(entry.split(":")[0] for entry in numbers)
    effects = [f"{module}:" for module in names if modules.contents(module).effects and f"{module}:" not in numbers]
    return _numbers((*numbers, *effects)) if effects else numbers


def _references(entry: str) -> frozenset[str]:
    """Return the definitions and modules that one names directly."""
    return frozenset(canonical.pieces(entry)[1::2])


def _definition(entry: str) -> str:
    module, name = entry.split(":")
    if name == "*" or name in modules.contents(module).definitions:
        return entry
    definition, attributes = modules.resolve(f"{module}:{name}")
    if not definition or attributes or definition.endswith(":*"):
        raise ModuleNotFoundError(f"{entry} is no definition of {modules.PACKAGE}")
    return definition


@cache
def _package_hash() -> str:
    """Return the hash of the package's bytes, words and all."""
    sha256 = hashlib.sha256()
    for file in sorted(modules.ROOT.rglob("*.py")):
        sha256.update(f"{file.relative_to(modules.ROOT)}\n".encode() + file.read_bytes())
    return sha256.hexdigest()[:16]


def _read_hashes(file: Path) -> dict[str, str]:
    """Return the hashes that a file keeps; none where there is no file, or it is not as it was written."""
    try:
        text = file.read_text(encoding="utf-8")
        hashes: dict[str, str] = json.loads(text)["hashes"]
        return hashes if text == _with_checksum(hashes) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}


def _with_checksum(hashes: dict[str, str]) -> str:
    """Return the text of a file of hashes, with a checksum by which an edited or cut one is known."""
    checksum = hashlib.sha256(dumps(hashes).encode()).hexdigest()
    return dumps({"sha256": checksum, "hashes": hashes})
