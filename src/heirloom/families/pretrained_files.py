"""Where a pretrained model or tokenizer lies, and which files it is read from: in a folder, a package, or fetched from the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.runtime import child
from heirloom.sources import hub_repository
from heirloom.sources.input_files import MODEL_FILE, TOKENIZER_FILE, SourceFile, absence, local_file, package_file, package_folder
from heirloom.specs.pretrained import Pretrained

KEY = "family.model"
_TEXT_SUFFIXES = (".jinja", ".json", ".model", ".txt")
_PATIENCE = 10  # seconds that the hub is given to answer
_NOT_OF_TOKENIZERS = (".index.json", "generation_config.json")


def model_files(spec: Pretrained) -> list[SourceFile]:
    """Return the files of a model that lies on this machine, sorted; none for a hub id."""
    return _local_files(spec, MODEL_FILE, _is_of_model)


def tokenizer_files(spec: Pretrained) -> list[SourceFile]:
    """Return the files that a tokenizer on this machine is read from, sorted; none for a hub id."""
    return _local_files(spec, TOKENIZER_FILE, _is_of_tokenizer)


def is_here(spec: Pretrained) -> bool:
    """Return whether a model is in a folder or a package on this machine."""
    return package_folder(spec.package) is not None if spec.package else Path(spec.path or "").is_dir()


def fetch_model(spec: Pretrained) -> tuple[Pretrained, list[SourceFile]]:
    """Return which commit of a hub's model is read, and its files, fetched; a model on this machine as it is, and none."""
    return _fetch(spec, MODEL_FILE, _is_of_model)


def fetch_tokenizer(spec: Pretrained) -> tuple[Pretrained, list[SourceFile]]:
    """Return which commit of a hub's tokenizer is read, and its files, fetched; one on this machine as it is, and none."""
    return _fetch(spec, TOKENIZER_FILE, _is_of_tokenizer)


def location(spec: Pretrained) -> str | Path:
    """Return a hub id, or the folder of a model on this machine."""
    if spec.package:
        folder = package_folder(spec.package)
        if folder is None:
            raise HeirloomError(f"{KEY}.package: no package {spec.package} is installed; pip install it, or give path: a local folder")
        return folder
    path = Path(spec.path or "")
    if path.is_dir():
        return path
    has_local_form = str(spec.path).startswith((".", "/", "~")) or str(spec.path).count("/") > 1
    if has_local_form or Path(f"{path}.dvc").is_file():
        hint = absence(path).removeprefix(str(path))
        raise HeirloomError(f"{KEY}.path: no such folder: {spec.path} (a hub id has the form owner/name){hint}")
    return spec.path or ""


def options(spec: Pretrained) -> dict[str, Any]:
    """Return how the libraries are to look for a model: where the hub gives no answer, in its cache alone, without asking again.

    Raises
    ------
    OSError
        If the hub gives no answer, and its cache has no such model.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    place, revision = location(spec), spec.revision or "main"
    file_options = {"gguf_file": spec.gguf} if spec.gguf else {}
    if isinstance(place, Path):
        return file_options
    hub_options = {"revision": revision, **file_options}
    try:
        HfApi().model_info(place, revision=revision, timeout=_PATIENCE)
    except Exception as error:  # noqa: BLE001  network libraries share no narrower base
        if not isinstance(try_to_load_from_cache(place, "config.json", revision=revision), str):
            raise OSError(str(error)) from None
        return {**hub_options, "local_files_only": True}
    return hub_options


@contextmanager
def one_line_errors(spec: Pretrained) -> Iterator[None]:
    """Say in one line what could not be had, and what to give in its place."""
    child.opening(spec.name)
    try:
        yield
    except (HeirloomError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  the libraries' errors share no narrower base, and what Rust panics with is no Exception
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:180]
        raise HeirloomError(
            f"{KEY}: cannot get {spec.name}; give path: a local folder with config.json, *.safetensors and tokenizer files ({reason})"
        ) from None


def _local_files(spec: Pretrained, role: str, belongs: Callable[[str], bool]) -> list[SourceFile]:
    place = location(spec)
    if isinstance(place, str):
        return []
    names = _names(spec, place, belongs)
    if spec.package:
        return [package_file(role, spec.package, place / name) for name in names]
    return [local_file(role, place / name) for name in names]


def _names(spec: Pretrained, folder: Path, belongs: Callable[[str], bool]) -> list[str]:
    """Return the names of a model's or tokenizer's files in a folder: of a GGUF file its own alone."""
    return [spec.gguf] if spec.gguf else sorted(path.name for path in folder.iterdir() if belongs(path.name))


def _fetch(spec: Pretrained, role: str, belongs: Callable[[str], bool]) -> tuple[Pretrained, list[SourceFile]]:
    place = location(spec)
    if isinstance(place, Path):
        return spec, []
    with one_line_errors(spec):
        commit = hub_repository.commit_of(place, "model", spec.revision)
        subfolders = () if spec.gguf else ("*/*",)
        folder = hub_repository.snapshot(place, "model", commit, _patterns(spec, belongs), subfolders)
    files = [hub_repository.source_file(role, place, folder, folder / name) for name in _names(spec, folder, belongs)]
    return spec.model_copy(update={"path": str(folder), "revision": None}), files


def _patterns(spec: Pretrained, belongs: Callable[[str], bool]) -> list[str]:
    if spec.gguf:
        return [spec.gguf]
    suffixes = sorted(suffix for suffix in (*_TEXT_SUFFIXES, ".safetensors") if belongs(f"model{suffix}"))
    return [f"*{suffix}" for suffix in suffixes]


def _is_of_model(name: str) -> bool:
    return Path(name).suffix in {*_TEXT_SUFFIXES, ".safetensors"} and not name.startswith(".")


def _is_of_tokenizer(name: str) -> bool:
    return Path(name).suffix in _TEXT_SUFFIXES and not name.endswith(_NOT_OF_TOKENIZERS) and not name.startswith(".")
