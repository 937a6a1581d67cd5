"""Malformed models: configurations, indices of weights, safetensors, tokenizers and GGUF files, each made from one sound model."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from faults.malformed import ESCAPE, WRONG, Case, Files, cuts, encodings, flips, nested, replaced, spelled
from faults.malformed_sources import TEXTS

VOCABULARY, CONTEXT = 304, 64
_SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_MOST = 2**63 - 1


def cases(folder: Path) -> Iterator[Case]:
    """Yield all cases; the sound model is written in a folder."""
    files = sound(folder)
    for make in (_config, _weights, _index, _tokenizer, _tokenizer_config, _vocabulary, _gguf):
        yield from make(files)


def experiment(**model: str) -> dict[str, Any]:
    """Return an experiment that begins from a model in the folder ``model``."""
    fit = {"epochs": 1, "learning_rate": 0.01, "batch_rows": 4}
    source = {"name": "files", "paths": ["corpus/*.txt"], "text": {"row_tokens": 16, "packing": {"documents": 3}}}
    family = {"name": "causal_lm", "model": {"path": "./model", **model}, "training": fit}
    return {"family": family, "source": source, "regimes": ["replace"], "generations": 1, "rows": 8}


def sound(folder: Path) -> dict[str, bytes]:
    """Return name → bytes of the files of a small Llama and its tokenizer."""
    from transformers import PreTrainedTokenizerFast

    from heirloom.data import tokenization
    from heirloom.families import causal_lm
    from small_models import pretrained

    model = pretrained("llama", VOCABULARY, CONTEXT, bos_token_id=301, eos_token_id=301, pad_token_id=300, tie_word_embeddings=False)
    folder.mkdir(parents=True, exist_ok=True)
    causal_lm.save(model, folder)
    fitted = tokenization.fit(TEXTS, 300)
    fitted.add_special_tokens(["<pad>", "</s>"])
    names = {"bos_token": "</s>", "eos_token": "</s>", "pad_token": "<pad>"}
    PreTrainedTokenizerFast(tokenizer_object=fitted, **names).save_pretrained(folder)
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def _case(form: str, kind: str, name: str, files: Files, **model: str) -> Case:
    corpus = {f"corpus/{number}.txt": text.encode() for number, text in enumerate(TEXTS[:16])}
    placed = {f"model/{path}": content for path, content in files.items()}
    return Case(form, kind, name, {**corpus, **placed}, experiment(**model))


def _odd_json(content: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield kind, name and bytes of a file of JSON that is malformed as a whole."""
    text = content.decode()
    for name, cut in cuts(content):
        yield "truncation", name, cut
    for name, other in (("utf-16", text.encode("utf-16")), ("nul", b"\0" + content), ("no-utf8", b'{"a": "\xff"}')):
        yield "encoding", name, other
    for number, value in enumerate(WRONG):
        yield "wrong-type", f"file-{number}", spelled(value)
    yield "depth", "600", f'{{"a": {nested(600)}, {text.strip()[1:]}'.encode()
    yield "depth", "5000", f'{{"a": {nested(5000)}, {text.strip()[1:]}'.encode()
    yield "size", "number-of-5000-digits", f'{{"a": {"9" * 5000}, {text.strip()[1:]}'.encode()


def _odd_keys(form: str, content: Mapping[str, Any], keys: Mapping[str, Sequence[Any]]) -> Iterator[tuple[str, str, bytes]]:
    """Yield kind, name and bytes of a file of JSON in which a value is of another type or of an absurd size."""
    for key, values in keys.items():
        for number, value in enumerate(values):
            kind = "size" if isinstance(value, int) and abs(value) > 1000 else "wrong-type"
            yield kind, f"{key.replace('/', '.')}-{number}", spelled(replaced(content, key.split("/"), value))


_SIZES = (None, "five", -1, 0, 2.5, [1], {"a": 1}, 10**9, _MOST)
_CONFIG: dict[str, Sequence[Any]] = {
    "hidden_size": _SIZES,
    "num_hidden_layers": (None, "five", -1, 0, 2.5, [1], 2, 2000),
    "num_attention_heads": (None, "five", -1, 0, 2.5, [1], 3, 10**6),
    "num_key_value_heads": ("five", -1, 0, 3, [1]),
    "intermediate_size": _SIZES,
    "vocab_size": _SIZES,
    "max_position_embeddings": _SIZES,
    "model_type": (None, 5, [], "unheard", ESCAPE, "bert", "t5"),
    "architectures": (5, "LlamaForCausalLM", [5], ["Unheard"], {"a": 1}),
    "hidden_act": (5, "unheard", None, []),
    "rope_parameters": (5, "five", [], {"rope_type": 5}, {"rope_type": "unheard"}, {"rope_type": "linear", "factor": "x"}),
    "dtype": (5, "unheard", [], "int8"),
    "rms_norm_eps": ("five", None, [], -1),
    "tie_word_embeddings": ("yes", 5, []),
    "bos_token_id": ("five", 10**9, [], -5),
    "eos_token_id": ("five", 10**9, {}, -5),
    "pad_token_id": ("five", 10**9, [], -5),
    "quantization_config": (5, "five", [], {}, {"quant_method": "unheard"}, {"quant_method": 5}),
    "auto_map": (5, {"AutoConfig": "code.Config"}, {"AutoModelForCausalLM": 5}, []),
    "is_encoder_decoder": (True, "yes"),
    "layer_types": (5, ["unheard"], ["full_attention"] * 9),
}


def _config(files: Files) -> Iterator[Case]:
    content = json.loads(files["config.json"])
    odd = [*_odd_json(files["config.json"]), *_odd_keys("config", content, _CONFIG)]
    gpt2 = {"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": VOCABULARY, "n_positions": 64}
    odd.append(("wrong-type", "of-another-architecture", spelled(gpt2)))
    odd += [("size", f"gpt2-{key}", spelled({**gpt2, key: 10**8})) for key in ("n_positions", "n_embd", "vocab_size")]
    for kind, name, other in odd:
        yield _case("config.json", kind, name, {**files, "config.json": other})
    escaped = {f"{ESCAPE}.json": b"{}", **files}
    del escaped["config.json"]
    yield _case("config.json", "truncation", "absent", escaped)


def _header(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _weights(files: Files) -> Iterator[Case]:
    content = files[_WEIGHTS]
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    name = "model.embed_tokens.weight"
    entry = header[name]
    odd = [("truncation", cut_name, cut) for cut_name, cut in cuts(content)]
    odd += [("size", f"header-of-{number}", _header(content[8:], length=number)) for number in (0, 1, length + 1, 10**8, 2**40, 2**64 - 1)]
    odd += [("wrong-type", f"header-{number}", _header(value, data)) for number, value in enumerate(WRONG)]
    entries: dict[str, Any] = {
        "dtype-unheard": {**entry, "dtype": "F99"},
        "dtype-number": {**entry, "dtype": 5},
        "shape-text": {**entry, "shape": "five"},
        "shape-negative": {**entry, "shape": [-1, 8]},
        "shape-other": {**entry, "shape": [8, VOCABULARY]},
        "shape-flat": {**entry, "shape": [8 * VOCABULARY]},
        "offsets-backwards": {**entry, "data_offsets": entry["data_offsets"][::-1]},
        "offsets-text": {**entry, "data_offsets": "five"},
        "of-whole-numbers": {**entry, "dtype": "I32"},
        "entry-number": 5,
    }
    odd += [("wrong-type", entry_name, _header({**header, name: value}, data)) for entry_name, value in entries.items()]
    beyond = {**header, name: {**entry, "data_offsets": [0, 2**60]}}
    large = {**header, name: {**entry, "shape": [2**40, 2**40]}}
    odd += [("size", "offsets-beyond", _header(beyond, data)), ("size", "shape-beyond", _header(large, data))]
    odd += [("wrong-type", "metadata-number", _header({**header, "__metadata__": 5}, data))]
    odd += [("wrong-type", "not-finite", _header(header, b"\xff" * len(data)))]
    odd += [("encoding", "escapes-in-a-name", _header({**header, ESCAPE: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}}, data))]
    odd += [("encoding", "header-utf-16", _header(json.dumps(header).encode("utf-16"), data))]
    odd += [("depth", "header-600", _header(nested(600).encode(), data)), ("depth", "header-5000", _header(nested(5000).encode(), data))]
    odd += [("wrong-type", f"header-{flip}", other) for flip, other in flips(content, 0, 8 + length, 12)]
    for kind, case_name, other in odd:
        yield _case("safetensors", kind, case_name, {**files, _WEIGHTS: other})
    yield _case("safetensors", "truncation", "absent", {path: text for path, text in files.items() if path != _WEIGHTS})


def sharded(files: Files) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the files of a model whose weights lie in two files, without their index, and the index."""
    content = files[_WEIGHTS]
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    header.pop("__metadata__", None)
    parts: list[dict[str, Any]] = [{}, {}]
    shards = [b"", b""]
    places = {}
    for number, (name, entry) in enumerate(sorted(header.items())):
        first, last = entry["data_offsets"]
        which, start = number % 2, len(shards[number % 2])
        shards[which] += data[first:last]
        parts[which][name] = {**entry, "data_offsets": [start, len(shards[which])]}
        places[name] = _SHARDS[which]
    others = {path: text for path, text in files.items() if path != _WEIGHTS}
    for shard, part, values in zip(_SHARDS, parts, shards, strict=True):
        others[shard] = _header({"__metadata__": {"format": "pt"}, **part}, values)
    return others, {"metadata": {"total_size": len(data)}, "weight_map": places}


def _index(files: Files) -> Iterator[Case]:
    others, index = sharded(files)
    name = next(iter(index["weight_map"]))
    keys = {
        "weight_map": (None, 5, "five", [], [1], {}, {"a": 1}, {name: ESCAPE}),
        f"weight_map/{name}": (None, 5, [], "absent.safetensors", "../../outside.safetensors", "/outside.safetensors", "config.json", ""),
        "metadata": (None, 5, "five", []),
        "metadata/total_size": ("five", -1, 10**18, None),
    }
    for kind, case_name, other in [*_odd_json(spelled(index)), *_odd_keys("index", index, keys)]:
        yield _case("index.json", kind, case_name, {**others, _INDEX: other})
    yield _case("index.json", "truncation", "absent", others)
    lacking = {path: text for path, text in others.items() if path != _SHARDS[1]}
    yield _case("index.json", "truncation", "shard-absent", {**lacking, _INDEX: spelled(index)})
    yield _case("index.json", "truncation", "shard-cut", {**others, _INDEX: spelled(index), _SHARDS[1]: others[_SHARDS[1]][:-5]})


def _tokenizer(files: Files) -> Iterator[Case]:
    content = json.loads(files["tokenizer.json"])
    few: tuple[Any, ...] = (5, "five", [], {}, {"type": "Unheard"}, {"type": 5})
    keys: dict[str, Sequence[Any]] = {
        "model": (None, *few, {"type": "BPE"}, {"type": "WordLevel", "vocab": {}, "unk_token": "x"}),
        "model/vocab": (None, 5, [], {}, {"a": "b"}, {"a": -1}, {"a": 1.5}, {"a": 2**40}, {"a": 0, "b": 0}),
        "model/merges": (None, 5, "five", ["a"], [["a"]], [["absent", "absent"]], [5]),
        "model/type": (None, 5, "Unheard", "Unigram", "WordPiece", ESCAPE),
        "normalizer": few,
        "pre_tokenizer": few,
        "post_processor": few,
        "decoder": few,
        "added_tokens": (None, 5, {}, [5], [{"id": "five"}], [{"id": -1, "content": "x"}], [{"id": 0}]),
        "version": (5, None, "9.0"),
        "truncation": (5, "five", {"max_length": -1}, {"max_length": 1, "stride": 5, "strategy": "x", "direction": "Left"}),
        "padding": (5, "five", {"strategy": 5}),
    }
    pattern = {"type": "Split", "pattern": {"Regex": "(unclosed"}, "behavior": "Isolated", "invert": False}
    odd = [*_odd_json(files["tokenizer.json"]), *_odd_keys("tokenizer", content, keys)]
    odd.append(("wrong-type", "pattern-no-expression", spelled({**content, "pre_tokenizer": pattern})))
    more = {**content["model"]["vocab"], **{f"more{number}": 1000 + number for number in range(100)}}
    odd.append(("size", "more-tokens-than-weights", spelled(replaced(content, ["model", "vocab"], more))))
    odd.append(("encoding", "escapes-in-a-token", spelled({**content, "added_tokens": [{"id": 302, "content": ESCAPE}]})))
    for kind, name, other in odd:
        yield _case("tokenizer.json", kind, name, {**files, "tokenizer.json": other})


_TOKENIZER_CONFIG: dict[str, Sequence[Any]] = {
    "tokenizer_class": (None, 5, [], "Unheard", ESCAPE, "BertTokenizer"),
    "chat_template": (5, [5], {"a": 1}, [{"name": "a"}], "{% unclosed", "{{ 1 / 0 }}"),
    "bos_token": (5, [], {}, {"content": 5}, "absent"),
    "eos_token": (5, [], {}, {"content": 5}, "absent"),
    "model_max_length": ("five", -1, [], 10**40, None),
    "added_tokens_decoder": (5, [], {"a": {"content": "x"}}, {"5": 5}, {"-1": {"content": "x"}}, {"1000000000": {"content": "x"}}),
    "extra_special_tokens": (5, [5], {"a": 5}),
    "add_bos_token": ("yes", 5, []),
    "auto_map": (5, {"AutoTokenizer": ["code.Tokenizer", None]}, {"AutoTokenizer": 5}),
    "clean_up_tokenization_spaces": ("yes", []),
    "padding_side": (5, "middle"),
}
_GENERATION: dict[str, Sequence[Any]] = {
    "eos_token_id": ("five", [], {"a": 1}, 10**12, -5),
    "pad_token_id": ("five", [], 10**12),
    "bos_token_id": ("five", [], {"a": 1}),
    "max_length": ("five", -1, []),
    "temperature": ("five", -1, []),
    "transformers_version": (5, []),
}


def _tokenizer_config(files: Files) -> Iterator[Case]:
    for file, keys in (("tokenizer_config.json", _TOKENIZER_CONFIG), ("generation_config.json", _GENERATION)):
        content = files[file]
        for kind, name, other in [*_odd_json(content), *_odd_keys(file, json.loads(content), keys)]:
            yield _case(file, kind, name, {**files, file: other})
    for kind, name, other in _odd_json(b'{"bos_token": "</s>"}'):
        yield _case("special_tokens_map.json", kind, name, {**files, "special_tokens_map.json": other})
    for name, other in (*encodings("{{ 'river' }}"), ("unclosed", b"{% for"), ("empty", b"")):
        yield _case("chat_template.jinja", "encoding", name, {**files, "chat_template.jinja": other})


def _vocabulary(files: Files) -> Iterator[Case]:
    """Yield tokenizers without ``tokenizer.json``: a vocabulary with its merges, or SentencePiece's file."""
    others = {path: text for path, text in files.items() if path != "tokenizer.json"}
    others["tokenizer_config.json"] = spelled({"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>"})
    model = json.loads(files["tokenizer.json"])["model"]
    vocabulary, merges = spelled(model["vocab"]), "\n".join(" ".join(pair) for pair in model["merges"]).encode()
    for kind, name, other in _odd_json(vocabulary):
        yield _case("vocab.json", kind, name, {**others, "vocab.json": other, "merges.txt": merges})
    for name, cut in (*cuts(merges), *encodings(merges.decode()), ("words", b"a b c d\ne")):
        yield _case("merges.txt", "truncation", name, {**others, "vocab.json": vocabulary, "merges.txt": cut})
    yield _case("vocab.json", "truncation", "absent", others)
    for name, content in (("empty", b""), ("text", b"words"), ("random", np.random.Generator(np.random.PCG64DXSM(4)).bytes(2000))):
        yield _case("tokenizer.model", "wrong-type", name, {**others, "tokenizer.model": content})


def gguf(files: Files, place: Path) -> bytes:
    """Return a Llama of one layer as a GGUF file, with its tokenizer."""
    from gguf import GGUFWriter

    writer = GGUFWriter(place, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(8)
    writer.add_block_count(1)
    writer.add_feed_forward_length(16)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(4)
    writer.add_vocab_size(VOCABULARY)
    model = json.loads(files["tokenizer.json"])["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*tokens, "<pad>", "</s>", "<a>", "<b>"])
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_bos_token_id(301)
    writer.add_eos_token_id(301)
    numbers = np.random.Generator(np.random.PCG64DXSM(5))
    shapes = {"token_embd": (VOCABULARY, 8), "output_norm": (8,), "output": (VOCABULARY, 8)}
    shapes |= {f"blk.0.attn_{name}": (8, 8) for name in ("q", "k", "v", "output")}
    shapes |= {"blk.0.attn_norm": (8,), "blk.0.ffn_norm": (8,), "blk.0.ffn_down": (8, 16)}
    shapes |= {"blk.0.ffn_gate": (16, 8), "blk.0.ffn_up": (16, 8)}
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", numbers.normal(size=shape).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return place.read_bytes()


_SMALL = ("context_length", "embedding_length", "block_count", "feed_forward_length", "attention.head_count")


def _gguf(files: Files) -> Iterator[Case]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        content = gguf(files, Path(folder, "model.gguf"))
    odd = [("truncation", name, cut) for name, cut in cuts(content)]
    odd += [("truncation", f"cut-at-{size}", content[:size]) for size in (16, 24, 40, 100, 500)]
    odd += [("wrong-type", f"version-{number}", content[:4] + struct.pack("<I", number) + content[8:]) for number in (0, 1, 4, 99, 2**31)]
    odd += [("wrong-type", "magic", b"GGML" + content[4:]), ("wrong-type", "text", b"words " * 100), ("wrong-type", "zeros", bytes(5000))]
    odd += [("size", f"tensors-{number}", content[:8] + struct.pack("<Q", number) + content[16:]) for number in (0, 1, 100)]
    odd += [("size", f"keys-{number}", content[:16] + struct.pack("<Q", number) + content[24:]) for number in (0, 1, 100)]
    for key in _SMALL:
        place = content.index(f"llama.{key}".encode()) + len(f"llama.{key}")
        kind_end = place + 4
        for number in (0, 3, 2**31 - 1, 2**32 - 1):
            odd.append(("size", f"{key}-{number}", content[:kind_end] + struct.pack("<I", number) + content[kind_end + 4 :]))
        for code in (5, 6, 99):  # another type of number, a float, an unknown type
            odd.append(("wrong-type", f"{key}-type-{code}", content[:place] + struct.pack("<I", code) + content[kind_end:]))
        odd.append(("wrong-type", f"{key}-absent", content.replace(f"llama.{key}".encode(), f"llamb.{key}".encode())))
    for name in ("general.architecture", "tokenizer.ggml.model", "tokenizer.ggml.tokens", "token_embd.weight", "blk.0.attn_q.weight"):
        odd.append(("wrong-type", f"{name}-absent", content.replace(name.encode(), name[:-1].encode() + b"X")))
    odd.append(("wrong-type", "unheard-architecture", content.replace(b"llama", b"xlama")))
    odd.append(("encoding", "escapes-in-the-architecture", content.replace(b"llama", b"\x1b[31m")))
    odd.append(("encoding", "no-utf8-in-a-key", content.replace(b"tokenizer.ggml.pre", b"tokenizer.ggml.pr\xff")))
    others = {path: text for path, text in files.items() if path == "config.json"}
    for what, name, other in odd:
        yield _case("gguf", what, name, {**others, "model.gguf": other}, gguf="model.gguf")
