"""Conversations of several turns, of unequal length, in both networks: exactly what `transformers` makes of each prompt by itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.test_pairs import rows_of
from heirloom.data import pairs
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit
from heirloom.families import causal_lm, pretrained_tokenizer, transformer
from heirloom.families.pair_reader import PairReader
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalSampling
from heirloom.specs.decoding import Decoding
from heirloom.specs.pairs import Pairs
from heirloom.specs.pretrained import Pretrained
from small_models import pretrained
from small_tokenizers import fitted, folder_of

TEMPLATE = "{% for m in messages %}{{ m.role[0] }}{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}a{% endif %}"
END, NUM_ROWS, NEW_TOKENS = 1, 200, 6
STOPS = [END, *range(50, 290, 4)]
WORDS = ("the mill", " sold", " in 1843", " 18", " 20", " year")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Several threads wait for each other longer than such a small model takes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two hundred turns of conversations of two to four, each with all that was said before it: end tokens stand inside the prompts."""
    folder = folder_of(tmp_path_factory.mktemp("tokenizer") / "model", fitted(), chat_template=TEMPLATE)
    settings = Pairs.model_validate({"messages": "chat", "turns": "each"})
    reader = PairReader.pretrained(pretrained_tokenizer.read(Pretrained(path=str(folder))), settings, "model")
    generator = Stream((0, "turns")).generator()
    made: list[tuple[list[int], list[int]]] = []
    while len(made) < NUM_ROWS:
        num_turns = 2 * int(generator.integers(2, 5))
        contents = ["".join(generator.choice(WORDS, generator.integers(1, 6))) for _ in range(num_turns)]
        messages = [{"role": ("user", "assistant")[place % 2], "content": content} for place, content in enumerate(contents)]
        turns = list(reader.rows({"messages": messages}, "a:1"))
        made += [(turn.prompt, turn.tokens) for turn in turns[1:]]
    return rows_of(made[:NUM_ROWS])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that both networks open."""
    place = tmp_path_factory.mktemp("model") / "checkpoint"
    causal_lm.save(pretrained("llama", 300, 192, hidden_size=16, num_hidden_layers=2, num_key_value_heads=1, initializer_range=0.3), place)
    return place


@pytest.fixture(params=["native", "library", "library, native engine"])
def network(request: pytest.FixtureRequest, folder: Path) -> tuple[Any, Any, Any]:
    """A family, a model, and settings that draw nothing."""
    if request.param == "native":
        return transformer, transformer.load(folder), Decoding(temperature=0.0)
    engine: Any = "native" if "engine" in request.param else "transformers"
    return causal_lm, causal_lm.load(folder), CausalSampling(temperature=0.0, engine=engine)


@pytest.fixture(scope="module")
def answers(folder: Path, rows: Dataset) -> list[list[int]]:
    """What `generate` answers to the prompts, those of equal length together and so without padding, up to the first stop."""
    module, prompts = causal_lm.load(folder).module, rows.table(["prompt"])["prompt"].to_pylist()
    of_length = defaultdict(list)
    for number, prompt in enumerate(prompts):
        of_length[len(prompt)].append(number)
    kept: list[list[int]] = [[]] * NUM_ROWS
    for length, numbers in of_length.items():
        alike = torch.tensor([prompts[number] for number in numbers])
        written = module.generate(alike, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=STOPS, pad_token_id=END)
        for number, tokens in zip(numbers, written[:, length:].tolist(), strict=True):
            ends = [place for place, token in enumerate(tokens) if token in STOPS]
            kept[number] = tokens[: ends[0] + 1] if ends else tokens
    return kept


def test_the_prompts_are_of_several_turns_and_unequal(rows: Dataset) -> None:
    prompts = rows.table(["prompt"])["prompt"].to_pylist()
    assert min(prompt.count(END) for prompt in prompts) >= 3
    assert len({len(prompt) for prompt in prompts}) > 40
    assert all(tokens[-1] == END for tokens in rows.table(["tokens"])["tokens"].to_pylist())


def test_greedy_completions_of_200_conversations_are_those_of_generate(network: Any, rows: Dataset, answers: list[list[int]]) -> None:
    module, model, settings = network
    chunks = pairs.prompt_chunks(rows, 32, range(pairs.count_chunks(NUM_ROWS, 32)))
    written = module.complete(model, chunks, Limit(STOPS, NEW_TOKENS), settings, Stream((0, "sample")))
    assert [row for _, lists in pairs.in_order(written, rows, 32) for row in lists.to_pylist()] == answers
    assert 40 < sum(answer[-1] in STOPS for answer in answers) < 190


def test_likelihoods_of_200_turns_are_those_of_a_loop_with_masked_labels(network: Any, rows: Dataset, folder: Path) -> None:
    module, model, _ = network
    reference = causal_lm.load(folder).module
    losses = []
    for row in rows.table().to_pylist():
        ids = torch.tensor([row["prompt"] + row["tokens"]])
        labels = ids.masked_fill(torch.arange(ids.shape[1]) < len(row["prompt"]), -100)
        with torch.inference_mode():
            losses.append(float(reference(input_ids=ids, labels=labels).loss) * len(row["tokens"]))
    np.testing.assert_allclose(-module.log_likelihoods(model, rows, 32)[0], losses, rtol=1e-5)
