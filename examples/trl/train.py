"""Train: TRL's SFTTrainer on pairs, from a tiny model with new weights. `guard.py` counts what is learnt before and after."""

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
from datasets import Dataset
from guard import check, expected
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, set_seed
from trl import SFTConfig, SFTTrainer

END = "<|end|>"

rows_file, checkpoint, settings_file, start, seed = sys.argv[1:]
settings = json.loads(Path(settings_file).read_text())
rows = pq.read_table(rows_file).to_pylist()
set_seed(int(seed) % 2**31)


def fitted() -> PreTrainedTokenizerFast:
    """Return a byte-level tokenizer that is fitted to the rows: generation 0's, which later generations keep."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=settings["vocabulary"], special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator((text for row in rows for text in (row["prompt"], row["completion"])), trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=END)


tokenizer = PreTrainedTokenizerFast.from_pretrained(start) if start else fitted()
end = tokenizer.eos_token_id
shape = {"n_embd": settings["width"], "n_layer": settings["layers"], "n_head": 2, "n_positions": settings["max_tokens"]}
model = GPT2LMHeadModel(GPT2Config(vocab_size=len(tokenizer), bos_token_id=end, eos_token_id=end, pad_token_id=end, **shape))
config = SFTConfig(
    output_dir=str(Path(settings_file).parent / "trainer"),
    max_length=settings["max_tokens"],
    num_train_epochs=settings["epochs"],
    learning_rate=settings["learning_rate"],
    per_device_train_batch_size=16,
    packing=False,  # packing drops the overflow
    completion_only_loss=True,
    use_cpu=True,
    bf16=False,  # use_cpu alone turns it on
    gradient_checkpointing=False,
    report_to=[],
    save_strategy="no",
    seed=int(seed) % 2**31,
    disable_tqdm=True,
)
# columns prompt and completion alone: a column text beside them would take the end token from every completion
data = Dataset.from_list([{"prompt": row["prompt"], "completion": row["completion"]} for row in rows])
trainer = SFTTrainer(model=model, args=config, train_dataset=data, processing_class=tokenizer)
check(trainer.train_dataset, expected(rows, tokenizer), end)
trainer.train()
model.save_pretrained(checkpoint)
tokenizer.save_pretrained(checkpoint)
