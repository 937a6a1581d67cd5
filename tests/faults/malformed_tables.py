"""Malformed and hostile datasets, as strangers hand them over: of each a sound neighbour, so that a comparison goes as far as it can.

What stops or kills an outside reader is no part of this: docs/reliability.md says of it the format and the number of cases.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom.runtime.streams import Stream

SEED = 27
ROWS = 40
TITLE = "\x1b]0;taken\x07"
"""Sets the title of a terminal that obeys."""
HOSTILE = f"{TITLE}\x1b[2J\x1b[31m\x9b31m\u202etxet\r\x08\x00 <b>&amp;`$(true)` [red]"
"""Clears, colours and turns the text of a terminal that obeys."""

Write = Callable[[Path], object]
Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Case:
    """Two datasets in a folder, of which the second is malformed.

    Parameters
    ----------
    kind
        truncation, type, size, depth or encoding.
    write
        Writes both into a folder.
    good, bad
        What they are called on the command line, in that folder.
    """

    form: str
    kind: str
    name: str
    write: Write
    good: str
    bad: str

    def __str__(self) -> str:
        return f"{self.form}-{self.kind}-{self.name}"


def cases() -> Iterator[Case]:
    """Yield all cases."""
    from faults import malformed_folders

    yield from parquet()
    yield from arrow()
    yield from separated()
    yield from json_lines()
    yield from malformed_folders.cases()


def draws(name: str) -> Any:
    """Return the random numbers of a name."""
    return Stream((SEED, name)).generator()


@cache
def tables() -> Mapping[str, pa.Table]:
    """Return sound tables, one for each sort of column."""
    number = range(ROWS)
    days = [date(2000, 1, 1) + timedelta(days=one) for one in number]
    moments = [datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=one) for one in number]
    texts = [f"row number {one} of the {'first' if one % 2 else 'second'} sort" for one in number]
    return {
        "text": pa.table({"text": texts, "label": [one % 3 for one in number]}),
        "tokens": pa.table({"tokens": pa.array([list(range(one % 7)) for one in number], pa.list_(pa.int32())), "text": texts}),
        "vectors": pa.table({"x": pa.array([[float(one), one / 3] for one in number], pa.list_(pa.float64()))}),
        "nested": pa.table({"deep": [{"a": one, "b": [[texts[one]], None]} for one in number], "n": list(number)}),
        "categories": pa.table({"word": pa.array(texts).dictionary_encode(), "n": list(number)}),
        "decimals": pa.table({"price": pa.array([Decimal(one) / 8 for one in number], pa.decimal128(38, 10)), "n": list(number)}),
        "times": pa.table(
            {
                "when": pa.array(moments, pa.timestamp("ns", "UTC")),
                "day": pa.array(days, pa.date32()),
                "hour": pa.array([time(one % 24) for one in number], pa.time64("us")),
                "span": pa.array([timedelta(one) for one in number], pa.duration("s")),
            }
        ),
        "bytes": pa.table({"raw": [text.encode() for text in texts], "n": list(number)}),
    }


def from_bit(position: int) -> Change:
    """Return a change of one bit at a share of the file, in percent."""

    def flipped(content: bytes) -> bytes:
        place = min(len(content) - 1, len(content) * position // 100)
        return content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :]

    return flipped


def kept(numerator: int, denominator: int) -> Change:
    """Return a cut that keeps a share of a file."""
    return lambda content: content[: len(content) * numerator // denominator]


TRUNCATIONS: dict[str, Change] = {
    "empty": lambda _: b"",
    "4 bytes": lambda content: content[:4],
    "8 bytes": lambda content: content[:8],
    "a quarter": kept(1, 4),
    "half": kept(1, 2),
    "three quarters": kept(3, 4),
    "without the last byte": lambda content: content[:-1],
    "without the last eight": lambda content: content[:-8],
    "without the first byte": lambda content: content[1:],
}
ENCODINGS: dict[str, Change] = {
    "utf-16": lambda content: content.decode("utf-8", "replace").encode("utf-16"),
    "a mark first": lambda content: b"\xef\xbb\xbf" + content,
    "nothing but zeros": lambda content: bytes(len(content)),
    "backwards": lambda content: content[::-1],
    "packed": gzip.compress,
    "text": lambda content: content.hex().encode(),
}
FOOTERS: dict[str, Change] = {
    "footer of no length": lambda content: content[:-8] + bytes(4) + content[-4:],
    "footer beyond the file": lambda content: content[:-8] + b"\xff\xff\xff\x7f" + content[-4:],
    "footer of a negative length": lambda content: content[:-8] + b"\xff\xff\xff\xff" + content[-4:],
    "footer of one byte": lambda content: content[:-8] + b"\x01\0\0\0" + content[-4:],
    "footer of the whole file": lambda content: content[:-8] + len(content).to_bytes(4, "little") + content[-4:],
}


def pair(write: Callable[[pa.Table, Path], object], suffix: str, good: pa.Table, bad: pa.Table, change: Change | None = None) -> Write:
    """Return what writes two tables, the bytes of the second changed."""

    def written(folder: Path) -> None:
        write(good, folder / f"good{suffix}")
        write(bad, folder / f"bad{suffix}")
        if change:
            (folder / f"bad{suffix}").write_bytes(change((folder / f"bad{suffix}").read_bytes()))

    return written


def of_pair(form: str, kind: str, name: str, write: Write, suffix: str) -> Case:
    """Return the case of two files."""
    return Case(form, kind, name, write, f"good{suffix}", f"bad{suffix}")


NOT_IN_PARQUET = frozenset(
    (
        "months",
        "views",
        "run lengths",
        "union",
        "no field",
        "no bytes",
        "large moments in s",
        "categories that are null",
        "categories of lists",
    )
)
"""Columns that the writer refuses."""


def parquet() -> Iterator[Case]:
    """Yield Parquet files: bytes changed, and columns that no reader expects."""
    write = partial(pq.write_table, compression="none", write_page_checksum=True)
    for name, table in tables().items():
        flips = {f"bit at {place}": from_bit(int(place)) for place in draws(name).integers(1, 60, 2)}
        sorts = {"truncation": TRUNCATIONS, "size": FOOTERS, "type": flips}
        for kind, changes in sorts.items() if name in ("text", "nested", "categories", "times") else ():
            for what, change in changes.items():
                yield of_pair("parquet", kind, f"{name} {what}", pair(write, ".parquet", table, table, change), ".parquet")
    for what, change in ENCODINGS.items():
        yield of_pair("parquet", "encoding", what, pair(write, ".parquet", tables()["text"], tables()["text"], change), ".parquet")
    for kind, name, good, bad in strange_tables():
        if name not in NOT_IN_PARQUET:
            yield of_pair("parquet", kind, name, pair(write, ".parquet", good, bad), ".parquet")


def arrow() -> Iterator[Case]:
    """Yield files and streams of Arrow that are cut or are something else, and columns that no reader expects.

    No bit of these is changed: the reader trusts them.
    """
    for name in ("text", "categories"):
        table = tables()[name]
        for layout, write in (("file", _arrow_file), ("stream", _arrow_stream)):
            for what, change in TRUNCATIONS.items():
                yield of_pair("arrow", "truncation", f"{layout} {name} {what}", pair(write, ".arrow", table, table, change), ".arrow")
    for what, change in ENCODINGS.items():
        yield of_pair("arrow", "encoding", what, pair(_arrow_stream, ".feather", tables()["text"], tables()["text"], change), ".feather")
    for kind, name, good, bad in strange_tables():
        if not name.endswith("too deep"):  # the writer refuses it
            yield of_pair("arrow", kind, name, pair(_arrow_stream, ".arrow", good, bad), ".arrow")


def _arrow_file(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, 16)


def _arrow_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(str(path), table.schema) as writer:
        writer.write_table(table, 16)


def strange_tables() -> Iterator[tuple[str, str, pa.Table, pa.Table]]:
    """Yield kind, name, a table and another of strange cells, names or types."""
    for name, column in strange_cells():
        size = len(column)
        plain = pa.table({"cell": column.slice(1), "n": list(range(1, size))})
        yield _kind(name), name, plain, pa.table({"cell": column, "n": list(range(size))})
        if name in ("never UTF-8", "escapes", "a null byte", "no cell"):
            yield _kind(name), f"{name} as text", plain.rename_columns(["text", "n"]), pa.table({"text": column})
    for name, names in strange_names():
        columns = [pa.array([number]) for number in range(len(names))]
        text = tables()["text"].select(["text"])
        yield _kind(name), name, text, pa.Table.from_arrays([*columns, pa.array(["one"])], [*names, "text"])
    for name, bad in strange_schemas():
        yield "type", name, tables()["tokens" if "tokens" in bad.column_names else "vectors"], bad


def _kind(name: str) -> str:
    sizes = ("many", "long", "wide", "no ", "large", "small")
    if any(word in name for word in ("deep",)):
        return "depth"
    if any(word in name for word in ("UTF", "escapes", "null byte", "surrogate")):
        return "encoding"
    return "size" if name.startswith(sizes) else "type"


def strange_cells() -> Iterator[tuple[str, pa.Array]]:
    """Yield columns of cells that are at the edge of their type, or beyond it."""
    broken = pa.array([b"\xff\xfe", b"one", b"\xed\xa0\x80", b"two\xc3"])
    yield "never UTF-8", pa.Array.from_buffers(pa.string(), 4, broken.buffers())
    yield "escapes", pa.array([HOSTILE, "plain", HOSTILE[::-1], None])
    yield "a null byte", pa.array(["a\0b", "\0", "", None])
    yield "no cell", pa.nulls(4, pa.string())
    yield "no type", pa.nulls(4)
    yield "no field", pa.array([{}, {}, None], pa.struct([]))
    yield "large days", pa.array([2**31 - 1, -(2**31), 0, None], pa.int32()).cast(pa.date32())
    yield "large milliseconds of days", pa.array([864 * 10**5 * 10**7, -864 * 10**5 * 10**7, 0], pa.int64()).view(pa.date64())
    for unit in ("s", "ms", "us", "ns"):
        ticks = pa.array([2**63 - 1, -(2**63) + 1, 0, None], pa.int64())
        yield f"large moments in {unit}", ticks.view(pa.timestamp(unit))
        yield f"large spans in {unit}", ticks.view(pa.duration(unit))
    yield "zone that is none", pa.array([0, 1, None], pa.int64()).cast(pa.timestamp("s", "Mars/Olympus"))
    yield "zone with escapes", pa.array([0, 1, None], pa.int64()).cast(pa.timestamp("s", TITLE))
    yield "hours beyond the day", pa.array([2**31 - 1, -1, 0], pa.int32()).view(pa.time32("s"))
    yield "large hours beyond the day", pa.array([2**63 - 1, -1, 0], pa.int64()).view(pa.time64("ns"))
    yield "large decimals", pa.array([Decimal(10) ** 75, -(Decimal(10) ** 75), Decimal(0), None], pa.decimal256(76, 0))
    yield "small decimals", pa.array([Decimal(1).scaleb(-30), None, Decimal(0)], pa.decimal128(38, 37))
    yield "small half numbers", pa.array([6e-8, float("inf"), float("nan"), None], pa.float16())
    yield "large whole numbers", pa.array([2**64 - 1, 0, None], pa.uint64())
    yield "large floats", pa.array([1e308, -1e308, float("nan"), float("-inf"), -0.0, 5e-324])
    yield "wide bytes", pa.array([b"\xff" * 100, b"\0" * 100], pa.binary(100))
    yield "no bytes", pa.array([b"", None, b""], pa.binary(0))
    yield "lists of nulls", pa.array([[None], [], None, [None, None]], pa.list_(pa.null()))
    yield "lists with nulls", pa.array([[1, None], None, [], [2]], pa.list_(pa.int32()))
    yield "wide lists of no number", pa.array([[], []], pa.list_(pa.int32(), 0))
    yield "categories that are null", pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 1]), pa.array(["one", None]))
    yield "categories twice", pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, 1]), pa.array(["one", "one", HOSTILE]))
    yield "categories of lists", pa.DictionaryArray.from_arrays(pa.array([0, 0, 0]), pa.array([[1]], pa.list_(pa.int8())))
    yield "maps with a key twice", pa.array([[("a", 1), ("a", 2)], None, []], pa.map_(pa.string(), pa.int8()))
    yield "months", pa.array([(1, 2, 3), None, (0, 0, 0)], pa.month_day_nano_interval())
    yield "views", pa.array(["a long text that no view holds inline", None, HOSTILE], pa.string_view())
    yield "run lengths", pa.RunEndEncodedArray.from_arrays([2, 3], ["one", "two"])
    yield "union", pa.UnionArray.from_dense(pa.array([0, 0], pa.int8()), pa.array([0, 1], pa.int32()), [pa.array(["a", "b"])])
    yield "one list of lists, deep", _deep(40)
    yield "a struct of structs, deep", _deep_struct(40)
    yield "a list of lists, too deep", _deep(300)
    yield "a struct of structs, too deep", _deep_struct(300)


def _deep(levels: int) -> pa.Array:
    column = pa.array([1, 2, 3])
    for _ in range(levels):
        column = pa.ListArray.from_arrays([0, 1, 2, 3], column)
    return column


def _deep_struct(levels: int) -> pa.Array:
    column = pa.array([1, 2, 3])
    for _ in range(levels):
        column = pa.StructArray.from_arrays([column], ["inner"])
    return column


def strange_names() -> Iterator[tuple[str, list[str]]]:
    """Yield names of columns."""
    yield "twice", ["same", "same"]
    yield "twice and more", ["same"] * 60 + ["other"] * 50
    yield "no name", [""]
    yield "names of escapes", [HOSTILE]
    yield "names of lines", ["a\nb", "heirloom: fine\n"]
    yield "names with a null byte", ["a\0b"]
    yield "long name", ["n" * 100_000]
    yield "many names", [f"column {number}" for number in range(10_001)]
    yield "many long names", ["column " * 500 + str(number) for number in range(300)]
    yield "names of spaces", [" ", "  ", "\t"]
    yield "names of commas", ["a,b", '"', "'"]
    yield "names of right to left", ["\u202eemankcab", "\u2066x"]


def strange_schemas() -> Iterator[tuple[str, pa.Table]]:
    """Yield tables whose columns are called as content, and are none."""
    words: dict[str, list[Any]] = {"words": ["one", "two"], "numbers": [1, 2], "nulls": [None, None], "structs": [{"a": 1}] * 2}
    lists: dict[str, list[Any]] = {"lists of words": [["one"], []], "lists of floats": [[0.5], []], "lists of nulls": [[None, 1], None]}
    deeper: dict[str, list[Any]] = {"lists of lists": [[[1], [2]], []], "uneven lists": [[1.0, 2.0, 3.0], [1.0]], "empty lists": [[], []]}
    for name, cells in {**words, **lists, **deeper}.items():
        for column in ("tokens", "x"):
            yield f"{column} of {name}", pa.table({column: cells})
    yield "tokens of large numbers", pa.table({"tokens": pa.array([[2**64 - 1], [0]], pa.list_(pa.uint64()))})
    yield "tokens of negative numbers", pa.table({"tokens": [[-1, -(2**63)], [0]], "text": ["one", "two"]})
    yield "x of no number", pa.table({"x": [[float("nan"), float("inf")], [float("-inf"), 0.0], [1.0, 2.0]]})
    yield "x of large numbers", pa.table({"x": [[1e308, -1e308], [1e308, 1e308], [0.0, 1.0]]})
    yield "text of numbers", pa.table({"text": [1, 2], "tokens": [[1], [2]]})
    ancestry = {"parent": ["a", "b"], "kind": [1.5, 2.5], "depth": [[1], [2]], "born": [None, None], "row": [{"a": 1}, {"a": 2}]}
    for name, strange in ancestry.items():
        yield f"ancestry of strange {name}", pa.table({"text": ["one", "two"], name: strange, "tokens": [[1], [2]]})
    yield "ancestry of all", pa.table({"text": ["one", "two"], "tokens": [[1], [2]], **ancestry})
    yield "no row", pa.table({"x": pa.array([], pa.list_(pa.float64()))})


def texts(form: str, suffix: str, sort: str, good: bytes, sorts: Mapping[str, bytes | str]) -> Iterator[Case]:
    """Yield files of text."""
    for name, content in sorts.items():
        raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        write = partial(_write_bytes, {f"good{suffix}": good, f"bad{suffix}": raw})
        yield of_pair(form, sort, f"{suffix[1:]} {name}", write, suffix)


def _write_bytes(files: Mapping[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)


CSV = b"text,n\n" + b"".join(b"row number %d,%d\n" % (number, number) for number in range(ROWS))
WRONG_CSV: dict[str, bytes | str] = {
    "a field too many": CSV + b"one,2,3\n",
    "a field too few": CSV + b"one\n",
    "an open quote": CSV + b'"one,2\n' * 3,
    "a quote inside": CSV + b'o"ne,2\n',
    "a name twice": CSV.replace(b"text,n", b"n,n"),
    "no name": CSV.replace(b"text,n", b","),
    "a name alone": b"text",
    "names alone": b"text,n\n",
    "other names": CSV.replace(b"text,n", b"a;b\tc,d"),
    "blank lines": b"\n\n\n" + CSV.replace(b"\n", b"\n\n"),
    "commas alone": b",,,\n" * 9,
    "numbers of many digits": CSV + b"one," + b"9" * 5000 + b"\n",
    "numbers of no size": CSV + b"one,1e999\none,-inf\none,nan\none,0x1f\none,1_000\n",
    "dates for numbers": CSV + b"one,2000-01-01\none,true\n",
    "carriage returns alone": CSV.replace(b"\n", b"\r"),
}
ENCODED_CSV: dict[str, bytes | str] = {
    "utf-16": CSV.decode().encode("utf-16"),
    "latin-1": CSV + "caf\xe9,1\n".encode("latin-1"),
    "names in latin-1": CSV.replace(b"text", "caf\xe9".encode("latin-1")),
    "half a character": CSV + b"\xf0\x9f\x98,1\n",
    "a null byte": CSV + b"a\0b,1\n",
    "zeros": bytes(len(CSV)),
    "a mark first": b"\xef\xbb\xbf" + CSV,
    "escapes in cells": CSV + f'"{HOSTILE}",7\n'.encode(),
    "escapes in names": CSV.replace(b"text", f'"{HOSTILE}"'.encode()),
    "noise": bytes(range(256)) * 9,
}
LARGE_CSV: dict[str, bytes | str] = {
    "many names": ",".join(f"column {number}" for number in range(300_000)) + "\n" + "1," * 299_999 + "1\n",
    "many fields in one row": CSV + b"1," * 100_000 + b"\n",
    "a long name": b"n" * 1_000_000 + b",m\n1,2\n",
    "a long cell": CSV + b"w" * 17_000_000 + b",1\n",
    "a long cell that opens": CSV + b'"' + b"w" * 17_000_000,
    "many blank lines": b"n\n" + b"\n" * 100_000,
}


def separated() -> Iterator[Case]:
    """Yield CSV and TSV."""
    truncated: dict[str, bytes | str] = {name: change(CSV) for name, change in TRUNCATIONS.items() if name != "without the last eight"}
    for kind, sorts in {"truncation": truncated, "type": WRONG_CSV, "encoding": ENCODED_CSV, "size": LARGE_CSV}.items():
        yield from texts("csv", ".csv", kind, CSV, sorts)
    yield from texts("csv", ".tsv", "type", CSV.replace(b",", b"\t"), {"commas": CSV, "an open quote": b'a\tb\n"\t1\n'})
    packed = gzip.compress(CSV, mtime=0)
    cut = {"half": packed[: len(packed) // 2], "empty": b"", "head alone": packed[:10]}
    other = {"not packed": CSV, "a wrong sum": packed[:-8] + bytes(8), "packed twice": gzip.compress(packed)}
    yield from texts("csv", ".csv.gz", "truncation", packed, {**cut, **other})


JSON = b"".join(b'{"text": "row number %d", "n": %d}\n' % (number, number) for number in range(ROWS))
WRONG_JSON: dict[str, bytes | str] = {
    "no JSON": JSON + b"text: one\n",
    "one quote": JSON + b"{'text': 'one'}\n",
    "a comma too many": JSON + b'{"text": "one",}\n',
    "two in a line": JSON + b'{"n": 1} {"n": 2}\n',
    "numbers": b"1\n2\n3\n",
    "words": b'"one"\n"two"\n',
    "lists": b"[1, 2]\n[3, 4]\n",
    "a list of all": b'[{"text": "one"}, {"text": "two"}]\n',
    "an object over lines": json.dumps({"text": "one", "n": 1}, indent=2),
    "objects of nothing": b"{}\n{}\n",
    "a text for a number": JSON + b'{"text": "one", "n": "two"}\n',
    "a number for a text": JSON + b'{"text": 1, "n": 2}\n',
    "an object for a text": JSON + b'{"text": {"a": 1}, "n": 2}\n',
    "a list for a number": JSON + b'{"text": "one", "n": [1]}\n',
    "lists of unlike things": b'{"n": [1]}\n{"n": ["one"]}\n',
    "a key twice": JSON + b'{"n": 1, "n": 2}\n',
    "no number": JSON + b'{"n": NaN}\n{"n": Infinity}\n',
    "numbers of many digits": JSON + b'{"n": ' + b"9" * 400 + b"}\n",
    "numbers beyond 64 bits": JSON + b'{"n": 18446744073709551616}\n',
    "large exponents": JSON + b'{"n": 1e999}\n',
    "commands for a number": JSON + b'{"n": __import__("os")}\n',
    "comments": b"// one\n" + JSON,
    "other names": b'{"a": 1}\n{"b": 2}\n',
    "times that are none": b'{"t": "2000-01-01T00:00:00"}\n{"t": "2000-13-45T99:00:00"}\n',
}
ENCODED_JSON: dict[str, bytes | str] = {
    "utf-16": JSON.decode().encode("utf-16"),
    "latin-1": JSON + '{"text": "caf\xe9"}\n'.encode("latin-1"),
    "names in latin-1": JSON + '{"caf\xe9": "one"}\n'.encode("latin-1"),
    "half a surrogate": JSON + b'{"text": "\\ud800"}\n',
    "half a surrogate in a name": JSON + b'{"\\udfff": 1}\n',
    "surrogates in bytes": JSON + b'{"text": "\xed\xa0\x80"}\n',
    "a null byte": JSON + b'{"text": "a\0b"}\n',
    "an escaped null byte": JSON + b'{"text": "a\\u0000b"}\n',
    "zeros": bytes(len(JSON)),
    "a mark first": b"\xef\xbb\xbf" + JSON,
    "escapes in cells": JSON + json.dumps({"text": HOSTILE}).encode() + b"\n",
    "escapes in names": JSON + json.dumps({HOSTILE: 1}).encode() + b"\n",
    "no name": JSON + b'{"": 1}\n',
    "noise": bytes(range(256)) * 9,
    "carriage returns alone": JSON.replace(b"\n", b"\r"),
}
LARGE_JSON: dict[str, bytes | str] = {
    "many names": json.dumps({f"column {number}": number for number in range(20_000)}) + "\n",
    "many long names": json.dumps({"column " * 500 + str(number): number for number in range(300)}) + "\n",
    "a long name": json.dumps({"n" * 1_000_000: 1}) + "\n",
    "a long cell": json.dumps({"text": "w" * 17_000_000}) + "\n",
    "a long line that opens": JSON + b'{"text": "' + b"w" * 17_000_000,
    "a long list": json.dumps({"n": [0] * 3_000_000}) + "\n",
    "blank lines": b"\n" * 100_000,
    "spaces": b" " * 100_000,
}


def json_lines() -> Iterator[Case]:
    """Yield lines of JSON."""
    cut: dict[str, bytes | str] = {name: change(JSON) for name, change in TRUNCATIONS.items()}
    for kind, sorts in {"truncation": cut, "type": WRONG_JSON, "encoding": ENCODED_JSON, "size": LARGE_JSON}.items():
        yield from texts("json", ".jsonl", kind, JSON, sorts)
    depths = {f"{levels} lists": JSON + b'{"n": ' + b"[" * levels + b"]" * levels + b"}\n" for levels in (40, 300, 2000)}
    objects = {f"{levels} objects": JSON + b'{"n":' * levels + b"1" + b"}" * levels + b"\n" for levels in (40, 300, 2000)}
    opened = {"lists that stay open": JSON + b"[" * 2000}
    yield from texts("json", ".jsonl", "depth", JSON, dict(chain(depths.items(), objects.items(), opened.items())))
    yield from texts("json", ".ndjson", "type", JSON, {"a list of all": b'[{"text": "one"}]'})
    packed = gzip.compress(JSON, mtime=0)
    yield from texts("json", ".jsonl.gz", "truncation", packed, {"half": packed[: len(packed) // 2], "not packed": JSON})
