"""A project of small lineages, made by the real steps in this process: n-gram text in two arms, and a chain that keeps some generations."""

from __future__ import annotations

from typing import Any

from heirloom import config as configuration
from heirloom import paths, slices
from heirloom.config import Config
from heirloom.steps import chain, mix, real, sample, train

SOURCE = {"name": "files", "paths": ["corpus/*.txt"], "text": {"vocab_size": 300, "row_tokens": 8}}
REGIMES: dict[str, Any] = {
    "replace": {},
    "keep": {"original": {"share": 0.25}},
    "accumulate": {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"},
}


def declared(generations: int = 3, **training: Any) -> Config:
    """Return the config of the project."""
    text = {"family": {"name": "ngram", "training": {"order": 2, **training}}, "source": SOURCE, "rows": 20, "origin_rows": 40}
    gaussian = {"family": {"name": "gaussian"}, "source": {"name": "normal", "rows": 100, "test_rows": 10}, "rows": 10, "num_replicas": 3}
    kept = {"generations": 3, "granularity": "chain", "snapshots": [1, 3]}
    experiments = {
        "text": {**text, "generations": generations, "regimes": ["replace", "accumulate"]},
        "normal": {**gaussian, **kept, "regimes": ["keep"]},
    }
    return configuration.parse({"regimes": REGIMES, "experiments": experiments})


def make(config: Config) -> None:
    """Write the project's data into the working folder, which holds a corpus."""
    make_text(config)
    inputs = make_origin(config, "normal")
    chain.run(slices.chain(config, "normal", "keep", 0), inputs, paths.TRAJECTORY.format(experiment="normal", regime="keep", seed=0))


def make_text(config: Config, regimes: tuple[str, ...] = ("replace", "accumulate")) -> None:
    """Write the text experiment's data."""
    make_origin(config, "text")
    for regime in regimes:
        for generation in range(1, config.experiments["text"].generations + 1):
            make_generation(config, regime, generation)


def make_origin(config: Config, name: str) -> dict[str, str]:
    """Write an experiment's real data and generation 0; return the inputs of a chain."""
    pool, held_out, valid, tokenizer, documents = (
        paths.fill(pattern, name) for pattern in (paths.REAL_TRAIN, paths.REAL_TEST, paths.REAL_VALID, paths.TOKENIZER, paths.DOCUMENTS)
    )
    original, checkpoint = paths.fill(paths.TRAIN, name, seed=0, generation=0), paths.fill(paths.CHECKPOINT, name, seed=0, generation=0)
    if config.experiments[name].is_text:
        real.run_text(slices.real(config, name), {"train": pool, "valid": valid, "test": held_out}, tokenizer, documents)
    else:
        real.run_vectors(slices.real(config, name), pool, held_out)
    mix.run(slices.mix(config, name, "origin", 0, 0), pool, None, [], original)
    train.run(slices.train(config, name, "origin", 0, 0), original, None, checkpoint)
    return {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}


def make_generation(config: Config, regime: str, generation: int) -> None:
    """Write one generation of the text experiment."""
    key = ("text", regime, 0)

    def at(pattern: str, number: int) -> str:
        return paths.fill(pattern, *key, number)

    original, parent = at(paths.TRAIN, 0), generation - 1
    checkpoint, rows = at(paths.CHECKPOINT, parent), at(paths.TRAIN, parent)
    tokenizer = paths.fill(paths.TOKENIZER, "text")
    given = {"checkpoint": checkpoint, "train": rows, "prompts": original, "tokenizer": tokenizer, "judge": ""}
    sample.run(slices.sample(config, *key, generation), given, at(paths.SYNTHETIC, generation))
    first = 1 if regime == "accumulate" else generation
    synthetic = [at(paths.SYNTHETIC, number) for number in range(first, generation + 1)]
    mix.run(slices.mix(config, *key, generation), paths.fill(paths.REAL_TRAIN, "text"), original, synthetic, at(paths.TRAIN, generation))
    train.run(slices.train(config, *key, generation), at(paths.TRAIN, generation), None, at(paths.CHECKPOINT, generation))
