"""A project of small lineages, made by the real steps in this process: n-gram text in two arms, and a chain that keeps some generations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from by_hand import slice_of
from heirloom import config as configuration
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Kind
from heirloom.config import Config
from heirloom.steps import chain, mix, real, sample, train

SOURCE = {"name": "files", "paths": ["corpus/*.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}
REGIMES: dict[str, Any] = {
    "replace": {},
    "keep": {"original": {"share": 0.25}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
}


def declared(generations: int = 3, source: Mapping[str, Any] = SOURCE, **training: Any) -> Config:
    """Return the config of the project."""
    text = {"family": {"name": "ngram", "training": {"order": 2, **training}}, "source": dict(source), "rows": 20, "origin_rows": 40}
    gaussian = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 100, "test_rows": 10}, "rows": 10, "num_replicas": 3}
    chain_settings = {"generations": 3, "granularity": "chain", "snapshots": [1, 3]}
    experiments = {
        "text": {**text, "generations": generations, "regimes": ["replace", "accumulate"]},
        "normal": {**gaussian, **chain_settings, "regimes": ["keep"]},
    }
    return configuration.parse({"regimes": REGIMES, "experiments": experiments})


def make(config: Config) -> None:
    """Write the project's data into the working folder, which holds a corpus."""
    make_text(config)
    inputs = make_origin(config, "normal")
    chain.run(
        slice_of("chain", config, "normal", "keep", 0),
        inputs,
        {"trajectory": kinds.TRAJECTORY.path(experiment="normal", regime="keep", seed=0)},
    )


def make_text(config: Config, regimes: tuple[str, ...] = ("replace", "accumulate")) -> None:
    """Write the text experiment's data."""
    make_origin(config, "text")
    for regime in regimes:
        for generation in range(1, config.experiments["text"].generations + 1):
            make_generation(config, regime, generation)


def make_origin(config: Config, name: str) -> dict[str, str]:
    """Write an experiment's real data and generation 0; return the inputs of a chain."""
    pool, held_out, valid, tokenizer, documents = (
        kind.path(name) for kind in (kinds.REAL_TRAIN, kinds.REAL_TEST, kinds.REAL_VALID, kinds.TOKENIZER, kinds.DOCUMENTS)
    )
    original, checkpoint = kinds.TRAIN.path(name, seed=0, generation=0), kinds.CHECKPOINT.path(name, seed=0, generation=0)
    if config.experiments[name].is_text:
        real.run_text(
            slice_of("real", config, name),
            {"train": pool, "valid": valid, "test": held_out, "tokenizer": tokenizer, "documents": documents},
        )
    else:
        real.run_vectors(slice_of("real", config, name), {"train": pool, "test": held_out})
    mix.run(slice_of("mix", config, name, "origin", 0, 0), {"pool": pool}, {"train": original})
    train.run(slice_of("train", config, name, "origin", 0, 0), {"train": original}, {"checkpoint": checkpoint})
    return {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}


def make_generation(config: Config, regime: str, generation: int) -> None:
    """Write one generation of the text experiment."""
    key = ("text", regime, 0)

    def at(kind: Kind, number: int) -> str:
        return kind.path(*key, number)

    original, parent = at(kinds.TRAIN, 0), generation - 1
    checkpoint, rows = at(kinds.CHECKPOINT, parent), at(kinds.TRAIN, parent)
    tokenizer = kinds.TOKENIZER.path("text")
    inputs = {"checkpoint": checkpoint, "train": rows, "prompts": original, "tokenizer": tokenizer, "judge": ""}
    sample.run(slice_of("sample", config, *key, generation), inputs, {"synthetic": at(kinds.SYNTHETIC, generation)})
    first = 1 if regime == "accumulate" else generation
    synthetic = [at(kinds.SYNTHETIC, number) for number in range(first, generation + 1)]
    mix.run(
        slice_of("mix", config, *key, generation),
        {"pool": kinds.REAL_TRAIN.path("text"), "original": original, "synthetic": " ".join(synthetic)},
        {"train": at(kinds.TRAIN, generation)},
    )
    train.run(
        slice_of("train", config, *key, generation),
        {"train": at(kinds.TRAIN, generation)},
        {"checkpoint": at(kinds.CHECKPOINT, generation)},
    )
