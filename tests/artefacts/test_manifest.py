from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import read_json, replacing, write_text
from heirloom.artefacts.fingerprints import fingerprint, recorded_sha256
from heirloom.errors import HeirloomError

NUMBERS = pa.table({"x": np.zeros(1 << 16)})


def test_a_files_fingerprint_is_the_sha256_of_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"rows")
    assert fingerprint(tmp_path / "a") == {"schema_version": 1, "sha256": hashlib.sha256(b"rows").hexdigest(), "size": 4}


def test_a_folders_fingerprint_covers_names_and_bytes_and_ignores_snakemakes_stamp(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "sub" / "a").write_bytes(b"22")
    lines = f"b\t{hashlib.sha256(b'1').hexdigest()}\nsub/a\t{hashlib.sha256(b'22').hexdigest()}\n"
    first = fingerprint(tmp_path)
    assert first["sha256"] == hashlib.sha256(lines.encode()).hexdigest()
    assert first["size"] == 3
    (tmp_path / ".snakemake_timestamp").touch()
    assert fingerprint(tmp_path) == first
    (tmp_path / "b").rename(tmp_path / "c")
    assert fingerprint(tmp_path) != first


def test_sealing_writes_manifest_and_fingerprint_beside_the_artefact(tmp_path: Path) -> None:
    (tmp_path / "train.parquet").write_bytes(b"x")
    manifest.seal([tmp_path / "train.parquet"], {"slice": {"step": "mix"}})
    content = json.loads((tmp_path / "train.manifest.json").read_text())
    assert content["slice"] == {"step": "mix"}
    assert content["sha256"] == recorded_sha256(tmp_path / "train.parquet") == hashlib.sha256(b"x").hexdigest()


def half_made(folder: Path) -> None:
    folder.mkdir()
    (folder / "model").write_text("half")
    raise FileExistsError


def test_an_error_leaves_what_stood_there_and_no_temporary(tmp_path: Path) -> None:
    target = tmp_path / "checkpoint"
    target.mkdir()
    (target / "model").write_text("old")
    with pytest.raises(FileExistsError), replacing(target) as temporary:
        half_made(temporary)
    assert (target / "model").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]


WRITERS: dict[str, Callable[[Path], object]] = {
    "[Errno 28] No space left on device": lambda path: path.write_text("new"),
    "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device": lambda path: pq.write_table(NUMBERS, path),
    "65536 requested and 0 written": lambda path: NUMBERS["x"].to_numpy().tofile(path),
}


@pytest.mark.parametrize("reason", WRITERS)
def test_a_full_disk_is_said_in_a_line_and_leaves_what_stood_there(tmp_path: Path, reason: str) -> None:
    target = tmp_path / "made"
    target.write_text("old")

    def write() -> None:
        with replacing(target) as temporary:
            temporary.symlink_to("/dev/full")
            WRITERS[reason](temporary)

    with pytest.raises(HeirloomError) as told:
        write()
    assert told.value.lines == (f"{target}: cannot be written ({reason}); make room and run again: what is complete stays",)
    assert isinstance(told.value, OSError)  # a cache that cannot be written is done without
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_replacing_never_writes_through_a_hard_link(tmp_path: Path) -> None:
    cached, linked = tmp_path / "cached", tmp_path / "linked"
    cached.write_text("cached bytes")
    os.link(cached, linked)
    write_text(linked, "new bytes")
    assert cached.read_text() == "cached bytes"
    assert linked.read_text() == "new bytes"


def test_a_full_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    for content in ("old", "new"):
        with replacing(tmp_path / "folder") as temporary:
            temporary.mkdir()
            (temporary / content).touch()
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "missing; run snakemake"),
        ("{", "not valid JSON"),
        ("[]", "expected a JSON object"),
        ('{"a": NaN}', "not valid JSON .'NaN' is no finite number"),
        ('{"a": 1e999}', "not valid JSON .'1e999' is no finite number"),
        ('{"schema_version": 3}', "schema_version 3 is newer"),
    ],
)
def test_a_small_file_that_cannot_be_trusted_is_refused_in_one_line(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "file.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(HeirloomError, match=message):
        read_json(path)


def test_the_small_files_are_named_after_the_artefact() -> None:
    assert paths.fingerprint("a/train.parquet") == "a/train.fingerprint.json"
    assert paths.manifest("a/checkpoint") == "a/checkpoint.manifest.json"
    assert kinds.TRAIN.path("lm", "replace", 3, 2) == "data/lm/replace/seed=3/gen=2/train.parquet"
    assert kinds.TRAIN.path("lm", "replace", 3, 0) == "data/lm/origin/seed=3/gen=0/train.parquet"
