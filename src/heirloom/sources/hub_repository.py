"""Repositories of the Hugging Face hub: a name is resolved to a commit once, and from then on only files of that commit are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from heirloom.artefacts.manifest import inputs as inputs_of
from heirloom.sources.input_files import HUB_FILE, MODEL_FILE, ROLES, TOKENIZER_FILE, SourceFile

Kind = Literal["dataset", "model"]


def commit_of(repository: str, kind: Kind, revision: str | None) -> str:
    """Return the commit that a branch or tag stands for now; where the hub gives no answer, the one that its local cache knows.

    Parameters
    ----------
    revision
        Commit, tag or branch; None for the main branch.

    Raises
    ------
    OSError
        If the hub gives no answer, and its cache does not know the revision.
    """
    from huggingface_hub import HfApi

    try:
        return HfApi().resolve_revision(repository, repo_type=kind, revision=revision).resolved
    except Exception as error:  # noqa: BLE001  network libraries share no narrower base
        raise OSError(" ".join(str(error).split())) from None


def snapshot(repository: str, kind: Kind, commit: str, patterns: Sequence[str], passed_over: Sequence[str] = ()) -> Path:
    """Return the folder with a commit's files that match the patterns, fetched where they are not in the hub's cache.

    Parameters
    ----------
    passed_over
        Patterns of files that are not fetched, even if they match.

    Raises
    ------
    OSError
        If they cannot be had.
    """
    from huggingface_hub import snapshot_download

    folder = snapshot_download(
        repository, repo_type=kind, revision=commit, allow_patterns=list(patterns), ignore_patterns=list(passed_over)
    )
    return Path(folder)


def cached_snapshot(repository: str, kind: Kind, commit: str) -> Path | None:
    """Return the folder in the hub's local cache with files of a commit; None where there is none."""
    folder = _cache(repository, kind) / "snapshots" / commit
    return folder if folder.is_dir() else None


def source_file(role: str, repository: str, folder: Path, place: Path) -> SourceFile:
    """Return a file of a snapshot folder, whose name is the commit."""
    return SourceFile(role, f"{repository}@{folder.name}/{place.relative_to(folder).as_posix()}", place)


def moved_revisions(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the hub says now of the branches and tags that the inputs of a manifest were read at.

    Returns
    -------
    ``ID@COMMIT`` and what is the matter, of each repository that is at another commit now, or of which nothing can be learnt
    """
    notes = {}
    for role, path, _ in inputs_of(manifest):
        hub_file = HUB_FILE.fullmatch(path)
        if role not in ROLES or hub_file is None:
            continue
        repository, commit = hub_file["repository"], hub_file["commit"]
        kind: Kind = "model" if role in {MODEL_FILE, TOKENIZER_FILE} else "dataset"
        revision = _revision(manifest["slice"], role)
        notes[f"{repository}@{commit}"] = _note(repository, kind, revision, commit)
    return [(name, note) for name, note in notes.items() if note]


def _note(repository: str, kind: Kind, revision: str | None, commit: str) -> str:
    try:
        current = commit_of(repository, kind, revision)
    except OSError:
        return "the hub gives no answer, and its cache does not know"
    return f"{revision or 'main'} is at {current} now" if current != commit else ""


def _revision(step: Mapping[str, Any], role: str) -> str | None:
    """Return the revision that a slice asks for, of the source, the tokenizer or the model."""
    settings: Mapping[str, Any] = step.get("model" if role == MODEL_FILE else "source", {})
    if role == TOKENIZER_FILE:
        settings = settings["text"]["tokenizer"]
    return settings.get("revision")


def _cache(repository: str, kind: Kind) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=repository, repo_type=kind))
