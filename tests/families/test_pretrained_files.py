"""Which files a pretrained model and a tokenizer are read from: in a folder, or at one commit of a hub's repository."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from heirloom import sources
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.families import pretrained, pretrained_files
from heirloom.specs.pretrained import Pretrained

FILES = {
    "README.md": "a model",
    "config.json": "{}",
    "generation_config.json": "{}",
    "model-00001-of-00001.safetensors": "weights",
    "model.safetensors.index.json": "{}",
    "tokenizer.json": "{}",
    "tokenizer.model": "pieces",
    "chat_template.jinja": "{{ messages }}",
    "merges.txt": "a b",
    ".cache.json": "{}",
}
TOKENIZER = ["chat_template.jinja", "config.json", "merges.txt", "tokenizer.json", "tokenizer.model"]
MODEL = sorted({*FILES} - {"README.md", ".cache.json"})
OLD, NEW = "0123456789abcdef" * 2 + "01234567", "f" * 40


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    for name, text in FILES.items():
        (tmp_path / "model" / name).write_text(text)
    return tmp_path / "model"


@pytest.fixture
def hub_cache(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a repository in a cache that is laid out as huggingface_hub does, with one commit."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    repository = tmp_path / "hub" / "models--me--small"
    shutil.copytree(folder, repository / "snapshots" / OLD)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(OLD)
    return repository


def test_a_tokenizer_is_read_from_fewer_files_than_its_model(folder: Path) -> None:
    spec = Pretrained(path="model")
    assert [(one.role, one.path) for one in pretrained_files.tokenizer_files(spec)] == [("tokenizer_file", f"model/{n}") for n in TOKENIZER]
    assert [(one.role, one.path) for one in pretrained_files.model_files(spec)] == [("model_file", f"model/{n}") for n in MODEL]
    (folder / "small.gguf").write_text("all in one")
    packed = Pretrained(path="model", gguf="small.gguf")
    assert [one.path for one in pretrained_files.tokenizer_files(packed)] == ["model/small.gguf"]


def test_weights_that_were_never_fetched_are_refused_before_any_job(folder: Path) -> None:
    weights = folder / "model-00001-of-00001.safetensors"
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(HeirloomError, match=r"model-00001-of-00001.safetensors: a Git LFS pointer"):
        pretrained.preflight(Pretrained(path="model"))


def test_a_model_of_a_hub_is_read_at_one_commit_and_verify_learns_when_it_moves(hub_cache: Path) -> None:
    spec = Pretrained(path="me/small")
    assert pretrained_files.model_files(spec) == []
    fetched, files = pretrained_files.fetch_model(spec)
    assert fetched == Pretrained(path=str(hub_cache / "snapshots" / OLD))
    assert [(one.role, one.path) for one in files] == [("model_file", f"me/small@{OLD}/{name}") for name in MODEL]
    _, files_of_reader = pretrained_files.fetch_tokenizer(spec)
    assert [one.path for one in files_of_reader] == [f"me/small@{OLD}/{name}" for name in TOKENIZER]
    inputs = [{"role": one.role, "path": one.path, "sha256": sha256_file(one.place)} for one in files]
    manifest = {"schema_version": 2, "slice": {"model": spec.model_dump(mode="json")}, "inputs": inputs}
    assert sources.moved_revisions(manifest) == []
    (hub_cache / "refs" / "main").write_text(NEW)
    assert sources.moved_revisions(manifest) == [(f"me/small@{OLD}", f"main is at {NEW} now")]
