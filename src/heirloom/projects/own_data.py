"""A project for somebody's own data: look at them, choose the keys of a config that fits, try it, and write the project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import accumulate, islice, takewhile
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.projects import create, places, row_form, sizes, trial
from heirloom.projects.choice import Choice
from heirloom.projects.places import Place
from heirloom.projects.row_form import Form
from heirloom.specs.experiment import Experiment
from heirloom.steps import real

_SAMPLE_DOCUMENTS, _SAMPLE_CHARACTERS = 2_000, 2_000_000
_READ_CHARACTERS = 50_000_000
"""Of larger data only the first documents are read: a first look needs no more, and every row of it is counted."""

_FROM_NOTHING = "name: transformer"
_FINE_TUNED = """
name: causal_lm
training: {epochs: 1, batch_rows: 8, best_epoch: last}
"""


class Sample(NamedTuple):
    """Texts of the first documents: of each document one, or of each pair its prompt and its completion."""

    documents: Sequence[str]
    prompts: Sequence[str]
    completions: Sequence[str]

    @property
    def characters(self) -> float:
        """Characters of a document, in the mean."""
        return sum(map(len, self.documents)) / max(len(self.documents), 1)


def project(folder: Path, data: str, model: str | None) -> list[Choice]:
    """Write a project for a file, a folder or a hub id, and return what was chosen.

    Parameters
    ----------
    model
        A causal language model to fine-tune: a hub id or a folder. None trains a small transformer from nothing.

    Raises
    ------
    HeirloomError
        If the data cannot serve, the folder is not empty, or no config for them passes `heirloom check --thorough`.
    """
    create.check_place(folder)
    place = places.look(data)
    form = row_form.of_rows(place.rows, data) if not place.plain_files else row_form.of_plain(place.plain_files)
    row_form.check_template(form, model)
    family, family_choice = _family(model, is_pairs=form.is_pairs)
    experiment: dict[str, Any] = {"family": family, "source": place.source | form.source | {"text": form.text}}
    sample = _sample(experiment)
    reading, reading_choices = _reading(place, sample)
    text, text_choices = _text(form, sample, has_tokenizer=model is not None)
    experiment["source"] |= reading | {"text": form.text | text}
    pool_rows = real.count_rows(_checked(experiment).source)
    experiment |= sizes.rows(pool_rows)
    config_text, size_choice = trial.config_text(experiment, folder, pool_rows)
    create.project(folder, config_text)
    return [*place.choices, *form.choices, *reading_choices, *text_choices, family_choice, size_choice]


def _checked(experiment: Mapping[str, Any]) -> Any:
    """Return an experiment of the config, whose sizes may be missing yet."""
    missing = {"regimes": ["replace"], "generations": sizes.GENERATIONS, "rows": sizes.FEWEST_ROWS}
    return Experiment.model_validate(missing | dict(experiment))


def _family(model: str | None, *, is_pairs: bool) -> tuple[dict[str, Any], Choice]:
    """Return the family: what is fine-tuned is the model that was named, and without one a small transformer learns from nothing."""
    if model is not None:
        family = yaml.safe_load(_FINE_TUNED) | {"model": {"path": model}}
        return family, Choice("family", family["name"], "the model of --model is fine-tuned anew in each generation")
    family = yaml.safe_load(_FROM_NOTHING) | ({} if is_pairs else {"sampling": {"temperature": 0.9}})
    return family, Choice("family", family["name"], "no --model is given: a small one learns from nothing")


def _sample(experiment: Mapping[str, Any]) -> Sample:
    """Return the first documents of a source, as Heirloom itself reads it."""
    source = _checked(experiment).source
    documents = [document.text for document in islice(sources.documents(source), _SAMPLE_DOCUMENTS)]
    totals = accumulate(map(len, documents))
    first_documents = documents[: 1 + sum(1 for _ in takewhile(lambda total: total < _SAMPLE_CHARACTERS, totals))]
    if source.text.pairs is None:
        return Sample(first_documents, (), ())
    pairs = [pair for document in first_documents for pair in _pairs(json.loads(document))]
    if not pairs:
        raise HeirloomError(f"--data: none of the first {len(first_documents):,} conversations has an answer (a message of role assistant)")
    return Sample([prompt + completion for prompt, completion in pairs], *zip(*pairs, strict=True))


def _pairs(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the prompts and completions of a record; of a conversation each answer, and what precedes it without its template."""
    if "messages" not in record:
        return [(prompt, completion) for prompt, completion in record["pairs"]]
    if not all(isinstance(message, dict) for message in record["messages"]):
        raise HeirloomError("--data: a message is no object; each has `role` and `content`")
    contents = [(message.get("role"), str(message.get("content"))) for message in record["messages"]]
    answers = [number for number, (role, _) in enumerate(contents) if role == "assistant"]
    return [("\n".join(text for _, text in contents[:number]), contents[number][1]) for number in answers]


def _reading(place: Place, sample: Sample) -> tuple[dict[str, Any], list[Choice]]:
    """Return how many documents are read, where not all are."""
    if place.num_bytes is not None and place.num_bytes <= _READ_CHARACTERS:
        return {}, []
    most = max(1, round(_READ_CHARACTERS / max(sample.characters, 1)))
    reason = f"about {_READ_CHARACTERS / 1e6:.0f} million characters; take the key out to read all"
    return {"max_documents": most}, [Choice("source.max_documents", f"{most:,}", reason)]


def _text(form: Form, sample: Sample, *, has_tokenizer: bool) -> tuple[dict[str, Any], list[Choice]]:
    """Return the keys of `source.text` that are lengths: of the vocabulary, of blocks or of pairs."""
    tokenizer, vocabulary = sizes.vocabulary(sample.documents)

    def tokens(texts: Sequence[str]) -> list[int]:
        return [len(encoding) for encoding in tokenizer.encode_batch(list(texts))]

    of_vocabulary: dict[str, Any] = {} if has_tokenizer else {"vocab_size": int(vocabulary.value)}
    choices = [] if has_tokenizer else [vocabulary]
    if not form.is_pairs:
        block = sizes.row_tokens(tokens(sample.documents), is_packed="packing" in form.text)
        return {**of_vocabulary, "row_tokens": int(block.value)}, [*choices, block]
    parts = {"max_prompt_tokens": sample.prompts, "max_completion_tokens": sample.completions}
    limits = {key: sizes.limit(key, tokens(texts)) for key, texts in parts.items()}
    pairs = form.text["pairs"] | {key: int(choice.value) for key, choice in limits.items()}
    return {**of_vocabulary, "pairs": pairs}, [*choices, *limits.values()]
