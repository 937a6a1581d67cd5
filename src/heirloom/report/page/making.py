"""How it was made: config, versions, commit, threads, seeds, what each step cost, how to do it again, and what was not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heirloom.config import Config
from heirloom.diffs.render.blocks import number, safe
from heirloom.lineage import git
from heirloom.lineage.artefact import Artefact
from heirloom.report import facts
from heirloom.report.claims.verdicts import Answer
from heirloom.specs.experiment import Experiment

COMMIT_DIGITS = 12
WRITERS = ("heirloom", "snakemake", "dvc", "pandas", "altair")


def context(config: Config, config_file: Path, nodes: Iterable[Artefact], answered: Sequence[Answer]) -> dict[str, Any]:
    """Return the section for the template.

    Parameters
    ----------
    nodes
        Artefacts of the run, whose manifests name versions and machine.
    """
    commit, changes = git.tree()
    return {
        "config_file": config_file.name,
        "config": safe_lines(config_file.read_text(encoding="utf-8")),
        "experiments": [_experiment(name, experiment) for name, experiment in config.experiments.items()],
        "environment": environment(node.manifest.get("environment", {}) for node in nodes),
        "num_threads": config.num_threads,
        "written_with": versions(),
        "commit": commit[:COMMIT_DIGITS],
        "changed": bool(changes),
        "commits": _commits(),
        "costs": _costs(),
        "not_run": [{"statement": one.claim.statement, "id": one.claim.id} for one in answered if not one.findings],
        "one_seed": [name for name, experiment in config.experiments.items() if len(experiment.seeds) == 1],
    }


def safe_lines(text: str) -> str:
    """Return text with its lines kept and every other control or format character spelled out."""
    return "\n".join(safe(line) for line in text.split("\n"))


def environment(found: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what the manifests say of the machine and of libraries, each once; several values mean that jobs ran on several machines."""
    told: dict[str, set[str]] = {}
    for one in found:
        for key, value in _flat(one).items():
            told.setdefault(key.replace("_", " "), set()).add(" ".join(map(str, value)) if isinstance(value, list) else str(value))
    return [(key, ", ".join(sorted(values))) for key, values in sorted(told.items())]


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an environment as one table: a library by its name, its kernels by theirs."""
    kernels = {f"kernels of {library}": kernel for library, kernel in environment.get("kernels", {}).items()}
    nested = {**environment.get("libraries", {}), **kernels, **environment.get("variables", {})}
    return {**nested, **{key: value for key, value in environment.items() if not isinstance(value, Mapping)}}


def versions() -> str:
    """Return the versions of what ran the workflow and wrote the page, as installed here."""
    from importlib import metadata

    return ", ".join(f"{name} {metadata.version(name)}" for name in WRITERS)


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
    jobs = [row for row in facts.ledger().values() if row["commit"]]
    return sorted({row["commit"][:COMMIT_DIGITS] + (" with changes" if row["changes"] else "") for row in jobs})


def _costs() -> dict[str, Any]:
    """Return what each step of each experiment cost: jobs, seconds, CPU seconds, tokens, peak memory; and the totals."""
    import pandas as pd

    rows = pd.DataFrame(list(facts.ledger().values()))
    if rows.empty:
        return {"rows": [], "total": None}
    summed = {
        "jobs": ("step", "size"),
        "seconds": ("seconds", "sum"),
        "cpu": ("cpu_seconds", "sum"),
        "tokens": ("tokens", "sum"),
        "peak": ("peak_memory_mb", "max"),
    }
    by_step = rows.groupby(["experiment", "step"], as_index=False).agg(**summed)
    total = {
        "jobs": len(rows),
        "seconds": rows["seconds"].sum(),
        "cpu": rows["cpu_seconds"].sum(),
        "tokens": rows["tokens"].sum(),
        "peak": rows["peak_memory_mb"].max(),
    }
    return {"rows": [_cost(row) for row in by_step.to_dict("records")], "total": _cost(total)}


def _cost(row: Mapping[Any, Any]) -> dict[str, str]:
    shown = {name: f"{row[name]:,.0f}" if row[name] == row[name] and row[name] else "–" for name in ("jobs", "tokens", "peak")}
    times = {name: f"{row[name]:,.1f}" for name in ("seconds", "cpu")}
    return {"experiment": str(row.get("experiment", "")), "step": str(row.get("step", "")), **shown, **times}
