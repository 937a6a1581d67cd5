"""What a text family is measured by where rows are a prompt and its completion: all measures of text, on completions, and answers as such.

Perplexity is of completions given their prompts: exp of nats a token, the end token being one of them. The answers to the prompts of
held-out pairs are compared with what people answered, and so are the rows that the parent has written. What the same scores are by chance
stands beside them: each held-out answer of a human, compared with that to another prompt.

Legend of shapes: B rows of a chunk, P tokens of the longest prompt, C tokens of the longest completion, N rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import words
from heirloom.data import pairs, ragged
from heirloom.data.dataset import Dataset
from heirloom.data.pairs import Limit, Prompts
from heirloom.errors import HeirloomError
from heirloom.families import text as text_family
from heirloom.families.base import Measuring, Sets
from heirloom.measures import answers, frequency, ngrams, text
from heirloom.measures.sums import GroupedSums

Losses = Callable[[NDArray[Any], NDArray[Any]], NDArray[np.float64]]
"""From prompts (B, P) and completions (B, C) to the nats of each token of the completions, 0 for padding, shape (B, C)."""

Respond = Callable[[Iterable[Prompts], Limit], Iterable[NDArray[np.int32]]]
"""From chunks of prompts to their completions, padding behind, shape (B, C)."""


def evaluate(model: Losses, origin: Losses, respond: Respond, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return a generation's measures by name.

    Parameters
    ----------
    model, origin
        How surprised the generation's model is by completions, and generation 0.
    respond
        How the generation's model answers.
    """
    bands_V = frequency.bands(_counts(sets.original, measuring.vocab_size))
    nats_N, sums = row_nats(model, sets.held_out, measuring.chunk_rows, bands_V)
    lengths_N = pairs.lengths(sets.held_out, "tokens")
    return {
        "test_perplexity": text.perplexity(float(nats_N.sum()), int(lengths_N.sum())),
        **_named("test_loss_by_frequency", frequency.loss_by_frequency(sums)),
        **_test_answers(respond, sets, measuring),
        **written(sets, measuring.generation),
        **_surprise(origin, sets.scored, measuring.chunk_rows),
        **diversity(sets.sample, measuring.vocab_size),
        **runs(sets, measuring.generation),
        **surviving_words(sets, measuring.generation, _whole_texts),
    }


def edited(
    completions_BC: NDArray[Any], probability_BC: NDArray[np.float64], drawn_BC: NDArray[Any], above: float, stops: Sequence[int]
) -> NDArray[np.int32]:
    """Return completions in which each token is the drawn one where its probability is at least ``above``, if neither is an end token.

    Parameters
    ----------
    completions_BC
        Padding behind each, which stays.
    probability_BC, drawn_BC
        Of each token: its probability, and what may stand in for it.
    """
    is_fixed_BC = np.isin(completions_BC, [ragged.PADDING, *stops]) | np.isin(drawn_BC, stops)
    edited_BC = np.where((probability_BC >= above) & ~is_fixed_BC, drawn_BC, completions_BC)
    return edited_BC.astype(np.int32)


def log_likelihoods(losses: Losses, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return the log-likelihood of each row's completion given its prompt in nats, shape (1, N): one replica."""
    return -row_nats(losses, rows, chunk_rows)[0][None]


def row_nats(
    losses: Losses, rows: Dataset, chunk_rows: int, group_V: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.float64], GroupedSums]:
    """Return the nats of each row's completion, shape (N,), and their sums by the group of the token to be found.

    Parameters
    ----------
    group_V
        The group of each token id, shape (V,); None for no groups.
    """
    counts = np.zeros(0, np.int64)
    if group_V is not None:
        counts = np.bincount(group_V, weights=_counts(rows, len(group_V))).astype(np.int64)
    nats_N, sums = np.empty(rows.num_rows), GroupedSums(counts)
    for positions, prompts_BP, completions_BC in pairs.chunks(rows, chunk_rows):
        num_rows = len(np.unique(positions))  # the last chunk of a window was filled up
        nats_BC, tokens_BC = losses(prompts_BP, completions_BC)[:num_rows], completions_BC[:num_rows]
        nats_N[positions[:num_rows]] = np.cumsum(nats_BC, axis=1)[:, -1]  # one by one: zeros behind, however many, change no bit
        if group_V is not None:
            is_token = tokens_BC != ragged.PADDING
            sums.add(group_V[tokens_BC[is_token]], nats_BC[is_token])
    return nats_N, sums


def _test_answers(respond: Respond, sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return how the model answers held-out prompts, and what a human's answers score by chance, to prompts half of the set away."""
    if measuring.decode is None:
        raise HeirloomError("measuring answers needs the tokenizer, to read them as text")
    rows, limit = sets.held_out, Limit(pairs.stops(sets.original), measuring.completion_tokens)
    num_chunks = pairs.count_chunks(rows.num_rows, measuring.chunk_rows)
    answers_BC = respond(pairs.prompt_chunks(rows, measuring.chunk_rows, range(num_chunks)), limit)
    scores, texts = answers.Scores(), rows.texts()
    stopped, lengths = list[bool](), list[int]()
    for _, completions in pairs.in_order(answers_BC, rows, measuring.chunk_rows):
        lists = completions.to_pylist()
        has_stopped = [tokens[-1] in limit.stops for tokens in lists]
        written = measuring.decode([tokens[:-1] if stop else tokens for tokens, stop in zip(lists, has_stopped, strict=True)])
        for answer, reference in zip(written, texts, strict=False):
            scores.add(answer, reference)
        stopped += has_stopped
        lengths += map(len, lists)
    measures = {**scores.means, "stop_rate": answers.stop_rate(stopped), **_named("completion_tokens", answers.lengths(lengths))}
    return {f"test_{name}": value for name, value in measures.items()} | _by_chance(rows)


def _by_chance(rows: Dataset) -> dict[str, float]:
    """Return what people's answers score, each given to a prompt half of the set away, and so hardly ever of the same document."""
    half, chance = rows.num_rows // 2, answers.Scores()
    shifted = chain(islice(rows.texts(), half, None), islice(rows.texts(), half))
    for answer, reference in zip(shifted, rows.texts(), strict=True):
        chance.add(answer, reference)
    return {f"chance_{name}": value for name, value in chance.means.items()}


def written(sets: Sets, generation: int) -> dict[str, float]:
    """Return how the written rows end, how long they are, and how like the answers of the people whose prompts they complete."""
    sample = sets.sample
    stopped = np.concatenate([batch.column(0).to_numpy(zero_copy_only=False) for batch in sample.batches(["stopped"])])
    measures = {
        "stop_rate": answers.stop_rate(stopped),
        **_named("completion_tokens", answers.lengths(pairs.lengths(sample, "tokens"))),
    }
    if not generation:
        return measures
    scores = answers.Scores()
    for answer, reference in _with_references(sample, sets.original):
        scores.add(answer, reference)
    return measures | scores.means


def _with_references(sample: Dataset, original: Dataset) -> Iterator[tuple[str, str]]:
    """Yield the text of each written row and of the original row whose prompt it completes.

    Both sets are in the order of prompts; where each prompt has several answers, they begin anew.
    """
    references = zip(_column(original, "row"), _column(original, "text"), strict=True)
    row, reference = next(references)
    for parent, answer in zip(_column(sample, "parent"), _column(sample, "text"), strict=True):
        if parent < row:
            references = zip(_column(original, "row"), _column(original, "text"), strict=True)
            row, reference = next(references)
        while row != parent:
            row, reference = next(references)
        yield answer, reference


def _column(rows: Dataset, name: str) -> Iterator[Any]:
    for batch in rows.batches([name]):
        yield from batch.column(0).to_pylist()


def _surprise(origin: Losses, scored: Dataset, chunk_rows: int) -> dict[str, float]:
    nats_N, _ = row_nats(origin, scored, chunk_rows)
    perplexities = text.row_perplexities(nats_N, pairs.lengths(scored, "tokens"))
    return {
        **_named("origin_perplexity", text.perplexity_quantiles(perplexities)),
        **_named("origin_perplexity_histogram", text.perplexity_histogram(perplexities)),
    }


def diversity(sample: Dataset, vocab_size: int) -> dict[str, float]:
    """Return how many different tokens and runs of tokens rows have, how evenly, and how many rows are repeated."""
    counts = _counts(sample, vocab_size)
    measures = {
        "token_entropy": text.token_entropy(counts),
        "vocabulary_coverage": text.vocabulary_coverage(counts, vocab_size),
        "duplicate_row_share": text.duplicate_row_share(pairs.equal_lengths(sample, "tokens")),
    }
    for n in (1, 2, 3):
        if pairs.lengths(sample, "tokens").max(initial=0) >= n:
            measures[f"distinct_{n}"] = text.distinct_n(pairs.equal_lengths(sample, "tokens"), n)
    return measures


def runs(sets: Sets, generation: int) -> dict[str, float]:
    """Return how often runs of tokens come back, as `families.text` does; rows shorter than a run have none."""
    n, leak = text_family.RUN, ngrams.LEAK_TOKENS
    newest = sets.sample if generation else sets.held_out
    longest = {name: pairs.lengths(rows, "tokens").max(initial=0) for name, rows in vars(sets).items()}
    measures = {}
    if longest["sample"] >= n:
        measures[f"repetition_{n}"] = _repetition(sets.sample, n)
        measures[f"self_overlap_{n}"] = ngrams.self_overlap(pairs.equal_lengths(sets.sample, "tokens", n), n)
    if longest["sample" if generation else "held_out"] >= n:
        known = pairs.equal_lengths(sets.original, "tokens", n)
        measures[f"novelty_{n}"] = ngrams.novelty(pairs.equal_lengths(newest, "tokens", n), known, n)
    if longest["held_out"] >= leak:
        written = pairs.equal_lengths(sets.sample if generation else sets.original, "tokens", leak)
        measures["test_leak"] = ngrams.leak(pairs.equal_lengths(sets.held_out, "tokens", leak), written)
    return measures


def _repetition(rows: Dataset, n: int) -> float:
    """Return the mean repetition of rows of at least n tokens (`ngrams.repetition`)."""
    total, num_rows = 0.0, 0
    for tokens_BT in pairs.equal_lengths(rows, "tokens", n):
        total += len(tokens_BT) * ngrams.repetition([tokens_BT], n)
        num_rows += len(tokens_BT)
    return total / num_rows


def describe(sets: Sets, measuring: Measuring) -> dict[str, float]:
    """Return the measures that need no model: how completions end, how like people's they are, their diversity, runs and words."""
    return {
        **written(sets, measuring.generation),
        **diversity(sets.sample, measuring.vocab_size),
        **runs(sets, measuring.generation),
        **surviving_words(sets, measuring.generation, _whole_texts),
    }


def surviving_words(sets: Sets, generation: int, texts: Callable[[Dataset], Iterable[str]]) -> dict[str, float]:
    """Return which words of people's rows are still written, and how many words there are; ``texts`` says what of a row is read."""
    produced, reference = words.count(texts(sets.sample)), words.count(texts(sets.original))
    tokens = {name: int(pairs.lengths(rows, "tokens").sum()) for name, rows in (("sample", sets.sample), ("original", sets.original))}
    measures = {
        **_named("tail_survival", text.tail_survival(reference, produced)),
        **text_family.drift(list(reference.values()), generation, tokens["sample"] / tokens["original"]),
        "word_types": float(len(produced)),
    }
    if len(produced) > 1:
        measures["zipf_slope"] = frequency.zipf_slope(produced.values())
    return measures


def _whole_texts(rows: Dataset) -> Iterator[str]:
    """Yield completions between spaces, so that a word at the beginning is whole, and one at the end where the completion has stopped."""
    for batch in rows.batches(["text", "stopped"]):
        columns = (batch.column(batch.schema.get_field_index(name)).to_pylist() for name in ("text", "stopped"))
        for completion, has_stopped in zip(*columns, strict=True):
            yield f" {completion} " if has_stopped else f" {completion}"


def _counts(rows: Dataset, vocab_size: int) -> NDArray[np.int64]:
    return text.count_tokens(pairs.equal_lengths(rows, "tokens"), vocab_size)


def _named(measure: str, values: dict[str, float]) -> dict[str, float]:
    return {f"{measure}.{name}": value for name, value in values.items()}
