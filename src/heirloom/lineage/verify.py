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
from typing import Any

from rich.filesize import decimal

from heirloom.artefacts import kinds, paths
from heirloom.artefacts import manifest as manifests
from heirloom.artefacts.fingerprints import recorded_fingerprint, sha256_folder
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, edges, hidden, pointers, references, verify_records, verify_sources
from heirloom.lineage.ledger import LEDGER
from heirloom.lineage.verify_records import Digests, Mismatch, short
from heirloom.numerals import counted
from heirloom.workflow import folders

RecordOf = Callable[[str], tuple[dict[str, str], Mismatch | None]]
"""Lineage → path → md5 of what DVC has recorded of it, and why that cannot be compared if it cannot (`verify_records.recorded_hashes`)."""
_BLOCK = 1 << 20
_HIDDEN = "extra: a hidden file, which no record has; move it out of data/"
_README = Path("data/README.md")
"""The page that says what lies under ``data/``. git keeps it, and no step writes it."""


@dataclass(frozen=True)
class UnitReport:
    """A unit that was verified: how much was read, and what is wrong."""

    unit: str
    files: int
    size: int
    mismatches: tuple[Mismatch, ...]
    absent: frozenset[str] = frozenset()
    """Sources that are not on this machine, so that they were not compared."""


def verify(reference: str | None = None, *, fast: bool = False, cache_too: bool = False, hubs: bool = False) -> Iterator[UnitReport]:
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
        yield UnitReport(str(LEDGER), 0, 0, (verify_records.of_error(error),))
    unknown = verify_records.unknown_lineages(lines)
    if unknown:
        yield UnitReport(str(LEDGER), 0, 0, tuple(unknown))
    lines_of = folders.by_unit(lines)
    ledger_units = verify_records.units_by_lineage(lines_of)
    recorded_of, changes_of = cache(verify_records.recorded_hashes), cache(verify_sources.changes)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reading = {unit: _submit(pool, unit, fast=fast) for unit in units}
        if reference is None:
            yield UnitReport("data", 0, 0, tuple(_astray(units, lines)))
            yield UnitReport(paths.RESULTS, 0, 0, tuple(verify_records.results_mismatches()))
        for lineage, its_units in groupby(units, folders.lineage_of):
            listing, obstacle = ({}, None) if fast or dvc.unavailable() else recorded_of(lineage or "")
            if obstacle:
                yield UnitReport(lineage or "", 0, 0, (obstacle,))
            sizes: dict[str, int] = {}
            members, listing_of = list(its_units), folders.by_unit(listing)
            for unit in members:
                files, unreadable = _collect(reading.pop(unit))
                mismatches = [*unreadable, *_fingerprints(unit, files, lines_of.get(unit, {}), recorded_of)]
                mismatches += _hidden(unit)
                mismatches += verify_records.record_mismatches(listing_of.get(unit, {}), files) if listing else ()
                mismatches += verify_records.ledger_mismatches(unit, lines, listing)
                mismatches += verify_sources.source_mismatches(unit, changes_of, hubs=hubs)
                sizes |= {path: digests.size for path, digests in files.items() if listing.get(path) == digests.md5}
                size = sum(digests.size for digests in files.values())
                absent = verify_sources.absent(unit, changes_of)
                yield UnitReport(unit, len(files), size, tuple(_one_line_each(mismatches)), absent)
            mismatches = verify_records.pointer_mismatches(lineage or "", listing, sizes)
            if lineage in members:
                mismatches += verify_records.absent_units(folders.units_in(lineage), {*listing_of, *ledger_units[lineage]})
            mismatches += verify_records.cache_mismatches(listing, members) if cache_too else []
            if mismatches:
                yield UnitReport(lineage or "", 0, 0, tuple(_one_line_each(mismatches)))


def number_of_units(reference: str | None) -> int:
    """Return how many units `verify` reads, which has a few reports more; 0 where nothing has that name."""
    try:
        return len(references.units(reference))
    except HeirloomError:
        return 0


def _submit(pool: ThreadPoolExecutor, unit: str, *, fast: bool) -> dict[str, Future[Digests]]:
    """Have a unit's files read; return path → what comes of it."""
    return {path: pool.submit(digests, Path(path), fast=fast) for path in files_of(unit)}


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


def total(checked: Sequence[UnitReport], *, fast: bool = False) -> str:
    """Return in one line how much was read and found wrong, and why DVC's record was not compared, if it was not."""
    files = sum(unit.files for unit in checked)
    size = sum(unit.size for unit in checked)
    mismatches = sum(len(unit.mismatches) for unit in checked)
    absent = set().union(*(unit.absent for unit in checked))
    summary = (
        f"{counted(files, 'file')}, {decimal(size)}: {counted(mismatches, 'mismatch', 'mismatches') if mismatches else 'all as recorded'}"
    )
    if absent:
        summary += f"; {counted(len(absent), 'source file is', 'source files are')} not on this machine, and not compared"
    reason = "left out by --fast" if fast else dvc.unavailable().removeprefix("not recorded: ")
    return f"{summary}; not compared with DVC ({reason})" if reason else summary


def _fingerprints(unit: str, files: Mapping[str, Digests], lines: Mapping[str, str], recorded_of: RecordOf) -> Iterator[Mismatch]:
    """Yield where a unit's bytes, fingerprints, manifests and lines in the ledger disagree."""
    ledger = {path: line.split("\t")[1] for path, line in lines.items()}
    artefacts = {path.as_posix() for path in folders.fingerprinted_artefacts(unit)}
    for artefact in sorted(artefacts):
        try:
            fingerprint, manifest = recorded_fingerprint(artefact), manifests.read(paths.manifest(artefact))
        except HeirloomError as error:
            yield Mismatch(*str(error).split(": ", 1))
            continue
        yield from _manifest_mismatches(artefact, manifest, fingerprint)
        sha256 = str(fingerprint.get("sha256"))
        in_ledger = ledger.get(artefact, sha256)
        if in_ledger != sha256:
            yield Mismatch(paths.fingerprint(artefact), f"says {short(sha256, in_ledger)}, but {LEDGER} {short(in_ledger, sha256)}")
        sha256s = {path: digests.sha256 for path, digests in files.items() if path == artefact or path.startswith(f"{artefact}/")}
        if sha256s:
            yield from _byte_mismatches(artefact, sha256s, sha256)
        elif not _is_dropped(artefact, recorded_of):
            yield Mismatch(artefact, "missing: its fingerprint is here")
    extra = {path.as_posix() for path in folders.artefacts(unit)} - artefacts
    yield from (Mismatch(path, "extra or half made: it has no fingerprint") for path in extra)
    yield from (Mismatch(path, f"missing: {LEDGER} names it") for path in ledger.keys() - artefacts - extra)


def _manifest_mismatches(artefact: str, manifest: Mapping[str, Any], fingerprint: Mapping[str, Any]) -> Iterator[Mismatch]:
    """Yield where a manifest disagrees with the fingerprint beside it or, if it does not, with places and inputs."""
    file = paths.manifest(artefact)
    in_fingerprint = str(fingerprint.get("sha256"))
    if (manifest.get("sha256"), manifest.get("size")) == (in_fingerprint, fingerprint.get("size")):
        yield from (Mismatch(file, reason) for reason in edges.contradictions(artefact, manifest))
        return
    in_manifest = str(manifest.get("sha256"))
    hashes = f"{short(in_manifest, in_fingerprint)}, and not {short(in_fingerprint, in_manifest)}"
    yield Mismatch(file, f"disagrees with the fingerprint: {hashes}")


def _byte_mismatches(artefact: str, sha256s: Mapping[str, str], recorded: str) -> Iterator[Mismatch]:
    sha256 = sha256_of(artefact, sha256s)
    if sha256 != recorded:
        yield Mismatch(artefact, f"changed: sha256 {short(sha256, recorded)}, the fingerprint says {short(recorded, sha256)}")


def _is_dropped(artefact: str, recorded_of: RecordOf) -> bool:
    """Return whether an artefact is a model that `keep_checkpoints` does not keep: DVC has recorded its lineage without it."""
    if kinds.generation_of_model(artefact) in (None, "0") or dvc.unavailable():
        return False
    md5_of, _ = recorded_of(folders.lineage_of(artefact) or "")
    return bool(md5_of) and not any(path.startswith(f"{artefact}/") for path in md5_of)


def sha256_of(artefact: str, sha256s: Mapping[str, str]) -> str:
    """Return the fingerprint of an artefact, given path → sha256 of its files."""
    if artefact in sha256s:
        return sha256s[artefact]
    return sha256_folder({Path(path).relative_to(artefact).as_posix(): sha256 for path, sha256 in sha256s.items()})


def _astray(units: Sequence[str], ledger_paths: Iterable[str]) -> Iterator[Mismatch]:
    """Yield lineages of which no file is here, and files under ``data/`` outside of all lineages."""
    pointer_files = sorted(path for path in Path("data").rglob("*.dvc") if path.is_file())
    lineages = {folders.lineage_of(unit) for unit in units}
    for pointer in pointer_files:
        lineage = pointer.with_suffix("").as_posix()
        if lineage not in lineages:
            yield Mismatch(lineage, f"missing: nothing of it is here; dvc pull {pointer} or heirloom repair {lineage}")
    for lineage in pointers.lost_lineages(ledger_paths):
        if lineage not in lineages:
            yield Mismatch(f"{lineage}.dvc", f"missing, but git has it; heirloom repair {lineage} repairs it")
    for path in _visible(Path("data")):
        if path not in (_README, *pointer_files) and folders.lineage_of(path.as_posix()) not in lineages:
            yield Mismatch(path.as_posix(), "extra: no step writes there")
    for path in hidden.of_somebody("data"):
        if folders.lineage_of(path.as_posix()) not in lineages:
            yield Mismatch(path.as_posix(), _HIDDEN)


def _hidden(unit: str) -> Iterator[Mismatch]:
    """Yield the hidden files of a unit that no tool has left there."""
    paths_ = [path.as_posix() for path in hidden.of_somebody(unit)]
    yield from (Mismatch(path, _HIDDEN) for path in paths_ if folders.unit_of(path) == unit)


def files_of(unit: str) -> list[str]:
    """Return the files of a unit, not those of units inside it, largest first so that the last ones are short."""
    files = [path for path in _visible(Path(unit)) if folders.unit_of(path.as_posix()) == unit]
    return [path.as_posix() for path in sorted(files, key=lambda path: (-path.stat().st_size, path))]


def _visible(folder: Path) -> Iterator[Path]:
    """Yield the visible files in a folder and below it."""
    for top, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(names) if not name.startswith("."))


def _collect(reading: Mapping[str, Future[Digests]]) -> tuple[dict[str, Digests], list[Mismatch]]:
    files, unreadable = {}, []
    for path, future in reading.items():
        try:
            files[path] = future.result()
        except OSError as error:
            unreadable.append(Mismatch(path, f"cannot be read: {error.strerror}"))
    return files, unreadable


def _one_line_each(mismatches: Sequence[Mismatch]) -> Iterator[Mismatch]:
    """Yield one mismatch per path, sorted by path."""
    texts_of: dict[str, list[str]] = {}
    for path, text in mismatches:
        texts_of.setdefault(path, []).append(text)
    for path, texts in sorted(texts_of.items()):
        yield Mismatch(path, "; ".join(dict.fromkeys(texts)))
