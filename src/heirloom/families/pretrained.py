"""Bring a pretrained model and its tokenizer in: from the hub, a local folder, an installed package, or a GGUF file.

What cannot be had is said in one line that names the model and how to give a local folder. Code from a hub is never run, and weights are
read from safetensors or GGUF alone.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import tokenization
from heirloom.errors import HeirloomError
from heirloom.families.pretrained_files import KEY, clearly, model_files, where
from heirloom.sources.input_files import check
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")
_PATIENCE = 10  # seconds that the hub is given to answer


def preflight(spec: Pretrained) -> None:
    """Check what can be seen on this machine without opening the model; a hub is not asked.

    Raises
    ------
    HeirloomError
        If a folder, package or GGUF file is missing, or a folder has no safetensors.
    """
    place = where(spec)
    if isinstance(place, str):
        return
    if spec.gguf and not (place / spec.gguf).is_file():
        raise HeirloomError(f"{KEY}: {place} has no file {spec.gguf}")
    if not spec.gguf and not (place / "config.json").is_file():
        raise HeirloomError(f"{KEY}: {place} has no config.json; a model folder is one that save_pretrained wrote")
    if not spec.gguf and not any(place.glob("*.safetensors")):
        raise HeirloomError(f"{KEY}: {place} holds no .safetensors file, and weights in other files are never opened; convert them first")
    check(model_files(spec))


def check_reach(spec: Pretrained, num_tokens: int) -> None:
    """Check that the model's configuration can be had, and that its context holds so many tokens.

    Raises
    ------
    HeirloomError
        If the hub cannot be reached or has no such model, or the context is shorter.
    """
    preflight(spec)
    if spec.gguf:
        return  # its configuration takes as long to read as its weights; the step that opens it looks
    context = getattr(_config(spec), "max_position_embeddings", None)
    if context is not None and num_tokens > context:
        raise HeirloomError(
            f"{KEY}: {spec.name} has a context of {context} tokens, and {num_tokens} are needed; lower source.text.row_tokens"
        )


def check_native(spec: Pretrained) -> None:
    """Check that the project's own engine can write with a model of this configuration.

    Raises
    ------
    HeirloomError
        If it is no Llama; or the configuration cannot be had.
    """
    if spec.gguf:
        return  # as in `check_reach`
    from heirloom.families.causal_lm.native import readable_shape

    readable_shape(_config(spec).to_dict())


def check_vocabulary(spec: Pretrained, reader: Pretrained) -> None:
    """Check that a model has weights for every token id of the tokenizer that reads its text; it may have more, and many have.

    Raises
    ------
    HeirloomError
        If the tokenizer has an id that the model lacks; or one of the two cannot be had.
    """
    weights, ids = _num_embeddings(spec), _num_tokens(reader)
    if ids > weights:
        raise HeirloomError(
            f"source.text.tokenizer: the tokenizer of {reader.name} has {ids} token ids, but {KEY}, {spec.name}, has weights for {weights} "
            f"({'token_embd.weight' if spec.gguf else 'vocab_size in config.json'}); give a model its own tokenizer"
        )


def module(spec: Pretrained) -> Any:
    """Return a pretrained `transformers` model in float32.

    Raises
    ------
    HeirloomError
        If it cannot be had, or has no safetensors.
    """
    preflight(spec)
    with clearly(spec):
        opened = open_folder(where(spec), **_options(spec))
    return _plain(opened) if spec.gguf else opened


def open_folder(place: str | Path, **options: Any) -> Any:
    """Return the `transformers` model in a folder or on the hub, in float32, with every weight found.

    Raises
    ------
    HeirloomError
        If the folder has no safetensors, or a weight is missing or of another shape.
    """
    if Path(place).is_dir() and not options.get("gguf_file") and not any(Path(place).glob("*.safetensors")):
        raise HeirloomError(f"{place}: holds no .safetensors file, and weights in other files are never opened; convert them first")
    import torch
    import transformers

    safe = {} if options.get("gguf_file") else {"use_safetensors": True}
    transformers.utils.logging.disable_progress_bar()
    module, found = transformers.AutoModelForCausalLM.from_pretrained(
        place, dtype=torch.float32, trust_remote_code=False, output_loading_info=True, **safe, **options
    )
    wrong = sorted(map(str, (*found["missing_keys"], *found["mismatched_keys"])))
    if wrong:
        raise HeirloomError(f"{place}: {len(wrong)} weights of the architecture are missing or of another shape, such as {wrong[0]}")
    return module


def tokenizer(spec: Pretrained) -> tuple[Tokenizer, int | None]:
    """Return a model's tokenizer, and the id of the token that it begins texts with, if it has one.

    Raises
    ------
    HeirloomError
        If it cannot be had, or is not one of the `tokenizers` library.
    """
    from transformers import AutoTokenizer

    if spec.gguf:
        preflight(spec)
    place = where(spec)
    if isinstance(place, Path) and not spec.gguf and not any((place / name).is_file() for name in _TOKENIZERS):
        raise HeirloomError(f"{KEY}: {place} holds no tokenizer ({', '.join(_TOKENIZERS)}); copy the model's own there")
    with clearly(spec):
        whole = AutoTokenizer.from_pretrained(place, trust_remote_code=False, **_options(spec))
    backend = getattr(whole, "backend_tokenizer", None)
    if backend is None:
        raise HeirloomError(f"{KEY}: the tokenizer of {spec.name} is not one of the `tokenizers` library, and has no tokenizer.json")
    own = tokenization.from_json(backend.to_str())
    own.no_padding()
    own.no_truncation()
    return own, whole.bos_token_id


def _config(spec: Pretrained) -> Any:
    with clearly(spec):
        options = _options(spec)
        from transformers import AutoConfig

        return AutoConfig.from_pretrained(where(spec), trust_remote_code=False, **options).get_text_config()


def _num_embeddings(spec: Pretrained) -> int:
    """Return how many token ids a model has weights for."""
    if spec.gguf:
        return next(int(tensor.shape[-1]) for tensor in _header(spec).tensors if tensor.name == "token_embd.weight")
    return int(_config(spec).vocab_size)


def _num_tokens(spec: Pretrained) -> int:
    """Return the largest id of a model's tokenizer, and one."""
    if spec.gguf:
        return len(_header(spec).fields["tokenizer.ggml.tokens"].data)
    return max(tokenizer(spec)[0].get_vocab(with_added_tokens=True).values()) + 1


@lru_cache(maxsize=1)
def _header(spec: Pretrained) -> Any:
    """Return what a GGUF file says of itself: seconds to read, and less than half of what opening it as a model takes."""
    from gguf import GGUFReader

    preflight(spec)
    return GGUFReader(Path(where(spec)) / str(spec.gguf))


def _options(spec: Pretrained) -> dict[str, Any]:
    own = {"gguf_file": spec.gguf} if spec.gguf else {}
    return own | _hub(where(spec), spec.revision or "main")


def _hub(place: str | Path, revision: str) -> dict[str, Any]:
    """Return how the libraries are to look for a model: where the hub gives no answer, in its cache alone, without asking again.

    Raises
    ------
    OSError
        If the hub gives no answer, and its cache has no such model.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    if isinstance(place, Path):
        return {}
    try:
        HfApi().model_info(place, revision=revision, timeout=_PATIENCE)
    except Exception as error:  # noqa: BLE001  network libraries share no narrower base
        if not isinstance(try_to_load_from_cache(place, "config.json", revision=revision), str):
            raise OSError(str(error)) from None
        return {"revision": revision, "local_files_only": True}
    return {"revision": revision}


def _plain(quantised: Any) -> Any:
    """Return a model read from GGUF as an ordinary one: marked as quantised, it could not be saved."""
    import copy

    from transformers import AutoModelForCausalLM, initialization

    config = copy.deepcopy(quantised.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with initialization.no_init_weights():
        plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(quantised.state_dict())
    plain.tie_weights()
    plain.generation_config = quantised.generation_config
    return plain
