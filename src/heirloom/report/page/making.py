"""How it was made: config, versions, commit, threads, seeds, what each step cost, how to do it again, and what was not run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom import __version__
from heirloom.config import Config
from heirloom.diffs.render.blocks import number, safe
from heirloom.lineage import git
from heirloom.lineage.artefact import Artefact
from heirloom.report import facts
from heirloom.report.claims.verdicts import Answer
from heirloom.specs.experiment import Experiment

COMMIT_DIGITS = 12
LIBRARIES = ("snakemake", "dvc", "pandas", "altair")


def context(config: Config, config_file: Path, nodes: Iterable[Artefact], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the section for the template.

    Parameters
    ----------
    nodes
        Artefacts of the run, whose manifests name versions and machine.
    """
    commit, changes = git.tree()
    environments = [node.manifest.get("environment", {}) for node in nodes]
    missing_claims = [answer.claim for answer in answers if not answer.findings]
    experiments = config.experiments.items()
    names_of_one_seed = [name for name, experiment in experiments if len(experiment.seeds) == 1]
    return {
        "config_file": config_file.name,
        "config": safe_lines(config_file.read_text(encoding="utf-8")),
        "experiments": list(itertools.starmap(_experiment, experiments)),
        "environment": environment(environments),
        "num_threads": config.num_threads,
        "written_with": versions(),
        "commit": commit[:COMMIT_DIGITS],
        "changed": bool(changes),
        "commits": _commits(),
        "costs": _costs(),
        "not_run": [{"statement": claim.statement, "id": claim.id} for claim in missing_claims],
        "one_seed": names_of_one_seed,
    }


def safe_lines(text: str) -> str:
    """Return text with its lines kept and every other control or format character spelled out."""
    return "\n".join(safe(line) for line in text.split("\n"))


def environment(environments: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return the machine and the libraries that manifests record, each once; several values mean that jobs ran on several machines."""
    values_of: dict[str, set[str]] = {}
    for manifest_environment in environments:
        for key, value in _flat(manifest_environment).items():
            words = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            values_of.setdefault(key.replace("_", " "), set()).add(words)
    return [(key, ", ".join(sorted(values))) for key, values in sorted(values_of.items())]


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment as one table: a library by its name, its kernels by theirs."""
    kernels = {f"kernels of {library}": kernel for library, kernel in environment.get("kernels", {}).items()}
    plain = {key: value for key, value in environment.items() if not isinstance(value, Mapping)}
    return {**environment.get("libraries", {}), **kernels, **environment.get("variables", {}), **plain}


def versions() -> str:
    """Return the versions of what ran the workflow and wrote the page, as installed here."""
    from importlib import metadata

    return ", ".join([f"heirloom {__version__}", *(f"{name} {metadata.version(name)}" for name in LIBRARIES)])


def _experiment(name: str, experiment: Experiment) -> dict[str, Any]:
    origin = experiment.original_rows
    return {
        "name": name,
        "family": experiment.family.name,
        "source": experiment.source.name,
        "start": experiment.family.training.begins_from,
        "regimes": ", ".join(experiment.regimes),
        "seeds": " ".join(map(str, experiment.seeds)),
        "generations": number(experiment.generations),
        "rows": number(experiment.rows),
        "origin_rows": "all" if origin is None else number(origin),
        "replicas": number(experiment.num_replicas),
    }


def _commits() -> list[str]:
    """Return the commits at which the jobs of the cost table ran."""
    commits = set()
    for job in facts.ledger().values():
        if job["commit"]:
            changes = " with changes" if job["changes"] else ""
            commits.add(job["commit"][:COMMIT_DIGITS] + changes)
    return sorted(commits)


def _costs() -> dict[str, Any]:
    """Return what each step of each experiment cost: jobs, seconds, CPU seconds, tokens, peak memory; and the totals."""
    import pandas as pd

    jobs = pd.DataFrame(list(facts.ledger().values()))
    if jobs.empty:
        return {"rows": [], "total": None}
    summaries = {
        "jobs": ("step", "size"),
        "seconds": ("seconds", "sum"),
        "cpu": ("cpu_seconds", "sum"),
        "tokens": ("tokens", "sum"),
        "peak": ("peak_memory_mb", "max"),
    }
    by_step = jobs.groupby(["experiment", "step"], as_index=False).agg(**summaries)
    total = {
        "jobs": len(jobs),
        "seconds": jobs["seconds"].sum(),
        "cpu": jobs["cpu_seconds"].sum(),
        "tokens": jobs["tokens"].sum(),
        "peak": jobs["peak_memory_mb"].max(),
    }
    return {"rows": [_cost(row) for row in by_step.to_dict("records")], "total": _cost(total)}


def _cost(row: Mapping[Any, Any]) -> dict[str, str]:
    amounts = {name: _amount(row[name]) for name in ("jobs", "tokens", "peak")}
    times = {name: f"{row[name]:,.1f}" for name in ("seconds", "cpu")}
    return {"experiment": str(row.get("experiment", "")), "step": str(row.get("step", "")), **amounts, **times}


def _amount(value: float | None) -> str:
    """Return an amount in words; a dash for nothing, and for what no job recorded."""
    import pandas as pd

    return "–" if pd.isna(value) or not value else f"{value:,.0f}"
