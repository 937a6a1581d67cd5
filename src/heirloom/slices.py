"""What each step depends on: its own slice of the config and the hash of its code, as one small mapping a job.

The slice is what Snakemake compares (the params trigger), what the step is run with, and what the manifest records. A key that is in no
slice (``granularity``, names of experiments) changes no byte and reruns nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from heirloom import codehash, paths, planned_files, sources
from heirloom.config import Config, Experiment
from heirloom.families import module_name
from heirloom.paths import ORIGIN
from heirloom.specs.base import Strict

SCHEMA_VERSION = 1

_ROWS = ("sample", "train", "evaluate")
_ROWLESS = ("summarise", "draw", "merge", "subset", "fitted", "measure")
"""What a whole-chain job calls of a family (`families.base`): with rows, and without."""


def real(config: Config, experiment: str, pool: int = 0) -> dict[str, Any]:
    """Return the slice of an experiment's real data (pool, held-out sets, tokenizer): settings, and the files they are made from.

    Parameters
    ----------
    pool
        The seed whose pool it is (`config.Experiment.pool_of`).
    """
    settings = real_settings(config, experiment, pool)
    return settings | planned_files.of_real(settings, paths.real(paths.REAL_TRAIN, experiment, pool), config.experiments[experiment])


def real_settings(config: Config, experiment: str, pool: int = 0) -> dict[str, Any]:
    """Return the slice of real data without the files; seed 0's pool says nothing of a seed."""
    chosen = config.experiments[experiment]
    entry = "heirloom.steps.real:run_text" if chosen.is_text else "heirloom.steps.real:run_vectors"
    source = chosen.source.model_dump(mode="json", exclude={"license"})
    own: dict[str, Any] = {"source": source} if chosen.is_text else {"source": source, "num_replicas": chosen.num_replicas}
    own |= {"seed": pool} if pool else {}
    return {"step": "real", **own, **_common(config, entry, f"{sources.SOURCES[chosen.source.name]}:*")}


def pretrained(config: Config, experiment: str) -> dict[str, Any]:
    """Return the slice of a pretrained model: which one, and its files."""
    settings = pretrained_settings(config, experiment)
    return settings | planned_files.of_pretrained(settings, experiment, config.experiments[experiment])


def pretrained_settings(config: Config, experiment: str) -> dict[str, Any]:
    """Return the slice of a pretrained model without its files."""
    chosen = config.experiments[experiment]
    assert chosen.pretrained is not None
    return {
        "step": "pretrained",
        "family": chosen.family.name,
        "model": chosen.pretrained.model_dump(mode="json"),
        **_common(config, "heirloom.steps.pretrained:run", *_entries(chosen, "fetch", "save")),
    }


def mix(config: Config, experiment: str, regime: str, seed: int, generation: int) -> dict[str, Any]:
    """Return the slice of a training set: the regime's declaration and the row counts, or the origin's count alone."""
    chosen = config.experiments[experiment]
    own: dict[str, Any] = {"num_replicas": chosen.num_replicas}
    if generation == 0:
        own |= {"rows": chosen.original_rows}
    else:
        own |= {"rows": chosen.rows, "mixing": _chosen(config.regimes[regime])}
    return {"step": "mix", **_key(regime, seed, generation), **own, **_common(config, "heirloom.steps.mix:run")}


def train(config: Config, experiment: str, regime: str, seed: int, generation: int) -> dict[str, Any]:
    """Return the slice of a training: the settings of this generation's fit."""
    chosen = config.experiments[experiment]
    fit = chosen.family.training.fit(generation, chosen.text)
    trains = ("train", "resume") if "resume" in chosen.family.abilities else ("train",)
    return {
        "step": "train",
        **_key(regime, seed, generation),
        "family": chosen.family.name,
        "fit": fit.model_dump(mode="json"),
        **({"num_processes": chosen.num_processes} if chosen.num_processes > 1 else {}),
        **_device(chosen),
        **_common(config, "heirloom.steps.train:run", *_entries(chosen, *trains, "load", "save")),
    }


def sample(config: Config, experiment: str, regime: str, seed: int, generation: int) -> dict[str, Any]:
    """Return the slice of a synthetic set: decoding, rows and their layout in chunks, and what the regime says about them."""
    chosen, mixing = config.experiments[experiment], config.regimes[regime]
    own: dict[str, Any] = {"sizes": _chosen(mixing.sizes), "edit": _chosen(mixing.edit) if mixing.edit else {}}
    if chosen.text and not chosen.continues_rows:
        own |= {"row_tokens": chosen.text.row_tokens}
    functions = ("sample", "load", "edit") if mixing.edit else ("sample", "load")
    return {
        "step": "sample",
        **_key(regime, seed, generation),
        "family": chosen.family.name,
        "rows": chosen.rows,
        "sampling": _chosen(chosen.family.sampling),
        **{key: value for key, value in own.items() if value},
        **_chunks(chosen),
        **_device(chosen),
        **_common(config, "heirloom.steps.sample:run", *_entries(chosen, *functions)),
    }


def select(config: Config, experiment: str, regime: str, seed: int, generation: int) -> dict[str, Any]:
    """Return the slice of a selection: the judge and its errors."""
    chosen, judged = config.experiments[experiment], config.regimes[regime].select
    assert judged is not None
    return {
        "step": "select",
        **_key(regime, seed, generation),
        "family": chosen.family.name,
        "select": _chosen(judged),
        **_chunks(chosen),
        **_device(chosen),
        **_common(config, "heirloom.steps.select:run", *_entries(chosen, "log_likelihoods", "load")),
    }


def evaluate(config: Config, experiment: str, regime: str, seed: int, generation: int) -> dict[str, Any]:
    """Return the slice of a generation's measures."""
    chosen = config.experiments[experiment]
    own: dict[str, Any] = {"rows": chosen.rows, "num_replicas": chosen.num_replicas}
    if chosen.text:
        own |= {"evaluation_rows": chosen.evaluation_rows, "vocab_size": chosen.text.vocab_size or 0}
        own |= {"divergence_rows": chosen.divergence_rows} if chosen.divergence_rows else {}
    else:
        own |= {"truth": sources.module(chosen.source.name).law(chosen.source)}
        pool = chosen.pool_of(seed)
        made = paths.real(paths.REAL_TRAIN, experiment, pool)
        own |= planned_files.of_measures(real_settings(config, experiment, pool), made, chosen)
    return {
        "step": "evaluate",
        **_key(regime, seed, generation),
        "family": chosen.family.name,
        **own,
        **_chunks(chosen),
        **_device(chosen),
        **_common(config, "heirloom.steps.evaluate:run", *_entries(chosen, "evaluate", "load")),
    }


def chain(config: Config, experiment: str, regime: str, seed: int) -> dict[str, Any]:
    """Return the slice of a whole lineage run in one job: the slices of its steps, as they are at generation 1, and its length."""
    chosen = config.experiments[experiment]
    judged = config.regimes[regime].select is not None
    parts, judging = ((select,), ("log_likelihoods",)) if judged else ((), ())
    functions = (*(_ROWS if chosen.has_rows else _ROWLESS), *judging, "load", "save")
    steps = {step.__name__: _bare(step(config, experiment, regime, seed, 1)) for step in (mix, train, sample, evaluate, *parts)}
    return {
        "step": "chain",
        "regime": regime,
        "seed": seed,
        "generations": chosen.generations,
        "snapshots": sorted(chosen.snapshots),
        "steps": steps,
        **({} if chosen.has_rows else {"path": "statistics"}),
        **_common(config, "heirloom.steps.chain:run", *_entries(chosen, *functions)),
    }


def _bare(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step's slice without what the chain's own slice says once."""
    return {key: value for key, value in step.items() if key not in {"regime", "seed", "generation", "code", "num_threads"}}


def _chosen(part: Strict) -> dict[str, Any]:
    """Return what a part of the config chooses other than the default: a key that is added later leaves slices without it as they are.

    A default that changes reruns what it concerns all the same, because it is code.
    """
    return part.model_dump(mode="json", exclude_defaults=True)


def _key(regime: str, seed: int, generation: int) -> dict[str, Any]:
    return {"regime": ORIGIN if generation == 0 else regime, "seed": seed, "generation": generation}


def _chunks(chosen: Experiment) -> dict[str, Any]:
    return {"chunk_rows": chosen.chunk_rows} if chosen.is_text else {}


def _device(chosen: Experiment) -> dict[str, Any]:
    return {"device": chosen.device} if chosen.device != "auto" else {}


def _entries(chosen: Experiment, *functions: str) -> list[str]:
    return [f"{module_name(chosen.family.name)}:{function}" for function in functions]


def _common(config: Config, *entries: str) -> dict[str, Any]:
    return {"code": _code(entries), "num_threads": config.num_threads}


@cache
def _code(entries: tuple[str, ...]) -> str:
    return codehash.of(*entries)
