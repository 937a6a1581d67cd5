from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ruamel.yaml import YAML

from heirloom import strict_yaml
from heirloom.errors import HeirloomError

ROOT = Path(__file__).parents[1]
SHIPPED = [
    ROOT / "config.yaml",
    *sorted((ROOT / "configs").glob("*.yaml")),
    ROOT / "tests/config.tiny.yaml",
    ROOT / "benchmarks/frozen.yaml",
]
WORDS = (
    "text n-1 origin/main ~ null Null NULL true True TRUE false yes no on off y n 0 7 -3 +5 010 020 08 1_000 1:30 1:30.5 0x10 0b11 0o17 "
    "1.5 -.5 +.5 5. 1e3 1e-3 2.5E+4 1.5e3 1_0.5 010.5 1e999 .inf -.inf .nan 2024-01-01 2024-13-45 12e4567 _1 1.2.3 12a = <<"
)


def read(folder: Path, content: str | bytes) -> tuple[Any, list[strict_yaml.Fault]]:
    file = folder / "config.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return strict_yaml.read(file)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_config_is_read_as_pyyaml_and_ruamel_read_it(path: Path) -> None:
    value, faults = strict_yaml.read(path)
    assert faults == []
    assert value == yaml.safe_load(path.read_text()) == YAML(typ="safe").load(path.read_text())
    assert repr(value) == repr(yaml.safe_load(path.read_text()))


def test_what_is_read_without_a_fault_is_what_dvc_reads() -> None:
    read_alike = []
    for word in WORDS.split():
        value, faults = strict_yaml.parse(f"key: {word}")
        if not faults:
            assert value == YAML(typ="safe").load(f"key: {word}"), word
            read_alike.append(word)
    numbers = "0 7 -3 +5 1.5 -.5 +.5 5. 1e3 1e-3 2.5E+4 1.5e3"
    assert " ".join(read_alike) == f"text n-1 origin/main ~ null Null NULL true True TRUE false y n {numbers} _1 1.2.3 12a"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("020", "readers of YAML differ on 020; write the number without a leading zero, or text in quotes"),
        ("1_000", "readers of YAML differ on 1_000; write a finite number in base ten without `_` or `:`, or text in quotes"),
        ("yes", "yes is a truth value in YAML 1.1 and text in YAML 1.2; write true or false, or put the word in quotes"),
        ("2024-13-45", "2024-13-45 is a date to some readers of YAML and text to others; write it in quotes"),
        ("1" * 5000, f"{'1' * 40} [5,000 characters] is too large a number for any key; if text is meant, write it in quotes"),
    ],
)
def test_a_word_with_two_readings_is_a_fault_and_in_quotes_it_is_text(word: str, message: str) -> None:
    assert strict_yaml.parse(f"a: [{word}]\nb: {{c: '{word}'}}") == ({"a": [word], "b": {"c": word}}, [(("a", 0), message, 1, False)])


def test_every_key_that_stands_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    value, faults = read(tmp_path, "a: 1\nb: {c: 1, c: 2}\na: 3\nd:\n- e: 1\n  e: 2\n")
    assert value == {"a": 3, "b": {"c": 2}, "d": [{"e": 2}]}
    assert faults == [
        (("b", "c"), "the key stands twice, in line 2 and in line 2; rename or remove one", 2, False),
        (("a",), "the key stands twice, in line 1 and in line 3; rename or remove one", 3, False),
        (("d", 0, "e"), "the key stands twice, in line 5 and in line 6; rename or remove one", 6, False),
    ]


def test_keys_that_are_no_text_are_told() -> None:
    assert strict_yaml.parse("{1: a, null: b, no: c, '2': d}")[1] == [
        (("1",), "a key is text; write '1' in quotes", 1, False),
        (("null",), "a key is text; write 'null' in quotes", 1, False),
        (("no",), "no is a truth value in YAML 1.1 and text in YAML 1.2; write true or false, or put the word in quotes", 1, False),
    ]


def test_merge_keys_and_aliases_are_read_as_pyyaml_reads_them_and_share_nothing() -> None:
    text = "x: &x {a: 1, b: [2]}\ny: &y {b: 3, c: 4}\nz: {d: 5, <<: [*x, *y], c: 6}\nw: *x"
    value, faults = strict_yaml.parse(text)
    assert faults == []
    assert repr(value) == repr(yaml.safe_load(text))
    value["w"]["b"].append(7)
    assert value["x"]["b"] == value["z"]["b"] == [2]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: !!int x", "line 1: the tag !!int is not read; write the value alone"),
        (
            "b: 1\na: !!python/object/apply:os.system [ls]",
            "line 2: the tag !!python/object/apply:os.system is not read; write the value alone",
        ),
        ("a: " + "[" * 500 + "]" * 500, "line 1: more than 40 lists and mappings stand inside each other"),
        ("a: " + "[" * 500, "line 1: more than 40 lists and mappings stand inside each other"),
        (BOMB, "line 6: more than 200,000 values, those that aliases repeat included"),
        ("a: &a [*a]", "line 1: the alias *a stands for nothing that ends before it"),
        ("a: *b", "line 1: the alias *b stands for nothing that ends before it"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins; a config is one document: remove the line `---` and what is not meant"),
        ("%YAML 1.1\n---\na: 010", "line 1: directives (%YAML, %TAG) are not read; remove them"),
        ("[a, b]: 1", "line 1: a key is a word; lists, mappings, aliases and tags are none"),
        ("a: {<<: 3}", "line 1: the merge key << takes a mapping, or a list of mappings"),
        ('\n\na: "x\\0"', "line 3: the character U+0000 stands in no text"),
        (b"a: 1\n# d\xe9j\xe0\n", "line 2: byte 0xe9 is not UTF-8; save the file in the encoding UTF-8"),
        ("a: 1".encode("utf-16"), "line 1: byte 0xff is not UTF-8; save the file in the encoding UTF-8"),
        ("a" * 2_000_001, "has 2,000,001 bytes; a config has at most 2,000,000: name many files by globs"),
    ],
    ids=range(15),
)
def test_yaml_that_does_not_fit_is_one_line_that_names_the_place(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(HeirloomError) as caught:
        read(tmp_path, content)
    assert str(caught.value) == f"{tmp_path}/config.yaml: {message}"


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HeirloomError, match=r"nowhere.yaml: no such config file"):
        strict_yaml.read(tmp_path / "nowhere.yaml")
    with pytest.raises(HeirloomError, match=r"cannot be read \(Is a directory\)"):
        strict_yaml.read(tmp_path)


def test_an_empty_file_holds_nothing_and_a_mark_of_utf_8_is_no_content(tmp_path: Path) -> None:
    assert read(tmp_path, "# nothing\n") == (None, [])
    assert read(tmp_path, b"\xef\xbb\xbfa: 1\n") == ({"a": 1}, [])
