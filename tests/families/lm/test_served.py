"""Rows that a server writes: requests, retries, the law of first tokens, what the probe refuses, and a server that is no stand-in."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from heirloom import config as configuration
from heirloom.data import tokenization
from heirloom.data.pairs import Limit, Prompts
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError
from heirloom.families import causal_lm
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.network import Network
from heirloom.families.lm.served import law
from heirloom.families.lm.served.client import Client
from heirloom.families.lm.served.completion import Place, Served, served
from heirloom.families.lm.served.probe import Probe, probe
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding as Settings
from heirloom.specs.endpoint import Endpoint
from small_models import pretrained
from stand_in import Body, Respond, completion, serving

TEXTS = ("The mill of 1843 was sold in 1843 and the river saw it.", "a castle in the garden of winter and the harbour")
STREAM = Stream((0, "served"))
LIMIT = Limit([tokenization.END_OF_DOCUMENT_ID], 6)
VOCABULARY = 280


class Model(NamedTuple):
    network: Network
    tokenizer: Tokenizer
    prompts: list[list[int]]


@pytest.fixture(scope="module")
def model() -> Model:
    tokenizer = tokenization.fit(3 * TEXTS, VOCABULARY)
    network = pretrained("llama", VOCABULARY, context=64, initializer_range=0.3, bos_token_id=None, eos_token_id=0)
    return Model(network, tokenizer, [tokenizer.encode(text).ids[:6] for text in TEXTS])


def settings_of(url: str, temperature: float = 1.0, **endpoint: Any) -> Settings:
    fields = {"engine": "a stand-in", "url": url, "retries": 1, "probes": 256, "start_limit": 1.0, **endpoint}
    return Settings(temperature=temperature, endpoint=Endpoint.model_validate(fields))


def client_of(settings: Settings, url: str) -> Client:
    assert settings.endpoint is not None
    return Client(settings, settings.endpoint, url, "model")


def honest(model: Model) -> Respond:
    return lambda body: (200, completion(model.network, model.tokenizer, body))


def chunk(model: Model) -> Prompts:
    """Return three prompts, the last of which fills the chunk up once more."""
    rows = np.array([5, 9, 2, 2])
    tokens = np.full((4, 6), PADDING, np.int32)
    for place, ids in enumerate([model.prompts[0], model.prompts[1][:4], model.prompts[1], model.prompts[1]]):
        tokens[place, 6 - len(ids) :] = ids
    return Prompts(rows, tokens)


def written(model: Model, respond: Respond, **endpoint: Any) -> tuple[NDArray[np.int32], list[Body]]:
    """Return the completions of a chunk, and the requests for them."""
    with serving(respond) as (url, bodies):
        settings = settings_of(url, **endpoint)
        server = Served(client_of(settings, url), model.tokenizer, {})
        (tokens,) = server.complete(model.network, [chunk(model)], LIMIT, settings, STREAM)
        server.client.close()
    return tokens, bodies


def probed(model: Model, respond: Respond, temperature: float = 1.0, **endpoint: Any) -> Probe:
    with serving(respond) as (url, _):
        settings = settings_of(url, temperature, **endpoint)
        client = client_of(settings, url)
        try:
            return probe(client, model.network, model.prompts, settings, model.tokenizer, LIMIT.tokens, STREAM)
        finally:
            client.close()


def test_a_row_is_one_request_with_a_seed_of_its_own_and_no_truncation(model: Model) -> None:
    tokens, bodies = written(model, honest(model))
    assert len(bodies) == 3  # the row that fills the chunk up is asked for once
    seeds = {body["seed"] for body in bodies}
    uniforms = STREAM.child("tokens").uniforms_of(np.array([5, 9, 2]), LIMIT.tokens)
    assert seeds == {int(number * 2**31) for number in uniforms[:, 0]}
    truncation = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "stream": False, "max_tokens": 6}
    assert all(truncation.items() <= body.items() for body in bodies)
    assert np.array_equal(tokens[2], tokens[3])
    answers = {body["seed"]: completion(model.network, model.tokenizer, body)["choices"][0] for body in bodies}
    for place, number in enumerate(uniforms[:, 0]):
        answer = answers[int(number * 2**31)]
        ids = [*model.tokenizer.encode(answer["text"]).ids, *([0] if answer["finish_reason"] == "stop" else [])]
        row = tokens[place][tokens[place] != PADDING].tolist()
        assert row == ids[: LIMIT.tokens]


def test_prompts_are_token_ids_where_a_server_takes_them_and_its_own_ids_are_taken(model: Model) -> None:
    def respond(body: Body) -> tuple[int, Body]:
        return 200, {"choices": [{"text": "x", "token_ids": body["prompt"][:3], "finish_reason": "stop"}]}

    tokens, bodies = written(model, respond, prompts="tokens", fields={"min_p": None, "return_token_ids": True})
    assert bodies[0]["prompt"] in ([model.prompts[0], model.prompts[1][:4], model.prompts[1]])
    assert tokens[0].tolist() == [*model.prompts[0][:3], 0]
    assert all("min_p" not in body and body["return_token_ids"] for body in bodies)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_retries_and_concurrency_never_change_a_row(model: Model, concurrency: int) -> None:
    failed: set[int] = set()

    def respond(body: Body) -> tuple[int, Body]:
        if body["seed"] in failed:
            return honest(model)(body)
        failed.add(body["seed"])
        return 503, {"error": "busy"}

    expected, _ = written(model, honest(model))
    tokens, bodies = written(model, respond, concurrency=concurrency)
    assert np.array_equal(tokens, expected)
    assert len(bodies) == 6


def test_a_server_that_is_down_and_one_that_refuses_or_answers_with_something_else_are_one_line(model: Model) -> None:
    faults: list[tuple[Respond, str]] = [
        (lambda body: (500, {"error": "lost"}), r"the server is down or gives no answer, after 2 attempts \(status 500: .*lost"),
        (lambda body: (422, {"detail": "top_k"}), r"refuses a request with status 422: .*top_k.*fields: \{NAME: null\}"),
        (lambda body: (200, {"detail": "hello"}), "answers with no completion"),
        (lambda body: (200, {"choices": [{"text": "a", "finish_reason": "tool"}]}), "finish_reason of stop or length, got 'tool'"),
        (lambda body: (200, {"choices": [{"text": "", "finish_reason": "length"}]}), "empty, and the model has not stopped"),
    ]
    for respond, message in faults:
        with pytest.raises(HeirloomError, match=message):
            written(model, respond)


def test_a_server_that_is_not_there_ends_at_once_or_does_not_start_is_one_line(model: Model, tmp_path: Path) -> None:
    causal_lm.save(model.network, tmp_path / "checkpoint")  # type: ignore[arg-type]
    (tmp_path / "tokenizer.json").write_text(model.tokenizer.to_str(), encoding="utf-8")
    place = Place(tmp_path / "checkpoint", tmp_path / "tokenizer.json", {})
    sleeping = (sys.executable, "-c", "import time; time.sleep(60)", "{port}")
    cases: list[tuple[str, dict[str, Any], str]] = [
        (
            "http://127.0.0.1:9/v1",
            {},
            r"127\.0\.0\.1:9/v1/completions: the server is down or gives no answer, after 2 attempts \(ConnectError",
        ),
        ("http://127.0.0.1:{port}/v1", {"command": ("false", "{port}")}, r"sampling\.endpoint\.command ended with status 1"),
        ("http://127.0.0.1:{port}/v1", {"command": ("no-such-server", "{port}")}, "cannot be started"),
        ("http://127.0.0.1:{port}/v1", {"command": sleeping}, r"no server answers in 1 s, .* \(ConnectError"),
    ]
    for url, endpoint, message in cases:
        with (
            pytest.raises(HeirloomError, match=message),
            served(place, model.network, chunk(model), LIMIT, settings_of(url, **endpoint), model.tokenizer, STREAM),
        ):
            pytest.fail("it was served")


def test_the_probe_passes_a_server_that_draws_from_the_whole_law(model: Model) -> None:
    seen = probed(model, honest(model))
    assert seen.repeats
    assert seen.draws == 256
    assert seen.p > 1e-3
    assert abs(seen.distinct - seen.expected_distinct) < 4 * seen.expected_distinct**0.5
    assert seen.expected_distinct > 50


def test_the_probe_says_what_it_saw_of_servers_that_do_not(model: Model) -> None:
    other = pretrained("llama", VOCABULARY, context=64, initializer_range=1.0, bos_token_id=None, eos_token_id=0)
    answer: Callable[..., Body] = completion
    calls: list[int] = []

    def unsteady(body: Body) -> tuple[int, Body]:
        calls.append(1)
        return 200, answer(model.network, model.tokenizer, {**body, "seed": len(calls)})

    cases: list[tuple[Respond, str]] = [
        (lambda body: (200, answer(model.network, model.tokenizer, {**body, "temperature": 0.0})), "8 seeds give one text"),
        (lambda body: (200, answer(model.network, model.tokenizer, {**body, "seed": 1})), "8 seeds give one text"),
        (
            lambda body: (200, answer(model.network, model.tokenizer, body, top_k=50)),
            r"are not the model's \(\d+ different ones in 256 draws",
        ),
        (lambda body: (200, answer(model.network, model.tokenizer, {**body, "temperature": 0.3})), "are not the model's"),
        (lambda body: (200, answer(other, model.tokenizer, body)), "are not the model's"),
        (
            lambda body: (200, answer(model.network, model.tokenizer, {**body, "max_tokens": 12})),
            "max_tokens is 6, and a completion has 12",
        ),
        (unsteady, "the same seed gives another text for . of 8 seeds"),
    ]
    for respond, message in cases:
        with pytest.raises(HeirloomError, match=message):
            probed(model, respond)
    assert not probed(model, unsteady, repeats=False).repeats


def test_the_law_of_a_first_token_follows_temperature_and_truncation() -> None:
    logits = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
    assert law.probabilities(logits, Decoding()) == pytest.approx([0.4, 0.3, 0.2, 0.1])
    assert law.probabilities(logits, Decoding(0.5)) == pytest.approx(np.array([16, 9, 4, 1]) / 30)
    assert law.probabilities(logits, Decoding(top_k=2)) == pytest.approx([4 / 7, 3 / 7, 0, 0])
    assert law.probabilities(logits, Decoding(top_p=0.75)) == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0])
    assert law.probabilities(logits, Decoding(0.0)).tolist() == [1, 0, 0, 0]
    assert law.by_text(np.array([0.5, 0.25, 0.25]), ["a", " a", "b"]) == {"a": 0.75, "b": 0.25}


def test_draws_from_the_law_are_seldom_refused_and_a_text_that_it_lacks_always() -> None:
    p_V = 1 / np.arange(1, 201)
    texts = {str(number): float(p) for number, p in enumerate(p_V / p_V.sum())}
    generator = Stream((0, "law")).generator()
    comparisons = [law.compare(texts, generator.choice(list(texts), size=256, p=list(texts.values())).tolist()) for _ in range(400)]
    share = float(np.mean([one.p < 0.05 for one in comparisons]))
    assert share < 0.05 + 4 * (0.05 * 0.95 / 400) ** 0.5
    distinct = np.array([one.distinct for one in comparisons])
    assert abs(distinct.mean() - comparisons[0].expected_distinct) < 4 * distinct.std() / 20
    assert law.compare(texts, ["nowhere"]).p == 0.0


def fault(**changes: Any) -> str:
    """Return what is wrong with a config whose rows a server writes."""
    endpoint = {"engine": "vllm 0.33", "url": "http://127.0.0.1:8000/v1", **changes.pop("endpoint", {})}
    experiment = {
        "family": {"name": "transformer", "sampling": {"endpoint": endpoint, **changes.pop("sampling", {})}},
        "source": {"name": "files", "paths": ["pairs.jsonl"], "text": {"vocab_size": 300, "rows": "pairs"}},
        "regimes": ["replace"],
        "generations": 1,
        "rows": 20,
        **changes,
    }
    with pytest.raises(HeirloomError) as caught:
        configuration.parse({"regimes": {"replace": {}}, "experiments": {"one": experiment}})
    return str(caught.value)


def test_what_a_server_does_not_go_with_is_refused_with_the_config() -> None:
    blocks = {"name": "files", "paths": ["a.txt"], "text": {"vocab_size": 300}}
    assert "sampling.endpoint needs source.text.rows: pairs" in fault(source=blocks)
    assert "num_processes is 2; with family.sampling.endpoint one process asks" in fault(num_processes=2)
    assert "family.sampling.beams is 3" in fault(sampling={"beams": 3})
    assert "there is no command that would be given a {port}" in fault(endpoint={"url": "http://127.0.0.1:{port}/v1"})
    assert "command has no argument {port}" in fault(endpoint={"command": ["vllm", "serve", "{checkpoint}"]})


@pytest.mark.system
def test_transformers_serve_draws_from_the_whole_law_and_repeats_its_bytes_one_request_at_a_time(model: Model, tmp_path: Path) -> None:
    """With `do_sample` and `top_k: 0` in the folder; without, it answers greedily, and with `do_sample` alone from 50 tokens."""
    program = shutil.which("transformers")
    if program is None or find_spec("fastapi") is None:
        assert os.environ.get("CI") != "true", "transformers serve: missing"
        pytest.skip("no transformers serve: make env")
    causal_lm.save(model.network, tmp_path / "checkpoint")  # type: ignore[arg-type]
    (tmp_path / "tokenizer.json").write_text(model.tokenizer.to_str(), encoding="utf-8")
    place = Place(tmp_path / "checkpoint", tmp_path / "tokenizer.json", {})

    def rows(**endpoint: Any) -> tuple[NDArray[np.int32], dict[str, Any]]:
        command = (program, "serve", "--port", "{port}", "--device", "cpu")
        fields = {"command": command, "fields": {"top_k": None, "min_p": None}, "start_limit": 300.0, **endpoint}
        settings = settings_of("http://127.0.0.1:{port}/v1", **fields)
        with served(place, model.network, chunk(model), LIMIT, settings, model.tokenizer, STREAM) as server:
            (tokens,) = server.complete(model.network, [chunk(model)], LIMIT, settings, STREAM)
            return tokens, dict(server.record)

    whole = {"do_sample": True, "top_k": 0}
    first, record = rows(generation=whole)
    assert record["reproducible"] == "in bytes"
    assert np.array_equal(first, rows(generation=whole)[0])
    with pytest.raises(HeirloomError, match="8 seeds give one text"):
        rows()
    with pytest.raises(HeirloomError, match="are not the model's"):
        rows(generation={"do_sample": True})
    with pytest.raises(HeirloomError, match="the same seed gives another text"):
        rows(generation=whole, concurrency=4)
    assert rows(generation=whole, concurrency=4, repeats=False)[1]["reproducible"] == "in distribution, not in bytes"
