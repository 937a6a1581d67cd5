"""What a GGUF file says of itself, and of how its text is split before it is read."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.errors import HeirloomError
from heirloom.families.pretrained_files import KEY, fetch_tokenizer, location, one_line_errors
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKEN_FLAGS = ("add_bos_token", "add_eos_token")
"""What a configuration, too, calls the tokens before and after each text."""

_LIKE_GPT2 = frozenset({"gpt-2", "phi-2", "mpt", "olmo", "jais", "roberta-bpe", "exaone4"})
_DIGIT_BY_DIGIT = frozenset({"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"})
"""Values of ``tokenizer.ggml.pre`` beside those that `transformers` knows, by llama.cpp's table of regular expressions."""


@lru_cache(maxsize=1)
def header(spec: Pretrained) -> Any:
    """Return what a GGUF file says of itself: seconds to read, and less than half of what opening it as a model takes.

    Raises
    ------
    HeirloomError
        If it is no GGUF file.
    """
    from gguf import GGUFReader

    local_spec, _ = fetch_tokenizer(spec)
    with one_line_errors(spec):
        return GGUFReader(Path(location(local_spec)) / str(local_spec.gguf))


@lru_cache(maxsize=1)
def configuration(spec: Pretrained) -> Any:
    """Return the configuration that `transformers` makes of a GGUF file: seconds, too.

    Raises
    ------
    HeirloomError
        If it cannot make one.
    """
    from transformers import AutoConfig

    local_spec, _ = fetch_tokenizer(spec)
    with one_line_errors(spec):
        return AutoConfig.from_pretrained(location(local_spec), gguf_file=local_spec.gguf, trust_remote_code=False)


def num_embeddings(spec: Pretrained) -> int:
    """Return how many token ids a file has weights for."""
    sizes = (int(tensor.shape[-1]) for tensor in header(spec).tensors if tensor.name == "token_embd.weight")
    size = next(sizes, None)
    if size is None:
        raise HeirloomError(f"{KEY}: {spec.name} holds no token_embd.weight; a GGUF file of a whole language model is needed")
    return size


def num_tokens(spec: Pretrained) -> int:
    """Return how many token ids the tokenizer in a file has."""
    if "tokenizer.ggml.tokens" not in header(spec).fields:
        raise HeirloomError(f"{KEY}: {spec.name} holds no tokenizer; give source.text.tokenizer: {{path: a folder with tokenizer.json}}")
    return len(header(spec).fields["tokenizer.ggml.tokens"].data)


def token_flags(spec: Pretrained) -> dict[str, bool]:
    """Return whether the file wants a token of its own before and after each text."""
    return {name: _tokenizer_field(spec, name) is True for name in TOKEN_FLAGS}


def split_as_written(tokenizer: Tokenizer, spec: Pretrained) -> tuple[str, ...]:
    """Make a tokenizer from GGUF split text as ``tokenizer.ggml.pre`` of its file says; return what the user is to know.

    `transformers` splits by some of the names, and like GPT-2 by all others.

    Raises
    ------
    HeirloomError
        If the name is not one that can be honoured.
    """
    from tokenizers import pre_tokenizers
    from transformers.integrations.gguf.gguf_tokenizer_mapping import GGUF_PRE_TOKENIZER_SPLITS

    if _tokenizer_field(spec, "model") != "gpt2":
        return ()  # a sentencepiece vocabulary, which is not split
    name = _tokenizer_field(spec, "pre") or "default"
    if name in _DIGIT_BY_DIGIT:
        digits, bytes_as_characters = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, bytes_as_characters])
    elif name == "default":
        return ("the file does not say how its tokenizer splits text (tokenizer.ggml.pre), so text is split like GPT-2's",)
    elif name not in _LIKE_GPT2 | GGUF_PRE_TOKENIZER_SPLITS.keys():
        raise HeirloomError(
            f"source.text.tokenizer: {spec.name} splits text in the way {name!r} (tokenizer.ggml.pre), which cannot be honoured; "
            "give source.text.tokenizer: {path: a folder with the model's tokenizer.json}"
        )
    return ()


def _tokenizer_field(spec: Pretrained, name: str) -> Any:
    """Return what the file says of its tokenizer under a name; None if it does not."""
    fields, key = header(spec).fields, f"tokenizer.ggml.{name}"
    return fields[key].contents() if key in fields else None
