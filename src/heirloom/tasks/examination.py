"""An examination: a checkpoint is linked into a folder that any library opens, and the harness asks it in a process of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom.artefacts import manifest, paths
from heirloom.artefacts.files import dumps, read_json, write_text
from heirloom.families import tokenizer_folder
from heirloom.runtime import program
from heirloom.specs.tasks import Tasks

_PROGRAM = "heirloom.tasks.program"
_ADAPTER = "adapter_config.json"


@dataclass(frozen=True)
class Examination:
    """What a checkpoint has answered.

    Attributes
    ----------
    items
        A Parquet file with a row per item and metric (`program.SCHEMA`); it goes with the block that made it.
    scores
        ``task.TASK.METRIC`` → score.
    record
        How the tasks were put.
    environment
        Of the process that has computed.
    """

    items: Path
    scores: dict[str, float]
    record: dict[str, Any]
    environment: dict[str, Any]


@contextmanager
def examination(checkpoint: Path, tokenizer: Path, tasks: Tasks) -> Iterator[Examination]:
    """Yield the examination of a checkpoint.

    Parameters
    ----------
    checkpoint
        A Hugging Face folder of a whole model, or of adapters alone, which are merged into the weights that they adapt.
    tokenizer
        The artefact ``tokenizer.json`` of its experiment, whose manifest names the special tokens.

    Raises
    ------
    HeirloomError
        If the harness fails; the job's log has what it printed.
    """
    record = manifest.read(paths.manifest(tokenizer)).get("tokenizer", {})
    with (
        tempfile.TemporaryDirectory(prefix="heirloom-tasks-") as scratch,
        whole_model(checkpoint) as whole,
        tokenizer_folder.links(whole, tokenizer, record) as model,
    ):
        folder = Path(scratch)
        request, answer, items = (folder / name for name in ("request.json", "answer.json", "items.parquet"))
        places = {"model": str(model), "answer": str(answer), "items": str(items)}
        write_text(request, dumps({"tasks": tasks.model_dump(mode="json"), **places}))
        with _offline(folder):
            program.run([sys.executable, "-P", "-m", _PROGRAM, str(request)])
        content = read_json(answer)
        adapters = {"adapters": "merged"} if whole != checkpoint else {}
        yield Examination(items, content["scores"], content["record"] | adapters, content["environment"])


@contextmanager
def whole_model(checkpoint: Path) -> Iterator[Path]:
    """Yield a folder with a checkpoint's whole model: itself, or of adapters alone a temporary one with the merged weights.

    Raises
    ------
    HeirloomError
        If what adapters adapt is not here or has other bytes, or the merged model has other logits.
    """
    if not (checkpoint / _ADAPTER).is_file():
        yield checkpoint
        return
    from heirloom.families.lm.library import lora, model  # torch, which other checkpoints leave to the harness

    with tempfile.TemporaryDirectory(prefix="heirloom-merged-") as folder:
        adapted = model.load(checkpoint)
        model.save(model.CausalLM(lora.merged(adapted.module)), Path(folder))
        del adapted
        yield Path(folder)


@contextmanager
def _offline(folder: Path) -> Iterator[None]:
    """Set, for a program that is started, that no hub is asked and that what is cached goes with a folder.

    The cache of `datasets` is keyed by a file's path and time, so that one that outlives the job would hand over other rows.
    """
    settings = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_DATASETS_CACHE": str(folder / "datasets"),
        "LMEVAL_LOG_LEVEL": "ERROR",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    previous = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in previous.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
