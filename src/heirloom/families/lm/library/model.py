"""A causal language model of `transformers` as a value: opened, built anew, and written as an ordinary Hugging Face folder.

A checkpoint of adapters alone names its base by path and fingerprint, so that it is never put on other weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
import transformers
from torch import Tensor
from torch.nn import functional

from heirloom.artefacts.files import dumps
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.errors import HeirloomError
from heirloom.families import pretrained, pretrained_weights
from heirloom.families.lm import epochs
from heirloom.families.lm.epochs import Epochs
from heirloom.families.lm.library import lora
from heirloom.runtime import device, streams
from heirloom.runtime.streams import Stream
from heirloom.specs.pretrained import Pretrained

ADAPTER = "adapter_config.json"
BASE = "base.json"


@dataclass(frozen=True)
class CausalLM:
    """A model, its ids, and where its weights were read from; a `network.Network`.

    Parameters
    ----------
    module
        The `transformers` model, or the `peft` model around it.
    folder
        Where whole weights lie: of an adapter, those that it adapts; of a whole model, its own. None for a model that was never saved.
    epochs
        The epochs of the training, where it was asked for the last one beside the best.
    """

    module: Any
    folder: Path | None = None
    epochs: Epochs | None = None

    rows_at_once: ClassVar[int] = 16

    @property
    def is_adapter(self) -> bool:
        """Whether only adapters are this model's own."""
        return hasattr(self.module, "peft_config")

    @property
    def vocab_size(self) -> int:
        """Number of token ids that the model has numbers for, V; a tokenizer may have fewer."""
        return int(self.module.get_input_embeddings().weight.shape[0])  # an adapter around it has no count of its own

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return torch.device(self.module.device)

    @property
    def longest_row(self) -> int | None:
        """Positions that the model can tell apart; None where the architecture sets no limit."""
        return getattr(self.module.config.get_text_config(), "max_position_embeddings", None)

    @property
    def end_ids(self) -> list[int]:
        """Ids of the tokens that end a text; of OPT the same id also begins one."""
        ids = self.module.generation_config.eos_token_id
        if ids is None:
            return []
        return [ids] if isinstance(ids, int) else [int(number) for number in ids]

    @property
    def start_id(self) -> int:
        """Id of the token that stands before a text from nothing: the model's start token, or its end token."""
        start: int | None = self.module.generation_config.bos_token_id
        return start if start is not None else (self.end_ids or [0])[0]

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits (B, T, V) of the token after each position of ``tokens`` (B, T)."""
        logits: Tensor = self.module(input_ids=tokens, attention_mask=torch.ones_like(tokens), use_cache=False).logits
        return logits.float()

    def nats(self, tokens: Tensor) -> Tensor:
        """Return -log p(token | tokens before it in its row), in nats, of all but the first of ``tokens`` (B, T), shape (B, T - 1)."""
        logits = self.logits(tokens)[:, :-1]
        # flat: of (B, V, T) torch has no gradient on CUDA that repeats itself
        return functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view(len(tokens), -1)

    def features(self, tokens: Tensor) -> Tensor:
        """Return the last hidden state after each row of ``tokens`` (B, T), shape (B, E)."""
        output = self.module(input_ids=tokens, output_hidden_states=True, use_cache=False)
        states: Tensor = output.hidden_states[-1][:, -1]
        return states.float()


def build(config: Any, stream: Stream) -> CausalLM:
    """Return a model of a `transformers` configuration with new weights, drawn as its architecture prescribes."""
    with streams.torch_noise(stream):
        return CausalLM(prepared(transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)))


def fetch(spec: Pretrained) -> CausalLM:
    """Return a pretrained model from the hub or from this machine (`families.pretrained`)."""
    return CausalLM(prepared(pretrained.module(spec)))


def prepared(module: Any) -> Any:
    """Return a module on its device, in evaluation mode, without decoding habits of its own: only the ids of special tokens are kept."""
    generation, config = module.generation_config, module.config
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    ids = {name: first_of(getattr(generation, name, None), getattr(config, name, None)) for name in names}
    ends = ids["eos_token_id"]
    ids["pad_token_id"] = first_of(ids["pad_token_id"], ends[0] if isinstance(ends, list) else ends, 0)
    module.generation_config = transformers.GenerationConfig(**ids)
    return module.to(device.current()).eval()


def first_of(*values: Any) -> Any:
    """Return the first value that is not None."""
    return next((value for value in values if value is not None), None)


def save(model: CausalLM, folder: Path) -> None:
    """Write a Hugging Face folder of safetensors and JSON; equal weights give equal bytes.

    Raises
    ------
    HeirloomError
        If an adapter's base was never saved.
    """
    if model.is_adapter:
        _save_adapter(model, folder)
    else:
        model.module.save_pretrained(folder)
    epochs.write(model.epochs, folder, save)


def _save_adapter(model: CausalLM, folder: Path) -> None:
    if model.folder is None:
        raise HeirloomError("an adapter checkpoint needs a base that lies in a folder; save merged checkpoints")
    model.module.save_pretrained(folder, save_embedding_layers=False)  # whole matrices are the base's
    (folder / "README.md").unlink(missing_ok=True)
    base = model.folder.as_posix()
    settings = json.loads((folder / ADAPTER).read_text(encoding="utf-8"))
    settings["base_model_name_or_path"] = base
    (folder / ADAPTER).write_text(dumps(_with_sorted_names(settings)), encoding="utf-8")
    (folder / BASE).write_text(dumps({"path": base, "sha256": _sha256(model.folder)}), encoding="utf-8")


def load(folder: Path) -> CausalLM:
    """Return the model in a folder that `save` or any `transformers` program wrote, as float32.

    Raises
    ------
    HeirloomError
        If the folder lacks safetensors or a weight, or an adapter's base is missing or has other bytes.
    """
    if (folder / ADAPTER).is_file():
        return _load_adapter(folder)
    return CausalLM(prepared(pretrained_weights.open_folder(folder)), folder, epochs.read(folder))


def _load_adapter(folder: Path) -> CausalLM:
    import peft

    record = json.loads((folder / BASE).read_text(encoding="utf-8"))
    base = Path(record["path"])
    if not base.is_dir():
        raise HeirloomError(f"{folder}: adapts {base}, which is not here; fetch it with dvc pull")
    if _sha256(base) != record["sha256"]:
        raise HeirloomError(f"{folder}: adapts {base} with fingerprint {record['sha256'][:12]}, but it has other bytes now")
    with lora.quiet():
        module = peft.PeftModel.from_pretrained(prepared(pretrained_weights.open_folder(base)), folder)
    return CausalLM(module.eval(), base, epochs.read(folder))


def _sha256(folder: Path) -> str:
    return str(fingerprint(folder)["sha256"])


def _with_sorted_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return an adapter's settings with its set of names sorted: a set has no order that lasts."""
    targets = settings.get("target_modules")
    return {**settings, "target_modules": sorted(targets)} if isinstance(targets, list) else dict(settings)
