"""Training on prompts and completions by TRL's SFTTrainer: a side of `lm_pairs.py`, run by the Python of an environment of its own.

    ENVIRONMENT/bin/python benchmarks/lm_trl.py CHECKPOINT PAIRS ROWS

CHECKPOINT is a folder as Hugging Face's libraries write it, PAIRS a JSON file of two lists of rows of token ids, prompts and completions,
ROWS the rows of a step. Nothing of Heirloom is imported. SFTTrainer is set up as well as we know for this work: fused AdamW, no logs,
saves or metrics, rows that are tokens already; its construction is outside the clock.
"""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from sides import Preparation, Work, answer

WAYS = {
    "SFTTrainer": {},
    "SFTTrainer, grouped by length": {"train_sampling_strategy": "group_by_length"},
    "SFTTrainer, grouped by length, bf16": {"train_sampling_strategy": "group_by_length", "bf16": True},
}
"""Way to train → its settings."""


END, UNKNOWN = "<end>", "<unknown>"


def tokenizer() -> Any:
    """Return a tokenizer whose padding and end token is number 0: SFTTrainer wants one, and has nothing to read with it."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({END: 0, UNKNOWN: 1}, unk_token=UNKNOWN))
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token=END, pad_token=END)


def trainer(checkpoint: Path, rows: list[dict[str, list[int]]], batch_rows: int, settings: dict[str, Any]) -> Work:
    """Return the training of a fresh copy of the model."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM
    from trl import SFTConfig, SFTTrainer

    arguments = SFTConfig(
        output_dir=str(checkpoint / "trl"),
        per_device_train_batch_size=batch_rows,
        num_train_epochs=1,
        learning_rate=1e-3,
        weight_decay=0.1,
        warmup_steps=max(1, round(0.05 * len(rows) / batch_rows)),
        lr_scheduler_type="cosine",
        adam_beta2=0.95,
        optim="adamw_torch_fused",
        use_cpu=True,
        gradient_checkpointing=False,
        completion_only_loss=True,
        max_length=None,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
        disable_tqdm=True,
        dataloader_num_workers=0,
        **{"bf16": False, **settings},
    )
    model = AutoModelForCausalLM.from_pretrained(checkpoint)
    return SFTTrainer(model, arguments, train_dataset=Dataset.from_list(rows), processing_class=tokenizer()).train


def ways_of(checkpoint: Path, pairs: Path, batch_rows: int) -> dict[str, Preparation]:
    """Return the ways to train."""
    rows = [
        {"input_ids": prompt + completion, "completion_mask": [0] * len(prompt) + [1] * len(completion)}
        for prompt, completion in zip(*json.loads(pairs.read_text()), strict=True)
    ]
    return {name: partial(trainer, checkpoint, rows, batch_rows, settings) for name, settings in WAYS.items()}


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    answer(ways_of(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
