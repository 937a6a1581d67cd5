"""What a run is about to replace, and whether that can be brought back: said in one line before the first job, and never a question.

A question would stop a run in `make`, `nohup` or a CI. Nothing is lost by going on where DVC has the bytes: a run changes what git
and DVC tell of them only at its end, so they can be committed while it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.errors import HeirloomError, first_of
from heirloom.lineage import dvc, git, pointers, provenance
from heirloom.workflow import folders


def warning(outputs: Iterable[str]) -> str:
    """Return one line on lineages that a run replaces and that cannot be brought back, or not by a commit; empty where all can.

    Parameters
    ----------
    outputs
        What the jobs of the run make.

    Raises
    ------
    HeirloomError
        If a pointer or a listing of DVC is damaged, or git refuses.
    """
    unrecorded, uncommitted = list[str](), list[str]()
    for lineage, artefacts in groupby(sorted(_replaced(outputs)), key=folders.lineage_of):
        if lineage is None:
            continue
        if not _is_recorded(lineage, artefacts):
            unrecorded.append(lineage)
        elif not _is_committed(lineage):
            uncommitted.append(lineage)
    another = "a regime of another name keeps both"
    if unrecorded:
        return (
            f"warning: this run replaces {first_of(unrecorded)}, recorded nowhere: to keep it stop now, and run heirloom record; {another}"
        )
    if uncommitted:
        commit = "git add data results && git commit"
        return f"warning: this run replaces {first_of(uncommitted)}, which no commit has: {commit} keeps it, until the run ends; {another}"
    return ""


def _replaced(outputs: Iterable[str]) -> Iterator[str]:
    """Yield the artefacts among some outputs that are here, whole."""
    marked = provenance.marked_outputs()
    for output in outputs:
        if output not in marked and Path(output).exists() and Path(paths.fingerprint(output)).is_file():
            yield output


def _is_recorded(lineage: str, artefacts: Iterable[str]) -> bool:
    """Return whether DVC has recorded some artefacts of a lineage as they are, by their fingerprints."""
    listing = {} if dvc.unavailable() else dvc.listing(lineage) or {}
    notes = [paths.fingerprint(artefact) for artefact in artefacts]
    return all(listing.get(note) == dvc.md5(Path(note)) for note in notes)


def _is_committed(lineage: str) -> bool:
    """Return whether the last commit has the pointer of a lineage as it is."""
    pointer = pointers.file_of(lineage)
    try:
        return git.show("HEAD", pointer) == pointer.read_bytes()
    except HeirloomError:  # no commit yet
        return False
