"""What `verify` says of sources: files that are no longer what real data and models were made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from heirloom import manifest, paths, sources
from heirloom.errors import HeirloomError
from heirloom.lineage import folders
from heirloom.lineage.verify_records import Mismatch
from heirloom.manifest import Input

ChangedOf = Callable[[tuple[Input, ...]], tuple[str, ...]]
"""Inputs of a manifest → the paths of those with other bytes now (`changed`, remembered: artefacts share them)."""


def source_mismatches(unit: str, changed_of: ChangedOf, *, hubs: bool) -> Iterator[Mismatch]:
    """Yield the sources of a unit that have other bytes now, each once; absent ones are no mismatch.

    Parameters
    ----------
    hubs
        Ask hubs, too, whether they are still at the recorded commit.
    """
    reported = set()
    for artefact in map(str, folders.sealed(unit)):
        try:
            content = manifest.read(paths.manifest(artefact))
        except HeirloomError:  # a manifest that is damaged is named by itself
            continue
        what = f"changed since {artefact} was made from it; snakemake makes it anew"
        changes = dict.fromkeys(changed_of(tuple(manifest.inputs(content))), what)
        if hubs:
            changes |= {path: f"{artefact} was made from it, but {note}" for path, note in sources.moved(content)}
        for path, what in changes.items():
            if path not in reported:
                reported.add(path)
                yield Mismatch(path, what)


def changed(inputs: tuple[Input, ...]) -> tuple[str, ...]:
    """Return the paths of the sources among some inputs that have other bytes now, having read them."""
    return tuple(change.path for change in sources.changed(inputs) if change.what == "changed")
