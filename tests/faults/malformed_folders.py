"""Malformed folders: what `datasets` saved, repositories of the hub, datasets of Heirloom with damaged notes, pointers of DVC."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from faults.malformed_tables import CSV, HOSTILE, JSON, TITLE, TRUNCATIONS, Case, Change, Write, tables
from heirloom.artefacts.manifest import seal

GENERATION = "data/lm/replace/seed=0/gen=1/synthetic.parquet"
REFERENCE = "lm/replace/0/1"
_VALUES: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "a text": "text",
    "a list": [1, None],
    "an object": {"a": []},
    "a long text": "w" * 100_000,
    "escapes": HOSTILE,
    "a path above": "../../../../etc/passwd",
    "a fraction": 0.5,
}


def cases() -> Iterator[Case]:
    """Yield all cases of folders."""
    yield from saved()
    yield from heirloom()
    yield from pointers()
    yield from hub()
    yield from places()


def save(folder: Path, table: pa.Table) -> None:
    """Write a table as `datasets` saves it."""
    folder.mkdir(parents=True)
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as writer:
        writer.write_table(table)
    state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}], "_fingerprint": "a", "_split": None}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": {}}))


def _saved_splits(folder: Path) -> None:
    for split in ("train", "test"):
        save(folder / split, tables()["text"])
    (folder / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')


def saved() -> Iterator[Case]:
    """Yield folders that `datasets` saved."""
    for file in ("state.json", "dataset_dict.json"):
        for name, content in _contents(b'{"splits": ["train"]}').items():
            yield _damaged_folder("saved", _kind(name), f"{file} {name}", _saved_splits, file, content)
    for name, value in {**_VALUES, "nothing": [], "a split that is not there": ["validation"], "one twice": ["train", "train"]}.items():
        yield _damaged_folder(
            "saved", "type", f"splits are {name}", _saved_splits, "dataset_dict.json", json.dumps({"splits": value}).encode()
        )
    for name, value in _VALUES.items():
        content = json.dumps({"splits": [value]}).encode()
        yield _damaged_folder("saved", "type", f"a split is {name}", _saved_splits, "dataset_dict.json", content)
    shard = "train/data-00000-of-00001.arrow"
    for name, change in TRUNCATIONS.items():
        if name != "without the first byte":
            yield Case("saved", "truncation", f"shard {name}", partial(_change, _saved_splits, shard, change), "good", "bad")
    yield _damaged_folder("saved", "type", "a shard of JSON", _saved_splits, shard, JSON)


def _contents(sound: bytes) -> dict[str, bytes]:
    """Return what stands in a small file of JSON in place of what should."""
    deep = b"[" * 100_000
    cut = {"empty": b"", "half": sound[: len(sound) // 2], "a list": b"[]", "a number": b"1", "null": b"null", "deep": deep}
    return {
        **cut,
        "no UTF-8": b"\xff\xfe{}",
        "a null byte": b'{"a": "\0"}',
        "escapes": json.dumps({HOSTILE: HOSTILE}).encode(),
        "no JSON": TITLE.encode(),
    }


def _kind(name: str) -> str:
    kinds = {
        "empty": "truncation",
        "half": "truncation",
        "deep": "depth",
        "no UTF-8": "encoding",
        "a null byte": "encoding",
        "escapes": "encoding",
    }
    return kinds.get(name, "type")


def _damaged_folder(form: str, kind: str, name: str, make: Write, file: str, content: bytes) -> Case:
    return Case(form, kind, name, partial(_change, make, file, lambda _: content), "good", "bad")


def _change(make: Write, file: str, change: Change, folder: Path) -> None:
    make(folder / "good")
    make(folder / "bad")
    place = folder / "bad" / file
    place.write_bytes(change(place.read_bytes() if place.exists() else b""))


def heirloom() -> Iterator[Case]:
    """Yield datasets of a lineage whose manifest or fingerprint is damaged."""
    for note in ("manifest", "fingerprint"):
        file = f"synthetic.{note}.json"
        for name, content in _contents(b'{"sha256": "00", "size": 1}').items():
            yield _lineage(f"{note} {name}", _kind(name), file, partial(_instead, content))
        keys = ("sha256", "size", "schema_version", *(("inputs", "slice", "path", "digest", "environment") if note == "manifest" else ()))
        for key in keys:
            for name in ("null", "a number", "a list", "escapes"):
                yield _lineage(f"{note} {key} is {name}", "type", file, partial(_with, key, _VALUES[name]))
    file = "synthetic.parquet"
    for name, change in TRUNCATIONS.items():
        yield _lineage(f"rows {name}", "truncation", file, change)
    copied = {"manifest of no sha256": "{}", "manifest of a list": "[]", "manifest of its sha256 alone": None}
    for name, text in copied.items():
        yield Case("heirloom", "type", f"a copy, {name}", partial(_copy, text), "good.parquet", "bad.parquet")


def _instead(content: bytes, _: bytes) -> bytes:
    return content


def _with(key: str, value: Any, content: bytes) -> bytes:
    return json.dumps({**json.loads(content), key: value}).encode()


def _lineage(name: str, kind: str, file: str, change: Change) -> Case:
    def write(folder: Path) -> None:
        pq.write_table(tables()["text"], folder / "good.parquet")
        place = folder / GENERATION
        place.parent.mkdir(parents=True)
        pq.write_table(tables()["text"].slice(1), place)
        (folder / "Snakefile").touch()
        _seal(folder)
        damaged = place.parent / file
        damaged.write_bytes(change(damaged.read_bytes()))

    return Case("heirloom", kind, name, write, "good.parquet", REFERENCE)


def _seal(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)
    try:
        seal([GENERATION], {"slice": {"step": "sample", "generation": 1, "regime": "replace"}, "inputs": []})
    finally:
        os.chdir(here)


def _copy(text: str | None, folder: Path) -> None:
    from heirloom.artefacts.fingerprints import fingerprint

    for name, start in (("good", 0), ("bad", 1)):
        pq.write_table(tables()["text"].slice(start), folder / f"{name}.parquet")
    sha256 = json.dumps({"sha256": fingerprint(folder / "bad.parquet")["sha256"]})
    (folder / "bad.manifest.json").write_text(sha256 if text is None else text)


_POINTERS: dict[str, str] = {
    "empty": "",
    "a list": "- outs\n",
    "no YAML": "outs: [",
    "a tab": "outs:\n\t- path: bad\n",
    "outs of a number": "outs: 7\n",
    "outs of null": "outs:\n",
    "an out of a number": "outs:\n- 7\n",
    "no path": "outs:\n- md5: 0\n",
    "a path of a list": "outs:\n- path: [1]\n  md5: 0\n",
    "a path above": "outs:\n- md5: 00000000000000000000000000000000\n  path: ../../etc/passwd\n",
    "md5 of a number": "outs:\n- md5: 7\n  path: bad.parquet\n",
    "md5 of a path": "outs:\n- md5: ../../../etc/passwd\n  path: bad.parquet\n",
    "md5 of escapes": f"outs:\n- md5: {json.dumps(HOSTILE)}\n  path: bad.parquet\n",
    "nothing in the cache": "outs:\n- md5: 00000000000000000000000000000000\n  path: bad.parquet\n",
    "a tag": "outs: !!python/object/apply:os.system ['true']\n",
    "an alias of itself": "outs: &a [*a]\n",
    "a null byte": "outs:\n- path: a\0b\n",
    "deep": "[" * 2000,
    "marks of a merge": "<<<<<<< HEAD\nouts:\n=======\nouts: []\n>>>>>>> other\n",
    "a date": "outs: 2000-01-01\n",
    "a key twice": "outs: []\nouts: []\n",
    "long": "outs:\n- path: " + "w" * 100_000 + "\n",
}


def pointers() -> Iterator[Case]:
    """Yield pointers of DVC: of a file that is not here, and named themselves."""
    for name, text in _POINTERS.items():
        write = partial(_pointer, text)
        kind = _kind(name)
        yield Case("dvc", kind, f"{name}, the file", write, "good.parquet", "bad.parquet")
        yield Case("dvc", kind, f"{name}, the pointer", write, "good.parquet", "bad.parquet.dvc")
        if name in ("empty", "nothing in the cache", "deep", "a list"):
            yield Case("dvc", kind, f"{name}, a lineage", write, "good.parquet", REFERENCE)
            yield Case("dvc", kind, f"{name}, a lineage's pointer", write, "good.parquet", "data/lm/replace/seed=0.dvc")


def _pointer(text: str, folder: Path) -> None:
    pq.write_table(tables()["text"], folder / "good.parquet")
    lineage = folder / "data/lm/replace"
    lineage.mkdir(parents=True)
    for file in (folder / "bad.parquet.dvc", lineage / "seed=0.dvc"):
        file.write_text(text, encoding="utf-8")
    (folder / ".dvc").mkdir()


_CONFIGS: dict[str, str] = {
    "no YAML": "[",
    "configs of a number": "7",
    "configs of a text": "all",
    "configs of numbers": "[7]",
    "configs of nothing": "",
    "no name": "[{data_files: train.csv}]",
    "a name of a list": "[{config_name: [1], data_files: train.csv}]",
    "a name twice": "[{config_name: a, data_files: train.csv}, {config_name: a, data_files: test.csv}]",
    "a name of escapes": f"[{{config_name: {json.dumps(HOSTILE)}, data_files: train.csv}}]",
    "a file that is not there": "[{config_name: a, data_files: other.csv}]",
    "a file above": "[{config_name: a, data_files: ../../../../../../etc/passwd}]",
    "a file of the system": "[{config_name: a, data_files: /etc/passwd}]",
    "a file of a number": "[{config_name: a, data_files: 7}]",
    "files of a split of a number": "[{config_name: a, data_files: [{split: 7, path: train.csv}]}]",
    "a split of escapes": f"[{{config_name: a, data_files: [{{split: {json.dumps(TITLE)}, path: train.csv}}]}}]",
    "a split twice": "[{config_name: a, data_files: [{split: x, path: train.csv}, {split: x, path: test.csv}]}]",
    "features of a number": "[{config_name: a, data_files: train.csv}]\ndataset_info: {features: 7}",
    "features of no type": "[{config_name: default, data_files: train.csv}]\ndataset_info: {features: [{name: text, dtype: nothing}]}",
    "an unknown option": "[{config_name: a, data_files: train.csv, separator: 7}]",
    "a mark of escapes": f"[{{config_name: a, data_files: train.csv, sep: {json.dumps(HOSTILE)}}}]",
    "a tag": "!!python/object/apply:os.system ['true']",
    "a null byte": "[{config_name: a\0b, data_files: train.csv}]",
    "deep": "[" * 2000,
    "an alias of itself": "&a [*a]",
}


def cards() -> dict[str, bytes]:
    """Return cards of a dataset, by what is wrong with them."""
    marked = {name: f"---\nconfigs: {configs}\n---\n".encode() for name, configs in _CONFIGS.items()}
    never_closed = b"---\nconfigs:\n- config_name: a\n"
    return {**marked, "no UTF-8": b"---\nconfigs: [{config_name: \xff, data_files: train.csv}]\n---\n", "never closed": never_closed}


def _repository(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in {"train.csv": CSV, "test.csv": CSV, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def hub() -> Iterator[Case]:
    """Yield folders as on the hub: cards that say what cannot be, and files that datasets would read otherwise or not at all."""
    sound = partial(_repository, files={})
    for name, card in cards().items():
        yield _damaged_folder("hub", _kind(name), f"card, {name}", sound, "README.md", card)
    for name, content in _contents(b'{"default": {}}').items():
        yield _damaged_folder("hub", _kind(name), f"dataset_infos.json {name}", sound, "dataset_infos.json", content)
    others: dict[str, dict[str, bytes]] = {
        "other columns in one part": {"train-1.csv": b"a,b\n1,2\n"},
        "an empty part": {"train-1.csv": b""},
        "a pointer of LFS": {"train.csv": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"},
        "a script": {"bad.py": b"raise SystemExit(7)\n"},
        "a part in Parquet": {"train.parquet": CSV},
        "a name of escapes": {f"train{TITLE}.csv": CSV, "train\n.csv": CSV},
        "a name of no UTF-8": {os.fsdecode(b"train\xff.csv"): CSV},
        "names of patterns": {"train[0-9]*.csv": CSV, "{train}.csv": CSV},
        "a long name": {f"train{'w' * 200}.csv": CSV},
        "deep folders": {f"{'a/' * 100}train.csv": CSV},
        "a part that is packed and is not": {"train.csv.gz": CSV},
    }
    for name, files in others.items():
        kind = "encoding" if "name" in name else "type"
        yield Case("hub", kind, name, partial(_two, sound, partial(_repository, files=files)), "good", "bad")
    yield Case("hub", "type", "no split of that name", partial(_two, sound, sound), "good:train", f"bad:{TITLE}")
    yield Case("hub", "truncation", "an empty folder", partial(_two, sound, lambda folder: folder.mkdir()), "good", "bad")


def _two(good: Write, bad: Write, folder: Path) -> None:
    good(folder / "good")
    bad(folder / "bad")


def places() -> Iterator[Case]:
    """Yield what is no file: pipes, links, folders, and names that are no names of files."""
    made: dict[str, Write] = {
        "a pipe": os.mkfifo,
        "a link to itself": lambda bad: bad.symlink_to(bad.name),
        "a link to nothing": lambda bad: bad.symlink_to("nothing"),
        "a folder": Path.mkdir,
        "a folder of a pipe": partial(_inside, os.mkfifo),
        "a folder of a folder": lambda bad: (bad / "train.parquet").mkdir(parents=True),
        "a folder of a link to itself": partial(_inside, lambda place: place.symlink_to("train.parquet")),
        "a folder of a link above": partial(_inside, lambda place: place.symlink_to(".", target_is_directory=True)),
        "a device": lambda bad: bad.symlink_to("/dev/zero"),
    }
    for name, make in made.items():
        yield Case("place", "type", name, partial(_place, make, "bad.parquet"), "good.parquet", "bad.parquet")
        yield Case("place", "type", f"{name}, CSV", partial(_place, make, "bad.csv"), "good.parquet", "bad.csv")
    names = {"escapes": TITLE, "long": "w" * 5000, "no name": "", "of the system": "/", "lines": "a\nb", "no scheme": "nowhere://x/y"}
    more = {"no series": "x/9..1", "a revision": "good.parquet@HEAD", "a part": "good.parquet:train", "an option": "--=", "spaces": " "}
    for name, text in {**names, **more}.items():
        yield Case("place", "encoding", f"a name, {name}", partial(_place, lambda _: None, "x"), "good.parquet", text)
    yield Case("place", "encoding", "a file's name of escapes", partial(_named, f"{TITLE}.parquet"), "good.parquet", f"{TITLE}.parquet")
    name = os.fsdecode(b"\xff.parquet")
    yield Case("place", "encoding", "a file's name of no UTF-8", partial(_named, name), "good.parquet", name)


def _inside(make: Write, folder: Path) -> None:
    folder.mkdir()
    make(folder / "train.parquet")


def _place(make: Write, name: str, folder: Path) -> None:
    pq.write_table(tables()["text"], folder / "good.parquet")
    make(folder / name)


def _named(name: str, folder: Path) -> None:
    pq.write_table(tables()["text"], folder / "good.parquet")
    shutil.copy(folder / "good.parquet", folder / name)
