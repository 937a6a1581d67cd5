"""What outside tools need beside a checkpoint: a tokenizer with its special tokens by role, and their ids where `generate` reads them.

A checkpoint is never changed: an export is a copy, and a tool is given a temporary folder of links.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.artefacts.files import dumps, write_text
from heirloom.data import tokenization
from heirloom.families import pretrained_tokenizer
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_log = logging.getLogger(__name__)

TOKENIZER = pretrained_tokenizer.TOKENIZER
_GENERATION = "generation_config.json"
_MODEL_FILES = ("config.json", _GENERATION)
_ROLES = ("bos", "eos", "pad")


@contextmanager
def links(checkpoint: Path, tokenizer: Path, record: Mapping[str, Any]) -> Iterator[Path]:
    """Yield a temporary folder that any library opens: links to a checkpoint's files and its tokenizer, and what `complete` writes.

    Parameters
    ----------
    checkpoint
        A folder of a whole model. What lies in folders below it is left out.
    tokenizer
        Its ``tokenizer.json``.
    record
        As for `complete`.
    """
    with tempfile.TemporaryDirectory(prefix="heirloom-model-") as scratch:
        folder = Path(scratch)
        for file in filter(Path.is_file, checkpoint.iterdir()):
            (folder / file.name).symlink_to(file.resolve())
        if not (folder / TOKENIZER).exists():
            (folder / TOKENIZER).symlink_to(tokenizer.resolve())
        complete(folder, record)
        yield folder


def complete(folder: Path, record: Mapping[str, Any]) -> None:
    """Write what belongs beside ``tokenizer.json`` in a model's folder, and say where `AutoTokenizer` would still read text differently.

    Rows of unequal length are filled up with a token, so the end token is also the padding where there is no other. Files are replaced and
    never written through a link. Ids that ``generation_config.json`` has stay as they are.

    Parameters
    ----------
    folder
        The folder of a model, with ``config.json`` and ``tokenizer.json``.
    record
        What the manifest says of a pretrained tokenizer (`pretrained_tokenizer.Reader.record`); empty for one that was fitted.
    """
    tokenizer = tokenization.from_json((folder / TOKENIZER).read_text(encoding="utf-8"))
    names = dict(record["names"]) if "names" in record else _by_ids(folder, tokenizer)
    if "eos_token" in names:
        names.setdefault("pad_token", names["eos_token"])
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
        write_text(folder / "chat_template.jinja", template)
    elif template:
        settings["chat_template"] = [{"name": name, "template": text} for name, text in sorted(template.items())]
    write_text(folder / pretrained_tokenizer.CONFIG, dumps(settings))
    _write_ids(folder, tokenizer, names)
    for note in pretrained_tokenizer.read(Pretrained(path=str(folder))).notes:
        _log.warning("%s: %s", folder.name, note)


def _write_ids(folder: Path, tokenizer: Tokenizer, names: Mapping[str, str]) -> None:
    """Write the ids of special tokens that ``generation_config.json`` lacks: without an end `generate` stops at its limit alone."""
    file = folder / _GENERATION
    settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    ids = {}
    for role in _ROLES:
        token_id = tokenizer.token_to_id(names.get(f"{role}_token", ""))
        if token_id is not None and settings.get(f"{role}_token_id") is None:
            ids[f"{role}_token_id"] = token_id
    if ids:
        write_text(file, dumps({**settings, **ids}))


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
