"""Verify: read every byte under ``data/`` once, and compare it with all that was ever written down about it.

One read of a file feeds sha256 (fingerprints, manifests, the ledger in git) and md5 (DVC's record, which alone knows the small files).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

from rich.filesize import decimal

from heirloom.artefacts import kinds, paths
from heirloom.artefacts import manifest as manifests
from heirloom.artefacts.fingerprints import recorded_fingerprint, sha256_folder
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, edges, pointers, references, verify_records, verify_sources
from heirloom.lineage.ledger import LEDGER
from heirloom.lineage.verify_records import Digests, Mismatch, short
from heirloom.workflow import folders

RecordOf = Callable[[str], tuple[dict[str, str], Mismatch | None]]
"""Lineage → path → md5 of what DVC has recorded of it, and why that cannot be compared if it cannot (`verify_records.recorded`)."""
_BLOCK = 1 << 20
_README = Path("data/README.md")
"""The page that says what lies under ``data/``. git keeps it, and no step writes it."""


@dataclass(frozen=True)
class Checked:
    """A unit that was verified: how much was read, and what is wrong."""

    unit: str
    files: int
    size: int
    mismatches: tuple[Mismatch, ...]
    absent: frozenset[str] = frozenset()
    """Sources that are not on this machine, so that they were not compared."""


def verify(reference: str | None = None, *, fast: bool = False, cache_too: bool = False, hubs: bool = False) -> Iterator[Checked]:
    """Yield what was found in each unit that a reference covers, as soon as it has been read.

    Parameters
    ----------
    reference
        An experiment, an arm, a lineage, a generation, or an artefact (all of its generation is read then); everything if None.
    fast
        sha256 alone: fingerprints, manifests and ledger are compared, DVC's record is not.
    cache_too
        Read the objects in DVC's cache, too: what `dvc push` would send.
    hubs
        Ask hubs whether they are still at the commits that real data and models came from.

    Raises
    ------
    HeirloomError
        If nothing on disk has that name, or a revision is asked for.
    """
    if reference and references.REVISION_MARK in reference and not Path(reference).exists():
        raise HeirloomError(f"{reference}: verify reads what lies on disk; git checkout and dvc checkout bring a revision there")
    units = references.units(reference)
    try:
        lines = verify_records.ledger_lines()
    except HeirloomError as error:
        lines = {}
        yield Checked(str(LEDGER), 0, 0, (verify_records.of_error(error),))
    if unknown := verify_records.unknown_lineages(lines):
        yield Checked(str(LEDGER), 0, 0, tuple(unknown))
    recorded_of, changes_of = cache(verify_records.recorded), cache(verify_sources.changes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reading = {unit: {path: pool.submit(digests, Path(path), fast=fast) for path in files(unit)} for unit in units}
        if reference is None:
            yield Checked("data", 0, 0, tuple(_astray(units, lines)))
            yield Checked(paths.RESULTS, 0, 0, tuple(verify_records.results_mismatches()))
        for lineage, its_units in groupby(units, folders.lineage_of):
            listing, obstacle = ({}, None) if fast or dvc.unavailable() else recorded_of(lineage or "")
            if obstacle:
                yield Checked(lineage or "", 0, 0, (obstacle,))
            sizes: dict[str, int] = {}
            members = list(its_units)
            for unit in members:
                read, unreadable = _collect(reading.pop(unit))
                wrong = [*unreadable, *_fingerprints(unit, read, lines, recorded_of), *verify_records.unlike(listing, unit, read)]
                wrong += verify_records.ledger_mismatches(unit, lines, listing)
                wrong += verify_sources.source_mismatches(unit, changes_of, hubs=hubs)
                sizes |= {path: one.size for path, one in read.items() if listing.get(path) == one.md5}
                size, absent = sum(one.size for one in read.values()), verify_sources.absent(unit, changes_of)
                yield Checked(unit, len(read), size, tuple(_one_line_each(wrong)), absent)
            about_all = verify_records.pointer_mismatches(lineage or "", listing, sizes)
            if lineage in members:
                about_all += verify_records.absent_units(lineage, folders.lineages()[lineage], listing, lines)
            about_all += verify_records.cache_mismatches(listing, members) if cache_too else []
            if about_all:
                yield Checked(lineage or "", 0, 0, tuple(_one_line_each(about_all)))


def digests(path: Path, *, fast: bool = False) -> Digests:
    """Return the digests of a file, read once, block by block; threads that do so run beside each other."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        size = 0
        while block := file.read(_BLOCK):
            size += len(block)
            sha256.update(block)
            if not fast:
                md5.update(block)
    return Digests(sha256.hexdigest(), "" if fast else md5.hexdigest(), size)


def total(checked: Sequence[Checked], *, fast: bool = False) -> str:
    """Return in one line how much was read and found wrong, and why DVC's record was not compared, if it was not."""
    files, size, wrong = (sum(numbers) for numbers in zip(*((one.files, one.size, len(one.mismatches)) for one in checked), strict=True))
    left_out = "left out by --fast" if fast else dvc.unavailable().removeprefix("not recorded: ")
    what = f"{files} files, {decimal(size)}: {f'{wrong} mismatches' if wrong else 'all as recorded'}"
    absent = len(set().union(*(one.absent for one in checked)))
    what += f"; {absent} source files are not on this machine, and not compared" if absent else ""
    return f"{what}; not compared with DVC ({left_out})" if left_out else what


def _fingerprints(unit: str, read: Mapping[str, Digests], lines: Mapping[str, str], recorded_of: RecordOf) -> Iterator[Mismatch]:
    """Yield where a unit's bytes, fingerprints, manifests and ledger lines disagree."""
    told = {path: line.split("\t")[1] for path, line in lines.items() if folders.unit_of(path) == unit}
    artefacts = {path.as_posix() for path in folders.fingerprinted_artefacts(unit)}
    for artefact in sorted(artefacts):
        try:
            fingerprint, manifest = recorded_fingerprint(artefact), manifests.read(paths.manifest(artefact))
        except HeirloomError as error:
            yield Mismatch(*str(error).split(": ", 1))
            continue
        sha256 = str(fingerprint.get("sha256"))
        if (manifest.get("sha256"), manifest.get("size")) != (sha256, fingerprint.get("size")):
            said = str(manifest.get("sha256"))
            what = f"disagrees with the fingerprint: {short(said, sha256)}, and not {short(sha256, said)}"
            yield Mismatch(paths.manifest(artefact), what)
        else:
            yield from (Mismatch(paths.manifest(artefact), reason) for reason in edges.contradictions(artefact, manifest))
        if (said := told.get(artefact, sha256)) != sha256:
            yield Mismatch(paths.fingerprint(artefact), f"says {short(sha256, said)}, but {LEDGER} {short(said, sha256)}")
        own = {path: found.sha256 for path, found in read.items() if path == artefact or path.startswith(f"{artefact}/")}
        if not own:
            if not _is_dropped(artefact, recorded_of):
                yield Mismatch(artefact, "missing: its fingerprint is here")
        elif (now := sha256_of(artefact, own)) != sha256:
            yield Mismatch(artefact, f"changed: sha256 {short(now, sha256)}, the fingerprint says {short(sha256, now)}")
    extra = {path.as_posix() for path in folders.artefacts(unit)} - artefacts
    yield from (Mismatch(path, "extra or half made: it has no fingerprint") for path in extra)
    gone = told.keys() - artefacts - extra
    yield from (Mismatch(path, f"missing: {LEDGER} names it") for path in gone)


def _is_dropped(artefact: str, recorded_of: RecordOf) -> bool:
    """Return whether an artefact is a checkpoint that `keep_checkpoints` does not keep: DVC has recorded its lineage without it."""
    known = kinds.CHECKPOINT.wildcards(artefact)
    if known is None or known["generation"] == "0" or dvc.unavailable():
        return False
    recorded, _ = recorded_of(folders.lineage_of(artefact) or "")
    return bool(recorded) and not any(path.startswith(f"{artefact}/") for path in recorded)


def sha256_of(artefact: str, inside: Mapping[str, str]) -> str:
    """Return the fingerprint of an artefact, given path → sha256 of its files."""
    if artefact in inside:
        return inside[artefact]
    return sha256_folder({Path(path).relative_to(artefact).as_posix(): sha256 for path, sha256 in inside.items()})


def _astray(units: Sequence[str], named: Iterable[str]) -> Iterator[Mismatch]:
    """Yield lineages of which no file is here, and files under ``data/`` outside of all lineages."""
    pointer_files = sorted(path for path in Path("data").rglob("*.dvc") if path.is_file())
    lineages = {folders.lineage_of(unit) for unit in units}
    for pointer in pointer_files:
        if pointer.with_suffix("").as_posix() not in lineages:
            yield Mismatch(
                pointer.with_suffix("").as_posix(),
                f"missing: nothing of it is here; dvc pull {pointer} or heirloom repair {pointer.with_suffix('').as_posix()}",
            )
    for lineage in pointers.lost(named):
        if lineage not in lineages:
            yield Mismatch(f"{lineage}.dvc", f"missing, but git has it; heirloom repair {lineage} mends it")
    for path in _visible(Path("data")):
        if path not in (_README, *pointer_files) and folders.lineage_of(path.as_posix()) not in lineages:
            yield Mismatch(path.as_posix(), "extra: no step writes there")


def files(unit: str) -> list[str]:
    """Return the files of a unit, not those of units inside it, largest first so that the last ones are short."""
    inside = [path for path in _visible(Path(unit)) if folders.unit_of(path.as_posix()) == unit]
    return [path.as_posix() for path in sorted(inside, key=lambda path: (-path.stat().st_size, path))]


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the visible files in a folder and below it."""
    for top, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


def _collect(reading: Mapping[str, Future[Digests]]) -> tuple[dict[str, Digests], list[Mismatch]]:
    read, unreadable = {}, []
    for path, future in reading.items():
        try:
            read[path] = future.result()
        except OSError as error:
            unreadable.append(Mismatch(path, f"cannot be read: {error.strerror}"))
    return read, unreadable


def _one_line_each(mismatches: Sequence[Mismatch]) -> Iterator[Mismatch]:
    """Yield one mismatch per path, sorted by path."""
    found: dict[str, list[str]] = {}
    for path, what in mismatches:
        found.setdefault(path, []).append(what)
    yield from (Mismatch(path, "; ".join(dict.fromkeys(what))) for path, what in sorted(found.items()))
