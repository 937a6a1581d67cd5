#!/usr/bin/env bash
# transformers 5.23 serve: a request's seed decides the text of another request that is under way, so equal requests differ.
#
# One would expect a request with a seed to be answered by that seed. The server sets torch's one generator when a request
# comes in, and draws later, on a thread of its own, where requests wait in a row. So of several requests the last seed counts
# for the first text, and the texts after it go on from where the generator stands. One request at a time repeats itself.
# The model is random, and generation_config.json asks for draws from all tokens. Exits 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'kill "$server" 2> /dev/null; rm -rf "$folder"' EXIT
server=
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet 'transformers[serving]==5.23.0' torch==2.13.0
export PATH="$folder/venv/bin:$PATH" HF_HOME="$folder/home" HF_HUB_OFFLINE=1
python - "$folder/model" <<'PYTHON'
import sys

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

torch.manual_seed(0)
words = {f"w{number}": number for number in range(128)}
tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="w1", pad_token="w1").save_pretrained(sys.argv[1])
sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
model = LlamaForCausalLM(LlamaConfig(vocab_size=128, max_position_embeddings=64, **sizes))
model.generation_config = GenerationConfig(do_sample=True, top_k=0, eos_token_id=1, pad_token_id=1)
model.save_pretrained(sys.argv[1])
PYTHON
transformers serve --port 8765 --device cpu > "$folder/log" 2>&1 &
server=$!
python - "$folder/model" <<'PYTHON'
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import transformers

URL = "http://127.0.0.1:8765/v1/completions"


def text(seed: int) -> str:
    body = {"model": sys.argv[1], "prompt": "w2 w3", "max_tokens": 8, "temperature": 1.0, "seed": seed}
    return httpx2.post(URL, json=body, timeout=300).json()["choices"][0]["text"]


for _ in range(600):
    try:
        text(0)
        break
    except httpx2.TransportError:
        time.sleep(0.5)
seeds = list(range(32))
alone, again = [text(seed) for seed in seeds], [text(seed) for seed in seeds]
with ThreadPoolExecutor(8) as pool:
    together = list(pool.map(text, seeds))
differing = sum(one != other for one, other in zip(alone, together, strict=True))
print("transformers", transformers.__version__)
print("one request at a time, twice: equal texts:", alone == again)
print(f"eight at a time: {differing} of {len(seeds)} seeds give another text than alone")
if alone != again:
    sys.exit("changed: one request at a time does not repeat itself")
if not differing:
    sys.exit("changed: each text follows from its own seed")
PYTHON
