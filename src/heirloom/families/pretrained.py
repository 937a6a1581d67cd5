"""Bring a pretrained model and its tokenizer in: from the hub, a local folder, an installed package, or a GGUF file.

What cannot be had is said in one line that names the model and how to give a local folder. Code from a hub is never run, and weights are
read from safetensors or GGUF alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heirloom.errors import HeirloomError
from heirloom.families import gguf_header, pretrained_gguf, pretrained_headers, pretrained_tokenizer, pretrained_weights
from heirloom.families.pretrained_files import KEY, location, model_files, one_line_errors, options
from heirloom.sources.input_files import check
from heirloom.specs.pretrained import Pretrained

_OPENED_PARAMETERS = 250_000_000
"""Models up to this size are opened before any job; larger ones by the job that brings them in, which is before any training."""
_OPENED_NUMBERS_OF_GGUF = 50_000_000  # whose opening takes ten times as long
_NUMBERS_A_BYTE = 8  # one bit each is the least that any format takes


def preflight(spec: Pretrained) -> None:
    """Check what can be seen on this machine without opening the model; a hub is not asked.

    Raises
    ------
    HeirloomError
        If a folder, package or GGUF file is missing, a folder has no safetensors or is an adapter, or a header is damaged or asks for
        more than the tensors have.
    """
    place = location(spec)
    if isinstance(place, str):
        return
    if spec.gguf and not (place / spec.gguf).is_file():
        raise HeirloomError(f"{KEY}: {place} has no file {spec.gguf}")
    if not spec.gguf and (place / "adapter_config.json").is_file():
        raise HeirloomError(f"{KEY}: {place} is an adapter, which names its model by a path of its own; merge it (merge_and_unload) first")
    if not spec.gguf and not (place / "config.json").is_file():
        raise HeirloomError(f"{KEY}: {place} has no config.json; a model folder is one that save_pretrained wrote")
    if not spec.gguf and not any(place.glob("*.safetensors")):
        raise HeirloomError(f"{KEY}: {place} holds no .safetensors file, and weights in other files are never opened; convert them first")
    check(model_files(spec))
    if spec.gguf:
        gguf_header.check(place / spec.gguf)
    else:
        pretrained_headers.check(place)


def check_reach(spec: Pretrained, num_tokens: int) -> None:
    """Check that the model's configuration can be had, and that its context holds so many tokens.

    Raises
    ------
    HeirloomError
        If the hub cannot be reached or has no such model, or the context is shorter.
    """
    preflight(spec)
    context = getattr(configuration(spec).get_text_config(), "max_position_embeddings", None)
    if isinstance(context, int) and num_tokens > context:
        raise HeirloomError(
            f"{KEY}: {spec.name} has a context of {context} tokens, and {num_tokens} are needed; lower source.text.row_tokens, of pairs "
            "max_prompt_tokens or max_completion_tokens"
        )


def check_causal(spec: Pretrained) -> None:
    """Check that no token of the model reads what comes after it: by its configuration, and by opening it where it is here and small.

    Raises
    ------
    HeirloomError
        If it does; or, of a model that is opened, as `module` does.
    """
    preflight(spec)
    config = _check_architecture(spec)
    place = location(spec)
    if isinstance(place, Path):
        number = gguf_header.check(place / spec.gguf).num_numbers if spec.gguf else _num_parameters(spec, config)
        if number <= (_OPENED_NUMBERS_OF_GGUF if spec.gguf else _OPENED_PARAMETERS):
            module(spec)


def check_vocabulary(spec: Pretrained, reader: Pretrained) -> tuple[str, ...]:
    """Check that a model has weights for every token id of the tokenizer that reads its text; it may have more, and many have.

    Returns
    -------
    what the user is to know of how text is read

    Raises
    ------
    HeirloomError
        If the tokenizer has an id that the model lacks; or one of the two cannot be had.
    """
    weights = pretrained_gguf.num_embeddings(spec) if spec.gguf else int(configuration(spec).get_text_config().vocab_size)
    text_reader = None if reader.gguf else pretrained_tokenizer.read(reader)
    if text_reader is None:
        ids = pretrained_gguf.num_tokens(reader)
    else:
        ids = max(text_reader.tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1
    if ids > weights:
        raise HeirloomError(
            f"source.text.tokenizer: the tokenizer of {reader.name} has {ids} token ids, but {KEY}, {spec.name}, has weights for {weights} "
            f"({'token_embd.weight' if spec.gguf else 'vocab_size in config.json'}); give a model its own tokenizer"
        )
    notes = (text_reader or pretrained_tokenizer.read(reader)).notes
    return tuple(f"{reader.name}: {note}" for note in notes)


def module(spec: Pretrained) -> Any:
    """Return a pretrained `transformers` model in float32.

    Raises
    ------
    HeirloomError
        If it cannot be had, has no safetensors, lacks a weight, or is not causal.
    """
    preflight(spec)
    config = _check_architecture(spec)
    if not spec.gguf and isinstance(location(spec), Path):
        _num_parameters(spec, config)
    with one_line_errors(spec):
        model = pretrained_weights.open_folder(location(spec), **options(spec))
    pretrained_weights.check_causal(model, spec.name)
    return model


def _check_architecture(spec: Pretrained) -> Any:
    """Return a model's configuration, unless the library has no causal model for it, or would read the half of it."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    config = configuration(spec)
    if config.is_encoder_decoder or type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        kind = "an encoder-decoder" if config.is_encoder_decoder else "no language model that writes from left to right"
        raise HeirloomError(f"{KEY}: {spec.name} is {kind} ({config.model_type}); give a decoder, such as a GPT-2, OPT or Llama")
    return config


def _num_parameters(spec: Pretrained, config: Any) -> int:
    """Return how many numbers a model in a folder has by its configuration, refusing more than its files can hold."""
    with one_line_errors(spec):
        number = pretrained_weights.num_parameters(config)
    num_bytes = sum(file.stat().st_size for file in Path(location(spec)).glob("*.safetensors"))
    if number > _NUMBERS_A_BYTE * num_bytes:
        raise HeirloomError(
            f"{KEY}: the config.json of {spec.name} asks for {number:,} numbers, which its .safetensors files of {num_bytes:,} bytes"
            " cannot hold; give the config.json that belongs to the weights, and all files of weights"
        )
    return number


def configuration(spec: Pretrained) -> Any:
    """Return a model's configuration, of the class of `transformers` that it names; no weights are read.

    Raises
    ------
    HeirloomError
        If it cannot be had, or is none that `transformers` reads.
    """
    if spec.gguf:
        preflight(spec)
        return pretrained_gguf.configuration(spec)
    pretrained_weights.quieten()
    with one_line_errors(spec):
        load_options = options(spec)
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(location(spec), trust_remote_code=False, **load_options)
