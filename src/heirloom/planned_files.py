"""What a slice says of the files that real data and pretrained models come from: names and hashes, of the bytes that are here.

Where none of them is on this machine, as in a clone without the corpus, but what was made from them under the same settings is,
the recorded ones stand in: nothing is to be redone, and nothing could be.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom import sources
from heirloom.artefacts import kinds, manifest, paths
from heirloom.errors import HeirloomError
from heirloom.families import pretrained_files
from heirloom.sources import input_files
from heirloom.sources.input_files import MODEL_FILE, SOURCE, SPLIT_ROLES, TOKENIZER_FILE, SourceFile
from heirloom.specs.vector_source import CategoricalSource, MnistSource, Words

if TYPE_CHECKING:
    from heirloom.specs.experiment import Experiment

Slice = Mapping[str, Any]


class Group(NamedTuple):
    """Files that are here together, or not at all.

    Parameters
    ----------
    words
        What people call them.
    roles
        Their roles in manifests.
    is_here
        Whether any of them is on this machine.
    files
        Lists them; it refuses local files that are missing, and gives none for what lies on a hub.
    """

    words: str
    roles: frozenset[str]
    is_here: bool
    files: Callable[[], list[SourceFile]]


def of_real(settings: Slice, pool: str, experiment: Experiment) -> dict[str, Any]:
    """Return the slice's entry for the files of real data and tokenizer; none where no file is read, or a hub has them.

    Parameters
    ----------
    pool
        The rows that are made, or were made, from these files under the settings.
    """
    return _entry(settings, pool, real_groups(experiment))


def of_pretrained(settings: Slice, name: str, experiment: Experiment) -> dict[str, Any]:
    """Return the slice's entry for the files of a pretrained model."""
    return _entry(settings, kinds.PRETRAINED.path(name), model_groups(experiment))


def of_measures(settings: Slice, pool: str, experiment: Experiment) -> dict[str, Any]:
    """Return the entry for the files that measuring a model reads: the text of a law of words, the labelled digits of images.

    Parameters
    ----------
    settings, pool
        The settings of the real data, and the rows that are made under them.
    """
    match experiment.source:
        case CategoricalSource(law=Words()):
            return of_real(settings, pool, experiment)
        case MnistSource():
            entries = input_files.hashed_inputs(sources.module("mnist").packaged_files())
            return {"files": [entry._asdict() for entry in entries]}
    return {}


def real_groups(experiment: Experiment) -> list[Group]:
    """Return the files that an experiment's real data and tokenizer come from."""
    source = experiment.source
    roles = frozenset({SOURCE, *SPLIT_ROLES.values()})
    groups = [Group("source files", roles, sources.is_here(source), lambda: sources.source_files(source))]
    reader = source.text.tokenizer if experiment.is_text else None  # type: ignore[union-attr]
    if reader is not None:
        is_here = pretrained_files.is_here(reader)
        groups += [Group("tokenizer files", frozenset({TOKENIZER_FILE}), is_here, lambda: pretrained_files.tokenizer_files(reader))]
    return groups


def model_groups(experiment: Experiment) -> list[Group]:
    """Return the files that a pretrained model comes from."""
    model = experiment.pretrained
    if model is None:
        return []
    return [Group("model files", frozenset({MODEL_FILE}), pretrained_files.is_here(model), lambda: pretrained_files.model_files(model))]


def recorded_files(settings: Slice, artefact: str) -> list[dict[str, str]]:
    """Return the files that an artefact on this machine was made from under these very settings; none where that is not known."""
    try:
        recorded_slice = dict(manifest.read(paths.manifest(artefact))["slice"])
    except (OSError, KeyError, HeirloomError):
        return []
    files: list[dict[str, str]] = recorded_slice.pop("files", [])
    return files if recorded_slice == json.loads(json.dumps(settings)) else []


def stand_in(settings: Slice, artefact: str, group: Group) -> list[dict[str, str]]:
    """Return the recorded files of a group of which none is here; none where some are, or nothing was recorded."""
    return [] if group.is_here else [entry for entry in recorded_files(settings, artefact) if entry["role"] in group.roles]


def missing_files(settings: Slice, artefact: str, group: Group) -> list[str]:
    """Return the names of the recorded files of a group that are not on this machine any more."""
    names = [entry["path"] for entry in recorded_files(settings, artefact) if entry["role"] in group.roles]
    return [name for name in names if input_files.place_of(name) is None]


def _entry(settings: Slice, artefact: str, groups: list[Group]) -> dict[str, Any]:
    files: list[dict[str, str]] = []
    for group in groups:
        entries = stand_in(settings, artefact, group)
        files += entries or [entry._asdict() for entry in input_files.hashed_inputs(group.files())]
    return {"files": files} if files else {}
