"""A model's folder is looked at before any library opens it: JSON of the right types, and sizes that its tensors have."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from heirloom.errors import HeirloomError
from heirloom.families import gguf_header, pretrained_headers

CONFIG = {"model_type": "llama", "vocab_size": 20, "hidden_size": 4, "num_hidden_layers": 1, "max_position_embeddings": 16}
TENSORS = {"model.embed_tokens.weight": [20, 4], "model.layers.0.mlp.up_proj.weight": [8, 4]}


def safetensors(entries: dict[str, Any] | None = None, data: int = 448) -> bytes:
    """Return a file of two weights, or of other entries of its header."""
    start, header = 0, {}
    for name, shape in TENSORS.items():
        end = start + 4 * shape[0] * shape[1]
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps({**header, **(entries or {})}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "model.safetensors").write_bytes(safetensors())
    return tmp_path


def fault(folder: Path) -> str:
    with pytest.raises(HeirloomError) as caught:
        pretrained_headers.check(folder)
    return str(caught.value).removeprefix(f"{folder}/")


def test_a_sound_folder_passes(folder: Path) -> None:
    pretrained_headers.check(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_size": "four"}, "hidden_size is 'four'; allowed is a whole number from 1"),
        ({"num_hidden_layers": True}, "num_hidden_layers is True; allowed is a whole number from 1"),
        ({"num_hidden_layers": 2000}, "num_hidden_layers asks for 2,000 layers, and the weights have 1"),
        ({"vocab_size": 10**9}, "vocab_size is 1,000,000,000, and no tensor of the weights is larger than 20"),
        ({"hidden_size": 64}, "hidden_size is 64, and no tensor of the weights is larger than 20"),
        ({"n_positions": 2**40}, "n_positions is 1,099,511,627,776; allowed are up to 134,217,728 positions"),
        ({"text_config": {"vocab_size": -1}}, "vocab_size is -1; allowed is a whole number from 1"),
        ({"eos_token_id": ["x"]}, "eos_token_id is ['x']; allowed is the id of a token, or a list of them"),
        ({"eos_token_id": []}, "eos_token_id is []; allowed is the id of a token, or a list of them"),
        ({"model_type": 5}, "model_type is 5; allowed is text"),
    ],
)
def test_a_wrong_type_or_an_absurd_size_is_one_line_with_its_key(change: dict[str, Any], said: str, folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, **change}))
    assert fault(folder) == f"config.json: {said}"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "config.json: not JSON (Expecting value: line 1 column 1 (char 0))"),
        (b"[1]", "config.json: holds a list; it must hold an object"),
        (json.dumps(CONFIG).encode("utf-16"), "config.json: not UTF-8 text but UTF-16; convert it (iconv -f UTF-16 -t UTF-8)"),
        (b'{"a": ' + b"[" * 9000 + b"]" * 9000 + b"}", "config.json:1: JSON nested more than 500 deep; write it flatter"),
    ],
)
def test_a_configuration_that_is_no_object_is_one_line(content: bytes, said: str, folder: Path) -> None:
    (folder / "config.json").write_bytes(content)
    assert fault(folder) == said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no safetensors: a header of 0 bytes in a file of 0; fetch it anew"),
        (struct.pack("<Q", 2**60) + b"{}", "no safetensors: a header of 1,152,921,504,606,846,976 bytes in a file of 10; fetch it anew"),
        (safetensors(data=20), "the tensor 'model.embed_tokens.weight' lies at the bytes 0 to 320 of 20: it is cut, or its header wrong"),
        (safetensors({"a": 5}), "the tensor 'a' is 5; allowed is an object of dtype, shape and data_offsets"),
        (
            safetensors({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}),
            "the tensor 'a' has the shape [-1]; allowed are whole numbers from 0",
        ),
        (
            safetensors({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}),
            "the tensor 'a' has 1,099,511,627,776 numbers by its shape, in 4 bytes",
        ),
    ],
)
def test_weights_whose_header_tells_of_more_than_the_file_holds_are_one_line(content: bytes, said: str, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(content)
    assert fault(folder) == f"model.safetensors: {said}"


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ([], "weight_map is a list; it must be an object of the names of weights and their files"),
        ({"a": 5}, "weight_map: 'a' lies in 5; allowed is the name of a .safetensors file beside it"),
        ({"a": "../b.safetensors"}, "weight_map: 'a' lies in '../b.safetensors'; allowed is the name of a .safetensors file beside it"),
        ({"a": "b.safetensors"}, "weight_map: 'a' lies in b.safetensors, which is absent; fetch all weights"),
    ],
)
def test_an_index_names_files_beside_it(places: Any, said: str, folder: Path) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert fault(folder) == f"model.safetensors.index.json: {said}"


def gguf(*entries: tuple[str, int], version: int = 3, tensors: int = 1) -> bytes:
    """Return the header of a GGUF file of one layer, 20 wide, with some whole numbers."""
    text = [(8, "general.architecture", struct.pack("<Q", 5) + b"llama")]
    text += [(4, name, struct.pack("<I", value)) for name, value in entries]
    parts = [b"GGUF", struct.pack("<IQQ", version, tensors, len(text))]
    for kind, name, value in text:
        parts += [struct.pack("<Q", len(name)), name.encode(), struct.pack("<I", kind), value]
    name = "blk.0.attn_q.weight"
    parts += [struct.pack("<Q", len(name)), name.encode(), struct.pack("<IQQIQ", 2, 20, 4, 0, 0)]
    return b"".join(parts) + bytes(400)


def gguf_fault(folder: Path, content: bytes) -> str:
    (folder / "a.gguf").write_bytes(content)
    with pytest.raises(HeirloomError) as caught:
        gguf_header.check(folder / "a.gguf")
    return str(caught.value).removeprefix(f"{folder}/a.gguf: ")


def test_a_gguf_header_tells_values_and_shapes(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(gguf(("llama.block_count", 1), ("llama.context_length", 64)))
    header = gguf_header.check(tmp_path / "a.gguf")
    assert header.values == {"general.architecture": "llama", "llama.block_count": 1, "llama.context_length": 64}
    assert header.tensors == {"blk.0.attn_q.weight": (20, 4)}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no GGUF file (0 bytes, without its mark); fetch it anew"),
        (gguf(version=99), "GGUF of version 99; allowed are 2 and 3, little-endian"),
        (gguf()[:40], "cut in its header, after 40 bytes; fetch it anew"),
        (gguf(tensors=2**50), "1,125,899,906,842,624 entries in a file of 528 bytes; the file is damaged; fetch it anew"),
        (gguf(("llama.block_count", 0)), "llama.block_count is 0; allowed is a whole number from 1"),
        (
            gguf(("llama.block_count", 2**32 - 1)),
            "llama.block_count is 4,294,967,295, which its tensors cannot be (1 layers, at most 20 wide)",
        ),
    ],
)
def test_a_gguf_file_that_is_cut_of_another_version_or_of_absurd_sizes_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    assert gguf_fault(tmp_path, content) == said
