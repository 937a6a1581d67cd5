"""Malformed sources: text, JSON, CSV, Parquet, Arrow, archives, idx files, and folders with cards."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from faults.malformed import ESCAPE, WRONG, Case, Files, cuts, encodings, flips, nested, spelled

NAMES = ("river", "castle", "garden", "winter", "harbour", "teacher", "letter", "forest", "market", "engine", "violin", "island")
TEXTS = [
    " ".join(f"The {name} of chapter {number} saw the {other} and {number * place} of them." for place, other in enumerate(NAMES))
    for number, name in enumerate(NAMES * 4)
]
ROWS = [{"text": text, "number": number} for number, text in enumerate(TEXTS)]
PAIRS = [{"prompt": text[:40], "completion": text[40:120]} for text in TEXTS]
BLOCKS = {"vocab_size": 300, "row_tokens": 8}


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for make in (_text, _jsonl, _json, _csv, _parquet, _arrow, _archives, _idx, _cards):
        yield from make()


def text_experiment(source: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment that counts the n-grams of a text."""
    family = {"name": "ngram", "training": {"order": 2}}
    return {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20, "origin_rows": "all"}


def files_source(*paths: str) -> dict[str, Any]:
    """Return an experiment with a source of files."""
    return text_experiment({"name": "files", "paths": list(paths), "text": BLOCKS})


def hub_source() -> dict[str, Any]:
    """Return an experiment with a folder as `datasets` opens it."""
    return text_experiment({"name": "hub", "dataset": "./folder", "splits": "train", "text": BLOCKS})


def pairs_source(path: str) -> dict[str, Any]:
    """Return an experiment with pairs in a file."""
    text = {"rows": "pairs", "vocab_size": 300, "pairs": {"max_prompt_tokens": 64, "max_completion_tokens": 64}}
    return text_experiment({"name": "files", "paths": [path], "text": text})


def table_source(path: str) -> dict[str, Any]:
    """Return an experiment with a table of two columns."""
    source = {"name": "table", "paths": [path], "columns": {"a": "number", "b": "category"}, "rows": 20, "test_rows": 5}
    return {"family": TABLE_FAMILY, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20}


TABLE_FAMILY: dict[str, Any] = {
    "name": "external",
    "rows": "table",
    "train": {"command": ["true", "{train}", "{checkpoint}"]},
    "sample": {"command": ["true", "{checkpoint}", "{num_rows}", "{synthetic}", "{seed}"]},
    "code": ["config.yaml"],
}


def _text() -> Iterator[Case]:
    text = "\n".join(TEXTS)
    odd: list[tuple[str, str, bytes]] = [("encoding", name, content) for name, content in encodings(text)]
    odd += [
        ("truncation", "empty", b""),
        ("truncation", "one-byte", b"T"),
        ("truncation", "one-word", b"river"),
        ("wrong-type", "random-bytes", np.random.Generator(np.random.PCG64DXSM(1)).bytes(4000)),
        ("wrong-type", "gzip", gzip.compress(text.encode())),
        ("wrong-type", "picture", b"\x89PNG\r\n\x1a\n" + bytes(100)),
        ("size", "one-word-of-a-megabyte", b"x" * 1_000_000),
        ("size", "empty-lines", b"\n" * 200_000),
        ("encoding", "escapes", (text + ESCAPE * 50).encode()),
        ("encoding", "controls", bytes(range(1, 32)) * 200),
    ]
    for kind, name, content in odd:
        yield Case("text", kind, name, {"a.txt": content, "b.txt": text.encode(), "c.txt": text.encode()}, files_source("*.txt"))
    yield Case("text", "wrong-type", "folder-for-a-file", {"a.txt/": b""}, files_source("a.txt"))
    yield Case("text", "encoding", "escapes-in-a-name", {f"{ESCAPE}.txt": b"\xff"}, files_source("*.txt"))
    yield Case("text", "encoding", "escapes-in-a-suffix", {f"a.{ESCAPE}": b"a"}, files_source("*"))


def _odd_lines(rows: list[dict[str, Any]], key: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield kind, name and bytes of JSON lines that are malformed."""
    lines = [json.dumps(row) for row in rows]
    text = "\n".join(lines) + "\n"
    for name, content in cuts(text.encode()):
        yield "truncation", name, content
    for number, value in enumerate(WRONG):
        yield "wrong-type", f"row-{number}", ("\n".join([*lines, json.dumps(value)])).encode()
        yield "wrong-type", f"value-{number}", ("\n".join([*lines, json.dumps({**rows[0], key: value})])).encode()
    for name, content in encodings(text):
        yield "encoding", name, content
    odd_rows = {
        ("wrong-type", "no-key"): "{}",
        ("wrong-type", "key-twice"): lines[0][:-1] + f', "{key}": "again"}}',
        ("wrong-type", "trailing-comma"): lines[0][:-1] + ",}",
        ("wrong-type", "single-quotes"): lines[0].replace('"', "'"),
        ("wrong-type", "two-objects"): lines[0] * 2,
        ("size", "number-of-5000-digits"): lines[0][:-1] + ', "more": ' + "9" * 5000 + "}",
        ("size", "number-beyond-float"): lines[0][:-1] + ', "more": 1e999}',
        ("size", "not-a-number"): lines[0][:-1] + ', "more": NaN}',
        ("size", "10000-keys"): json.dumps({**rows[0], **{f"key{number}": 1 for number in range(10_000)}}),
        ("size", "key-of-100000-characters"): json.dumps({"x" * 100_000: "text"}),
        ("depth", "501"): lines[0][:-1] + f', "more": {nested(501)}}}',
        ("depth", "5000"): lines[0][:-1] + f', "more": {nested(5000)}}}',
        ("depth", "objects"): lines[0][:-1] + f', "more": {nested(600, chr(123) + chr(34) + "a" + chr(34) + ":", chr(125))}}}',
        ("encoding", "escapes-in-a-key"): json.dumps({ESCAPE: "text"}, ensure_ascii=False),
        ("encoding", "spelled-surrogate"): lines[0][:-1] + f', "{key}": "\\ud800"}}',
    }
    for (kind, name), row in odd_rows.items():
        yield kind, name, ("\n".join([*lines, row]) + "\n").encode()


def _jsonl() -> Iterator[Case]:
    for kind, name, content in _odd_lines(ROWS, "text"):
        yield Case("jsonl", kind, name, {"a.jsonl": content}, files_source("a.jsonl"))
        yield Case("hub-jsonl", kind, name, {"folder/train.jsonl": content}, hub_source())
    for kind, name, content in _odd_lines(PAIRS, "prompt"):
        if kind != "truncation":
            yield Case("pairs-jsonl", kind, name, {"a.jsonl": content}, pairs_source("a.jsonl"))


def _json() -> Iterator[Case]:
    text = json.dumps(ROWS)
    odd = [("truncation", name, content) for name, content in cuts(text.encode())]
    odd += [("encoding", name, content) for name, content in encodings(text)]
    odd += [("wrong-type", f"file-{number}", spelled(value)) for number, value in enumerate(WRONG)]
    odd += [
        ("wrong-type", "columns-of-unequal-length", spelled({"text": TEXTS, "number": [1]})),
        ("wrong-type", "one-row-no-object", spelled([*ROWS, 5])),
        ("depth", "5000", nested(5000).encode()),
        ("size", "number-of-5000-digits", (text[:-1] + ', {"text": ' + "9" * 5000 + "}]").encode()),
    ]
    for kind, name, content in odd:
        yield Case("json", kind, name, {"a.json": content}, files_source("a.json"))
        if kind != "truncation" and not name.startswith("file-"):
            yield Case("hub-json", kind, name, {"folder/train.json": content}, hub_source())


def _csv() -> Iterator[Case]:
    lines = ["a,b", *(f"{number / 7},{name}" for number, name in enumerate(NAMES * 4))]
    table, texts = "\n".join(lines) + "\n", "text,number\n" + "\n".join(f'"{text}",{number}' for number, text in enumerate(TEXTS)) + "\n"
    for form, sound, first in (("table-csv", table, "a"), ("hub-csv", texts, "text")):
        odd = [("truncation", name, content) for name, content in cuts(sound.encode())]
        odd += [("encoding", name, content) for name, content in encodings(sound)]
        header, _, body = sound.partition("\n")
        odd += [
            ("truncation", "header-alone", f"{header}\n".encode()),
            ("wrong-type", "more-fields", (sound + "1,2,3,4,5\n").encode()),
            ("wrong-type", "fewer-fields", (sound + "1\n").encode()),
            ("wrong-type", "open-quotation", (sound + '1,"open\n').encode()),
            ("wrong-type", "word-for-a-number", (sound + "word,word\n").encode()),
            ("wrong-type", "column-twice", f"{first},{first}\n{body}".encode()),
            ("wrong-type", "random-bytes", np.random.Generator(np.random.PCG64DXSM(2)).bytes(3000)),
            ("size", "cell-of-two-megabytes", (sound + "1," + "x" * 2_000_000 + "\n").encode()),
            ("size", "3000-columns", (",".join(f"c{number}" for number in range(3000)) + "\n" + "1," * 2999 + "1\n").encode()),
            ("size", "number-beyond-float", (sound + "1e999,x\n" + "9" * 400 + ",x\n").encode()),
            ("encoding", "escapes-in-a-column", f"{ESCAPE},{ESCAPE}2\n{body}".encode()),
            ("encoding", "escapes-in-a-cell", (sound + f"{ESCAPE},{ESCAPE}\n").encode()),
        ]
        for kind, name, content in odd:
            if form == "table-csv":
                yield Case(form, kind, name, {"a.csv": content}, table_source("a.csv"))
            else:
                yield Case(form, kind, name, {"folder/train.csv": content}, hub_source())


def parquet(table: pa.Table, **options: Any) -> bytes:
    """Return a table as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def _odd_tables() -> Iterator[tuple[str, str, pa.Table]]:
    """Yield kind, name and a table that is no source of text."""
    count = len(TEXTS)
    columns = {
        "numbers": pa.array(range(count)),
        "lists": pa.array([[text] for text in TEXTS]),
        "structs": pa.array([{"text": text} for text in TEXTS]),
        "maps": pa.array([[("a", text)] for text in TEXTS], pa.map_(pa.string(), pa.string())),
        "nulls": pa.nulls(count),
        "no-utf8": pa.array([b"\xff\xfe"] * count, pa.binary()),
        "decimals": pa.array(range(count)).cast(pa.decimal128(30, 2)),
        "times": pa.array(range(count), pa.timestamp("s")),
        "booleans": pa.array([True] * count),
        "escapes": pa.array([ESCAPE] * count),
    }
    for name, column in columns.items():
        yield "wrong-type", name, pa.table({"text": column})
    yield "wrong-type", "no-such-column", pa.table({"word": TEXTS})
    yield "wrong-type", "column-twice", pa.Table.from_arrays([pa.array(TEXTS)] * 2, names=["text", "text"])
    yield "truncation", "no-rows", pa.table({"text": pa.array([], pa.string())})
    yield "truncation", "no-columns", pa.table({})
    yield "encoding", "escapes-in-a-column", pa.table({ESCAPE: TEXTS})
    yield "size", "3000-columns", pa.table({f"c{number}": ["a"] for number in range(3000)})
    yield "size", "column-of-a-long-name", pa.table({"x" * 100_000: TEXTS})
    yield "depth", "list-of-lists", pa.table({"text": pa.array([[[[[["a"]]]]]] * count)})


def _parquet() -> Iterator[Case]:
    sound = parquet(pa.table({"text": TEXTS, "number": range(len(TEXTS))}), write_page_checksum=True)
    (length,) = struct.unpack("<I", sound[-8:-4])
    odd = [("truncation", name, content) for name, content in cuts(sound)]
    odd += [
        ("size", f"footer-of-{number}", sound[:-8] + struct.pack("<I", number) + b"PAR1")
        for number in (0, 1, length - 1, length + 1, len(sound), 2**31 - 1, 2**32 - 1)
    ]
    odd += [
        ("wrong-type", "another-magic", sound[:-4] + b"PARE"),
        ("wrong-type", "text", "\n".join(TEXTS).encode()),
        ("truncation", "no-magic-at-the-start", bytes(4) + sound[4:]),
        ("truncation", "zeros-for-pages", sound[:4] + bytes(len(sound) - length - 12) + sound[-length - 8 :]),
        ("truncation", "twice", sound + sound[:100]),
    ]
    odd += [("wrong-type", f"page-{name}", content) for name, content in flips(sound, 4, len(sound) - length - 8, 14)]
    odd += [("wrong-type", f"footer-{name}", content) for name, content in flips(sound, len(sound) - length - 8, len(sound) - 8, 14)]
    odd += [(kind, name, parquet(table)) for kind, name, table in _odd_tables()]
    for kind, name, content in odd:
        yield Case("parquet", kind, name, {"a.parquet": content}, files_source("a.parquet"))
        if "byte" not in name:
            yield Case("hub-parquet", kind, name, {"folder/train.parquet": content}, hub_source())
            yield Case("table-parquet", kind, name, {"a.parquet": content}, table_source("a.parquet"))


def arrow(table: pa.Table, *, is_stream: bool = True) -> bytes:
    """Return a table as a file of Arrow's."""
    sink = io.BytesIO()
    with (pa.ipc.new_stream if is_stream else pa.ipc.new_file)(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _arrow() -> Iterator[Case]:
    table = pa.table({"text": TEXTS})
    for form in ("stream", "file"):
        sound = arrow(table, is_stream=form == "stream")
        for name, content in cuts(sound):
            yield Case("hub-arrow", "truncation", f"{form}-{name}", {"folder/train.arrow": content}, hub_source())
    for kind, name, other in _odd_tables():
        yield Case("hub-arrow", kind, name, {"folder/train.arrow": arrow(other)}, hub_source())
    yield Case("hub-arrow", "wrong-type", "text", {"folder/train.arrow": "\n".join(TEXTS).encode()}, hub_source())


def zipped(members: Files) -> bytes:
    """Return a zip archive."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return sink.getvalue()


def tarred(members: Files, mode: str = "w:gz") -> bytes:
    """Return a tar archive."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return sink.getvalue()


def _archives() -> Iterator[Case]:
    lines = "\n".join(map(json.dumps, ROWS)).encode()
    sound: dict[str, bytes] = {
        "zip": zipped({"train.jsonl": lines}),
        "tar": tarred({"train.jsonl": lines}, "w"),
        "tar.gz": tarred({"train.jsonl": lines}),
        "jsonl.gz": gzip.compress(lines, mtime=0),
    }
    for suffix, content in sound.items():
        odd = [("truncation", name, cut) for name, cut in cuts(content)]
        odd += [
            ("wrong-type", "text", b"no archive"),
            ("wrong-type", "random-bytes", np.random.Generator(np.random.PCG64DXSM(3)).bytes(2000)),
        ]
        odd += [("wrong-type", name, other) for name, other in flips(content, 0, min(len(content), 300), 3)]
        for kind, name, other in odd:
            yield Case(suffix, kind, name, {f"folder/train.{suffix}": other}, hub_source())
    members = {
        "outside": {"../../outside.jsonl": lines},
        "absolute": {"/tmp/outside.jsonl": lines},  # noqa: S108  a member's name
        "escapes-in-a-name": {f"{ESCAPE}.jsonl": lines},
        "empty": {},
        "other-format": {"train.bin": lines},
        "zip-in-zip": {"train.zip": zipped({"train.jsonl": lines})},
        "spoilt-lines": {"train.jsonl": lines[:-20]},
    }
    for name, content_of in members.items():
        yield Case("zip", "wrong-type", name, {"folder/train.zip": zipped(content_of)}, hub_source())
        yield Case("tar", "wrong-type", name, {"folder/train.tar": tarred(content_of, "w")}, hub_source())


def _idx() -> Iterator[Case]:
    images = np.arange(40 * 16, dtype=np.uint32).astype(np.uint8).tobytes()

    def idx(*numbers: int, pixels: bytes = images) -> bytes:
        return struct.pack(f">{len(numbers)}i", *numbers) + pixels

    sound = idx(0x803, 40, 4, 4)
    odd = [("truncation", name, content) for name, content in cuts(sound)]
    most = 2**31 - 1
    odd_sizes = [(0, 4, 4), (-1, 4, 4), (40, -4, -4), (41, 4, 4), (39, 4, 4), (40, 0, 0), (most, 1, 1), (40, most, most), (most,) * 3]
    odd += [("size", "x".join(map(str, sizes)), idx(0x803, *sizes)) for sizes in odd_sizes]
    odd += [("wrong-type", f"magic-{magic}", idx(magic, 40, 4, 4)) for magic in (0, 0x801, 0x80D, -1)]
    family: dict[str, Any] = {"name": "vae"}
    source = {"name": "mnist", "dataset": "./digits", "rows": 30, "test_rows": 5}
    experiment = {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 20}
    for kind, name, content in odd:
        for suffix, train in (("", content), (".gz", gzip.compress(content, mtime=0))):
            files = {f"digits/train-images-idx3-ubyte{suffix}": train, "digits/t10k-images-idx3-ubyte": sound}
            yield Case("idx", kind, name + suffix, files, experiment)
    for name, content in cuts(gzip.compress(sound, mtime=0)):
        files = {"digits/train-images-idx3-ubyte.gz": content, "digits/t10k-images-idx3-ubyte": sound}
        yield Case("idx", "truncation", f"gzip-{name}", files, experiment)


_CARDS: dict[tuple[str, str], str] = {
    ("wrong-type", "configs-number"): "configs: 5",
    ("wrong-type", "configs-text"): "configs: train",
    ("wrong-type", "configs-object"): "configs: {a: 1}",
    ("wrong-type", "configs-of-numbers"): "configs: [1, 2]",
    ("wrong-type", "configs-of-nulls"): "configs: [null]",
    ("wrong-type", "config-without-name"): "configs: [{data_files: train.jsonl}]",
    ("wrong-type", "config-name-number"): "configs: [{config_name: 5, data_files: train.jsonl}]",
    ("wrong-type", "config-name-list"): "configs: [{config_name: [a], data_files: train.jsonl}]",
    ("wrong-type", "data-files-number"): "configs: [{config_name: default, data_files: 5}]",
    ("wrong-type", "data-files-null"): "configs: [{config_name: default, data_files: null}]",
    ("wrong-type", "data-files-of-numbers"): "configs: [{config_name: default, data_files: [1]}]",
    ("wrong-type", "data-files-without-path"): "configs: [{config_name: default, data_files: [{split: train}]}]",
    ("wrong-type", "split-a-number"): "configs: [{config_name: default, data_files: [{split: 5, path: train.jsonl}]}]",
    ("wrong-type", "split-with-escapes"): 'configs: [{config_name: default, data_files: [{split: "\\e[31m", path: train.jsonl}]}]',
    ("wrong-type", "no-such-file"): "configs: [{config_name: default, data_files: absent.jsonl}]",
    ("wrong-type", "file-outside"): "configs: [{config_name: default, data_files: ../../absent.jsonl}]",
    ("wrong-type", "unknown-option"): "configs: [{config_name: default, data_files: train.jsonl, chunks: 5}]",
    ("wrong-type", "option-of-wrong-type"): "configs: [{config_name: default, data_files: train.jsonl, chunksize: five}]",
    ("wrong-type", "features-number"): "dataset_info: {features: 5}",
    ("wrong-type", "features-unknown"): "dataset_info: {features: [{name: text, dtype: unheard}]}",
    ("wrong-type", "features-without-name"): "dataset_info: {features: [{dtype: string}]}",
    ("wrong-type", "features-other"): "dataset_info: {features: [{name: text, dtype: int64}]}",
    ("wrong-type", "info-text"): "dataset_info: five",
    ("wrong-type", "info-of-numbers"): "dataset_info: [1, 2]",
    ("wrong-type", "splits-number"): "dataset_info: {features: [{name: text, dtype: string}], splits: 5}",
    ("wrong-type", "splits-of-text"): "dataset_info: {features: [{name: text, dtype: string}], splits: [train]}",
    ("wrong-type", "list"): "- a\n- b",
    ("wrong-type", "text"): "just words",
    ("wrong-type", "number"): "5",
    ("wrong-type", "tab"): "configs:\n\t- a",
    ("wrong-type", "open-bracket"): "configs: [",
    ("wrong-type", "unknown-anchor"): "configs: *absent",
    ("wrong-type", "python-tag"): "configs: !!python/name:os.getcwd",
    ("wrong-type", "key-twice"): "configs: []\nconfigs: []",
    ("size", "number"): "configs: " + "9" * 6000,
    ("depth", "400"): "configs: " + nested(400),
    ("encoding", "control"): "configs: \0",
    ("encoding", "escapes"): f"configs: {ESCAPE}",
}


def _cards() -> Iterator[Case]:
    lines = "\n".join(map(json.dumps, ROWS)).encode()
    for (kind, name), text in _CARDS.items():
        files = {"folder/train.jsonl": lines, "folder/README.md": f"---\n{text}\n---\nwords\n".encode()}
        yield Case("card", kind, name, files, hub_source())
    for name, content in encodings("---\nlicense: river\nconfigs: []\n---\n"):
        yield Case("card", "encoding", name, {"folder/train.jsonl": lines, "folder/README.md": content}, hub_source())
    yield Case("card", "truncation", "open", {"folder/train.jsonl": lines, "folder/README.md": b"---\nconfigs:\n- con"}, hub_source())
    for file in ("dataset_infos.json", ".huggingface.yaml"):
        for number, value in enumerate(WRONG):
            yield Case(
                file.strip("."), "wrong-type", f"{number}", {"folder/train.jsonl": lines, f"folder/{file}": spelled(value)}, hub_source()
            )
            other = spelled({"default": value, "configs": value})
            yield Case(
                file.strip("."), "wrong-type", f"inner-{number}", {"folder/train.jsonl": lines, f"folder/{file}": other}, hub_source()
            )
