"""What `AutoTokenizer` needs beside a model and its ``tokenizer.json``: special tokens by role, chat template, context."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.artefacts.files import dumps
from heirloom.data import tokenization
from heirloom.families import pretrained_tokenizer
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_log = logging.getLogger(__name__)

TOKENIZER = pretrained_tokenizer.TOKENIZER
_MODEL_FILES = ("config.json", "generation_config.json")
_ROLES = ("bos", "eos", "pad")


def complete(folder: Path, record: Mapping[str, Any]) -> None:
    """Write what belongs beside ``tokenizer.json`` in a model's folder, and say where `AutoTokenizer` would still read text differently.

    Parameters
    ----------
    folder
        The folder of a model, with ``config.json`` and ``tokenizer.json``.
    record
        What the manifest says of a pretrained tokenizer (`pretrained_tokenizer.Reader.record`); empty for one that was fitted.
    """
    tokenizer = tokenization.from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    names = record["names"] if "names" in record else _by_ids(folder, tokenizer)
    context = _context(folder)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",  # the one class that leaves tokenizer.json as it is
        "clean_up_tokenization_spaces": False,
        **names,
    }
    if context is not None:
        settings["model_max_length"] = context
    template = record.get("chat_template")
    if isinstance(template, str):
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    elif template:
        settings["chat_template"] = [{"name": name, "template": text} for name, text in sorted(template.items())]
    (folder / pretrained_tokenizer.CONFIG).write_text(dumps(settings), encoding="utf-8")
    for note in pretrained_tokenizer.read(Pretrained(path=str(folder))).notes:
        _log.warning("%s: %s", folder.name, note)


def _by_ids(folder: Path, tokenizer: Tokenizer) -> dict[str, str]:
    """Return role → token for the ids that the model's files name (the first of several end tokens); else the fitted end token."""
    names: dict[str, str] = {}
    files = [folder / name for name in _MODEL_FILES]
    for file in filter(Path.is_file, files):
        settings = json.loads(file.read_text(encoding="utf-8"))
        for role in _ROLES:
            ids = settings.get(f"{role}_token_id")
            first_id = ids[0] if isinstance(ids, list) and ids else ids
            token = tokenizer.id_to_token(first_id) if isinstance(first_id, int) else None
            if token is not None:
                names[f"{role}_token"] = token
    is_fitted = not names and tokenizer.token_to_id(tokenization.END_OF_DOCUMENT) is not None
    return {"eos_token": tokenization.END_OF_DOCUMENT} if is_fitted else names


def _context(folder: Path) -> int | None:
    """Return how many positions a model can distinguish, under any name that its architecture uses; None if there is no limit."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False).get_text_config()
    context: int | None = getattr(config, "max_position_embeddings", None)
    return context
