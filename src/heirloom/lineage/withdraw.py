"""Withdrawal: leave a real row out for good, and make anew exactly what was made from it.

The config says what is withdrawn and why (``source.withdrawn``), so that git keeps the record, and so do the manifests of the real data,
whose slice it is in. Everything made from them follows by the workflow's own rules: the same config from nothing gives the same bytes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import config as configuration
from heirloom import results, strict_yaml
from heirloom.artefacts import kinds
from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import index
from heirloom.lineage import passage as passages
from heirloom.lineage.passage import Passage
from heirloom.lineage.project import Project
from heirloom.numerals import counted
from heirloom.variants import VARIANT_MARK
from heirloom.workflow.jobs import jobs
from heirloom.workflow.step import Job
from heirloom.workflow.steps import STEPS

_SHOWN = 60
"""Characters of a passage in print."""


class Plan(NamedTuple):
    """What a withdrawal changes.

    Attributes
    ----------
    passage
        What is withdrawn.
    config
        The text of the config file with the withdrawal in it.
    jobs
        The jobs of the clean rebuild, in the order of their generations.
    elsewhere
        Other experiments whose real data have a source file in common: the passage may stand in them, too.
    """

    passage: Passage
    config: str
    jobs: list[Job]
    elsewhere: list[str]


def plan(reference: str, reason: str, config_file: Path) -> Plan:
    """Return what withdrawing the real row ``REF#row`` changes; nothing is written.

    Raises
    ------
    HeirloomError
        If there is no such row, it is none that can be withdrawn, or the config has no such experiment.
    """
    if not reason.strip():
        raise HeirloomError("--because: say in a few words why; the config and the manifests keep it")
    passage = passages.of_row(reference)
    base = passage.experiment.partition(VARIANT_MARK)[0]
    text = _with_withdrawal(config_file, base, passage, reason)
    raw, faults = strict_yaml.parse(text)
    config = configuration.parse(raw, str(config_file), faults, results.of(config_file))
    names = [name for name in config.experiments if name.partition(VARIANT_MARK)[0] == base]
    affected = [job for name in names for job in _from_real(config, name)]
    return Plan(passage, text, affected, _sharing_files(passage.experiment, names))


def apply(planned: Plan, config_file: Path) -> str:
    """Write the withdrawal into the config and make its jobs again, with Snakemake, whose lines go to the terminal.

    Returns
    -------
    a line on the tables and figures, which are still of the text with the passage; empty where no run has left any

    Raises
    ------
    HeirloomError
        If a job fails: the config keeps the withdrawal, and the same command of Snakemake goes on.
    """
    write_text(config_file, planned.config)
    config = configuration.load(config_file)
    targets = sorted({STEPS[job.step].main.at(job.key) for job in planned.jobs if STEPS[job.step].runs(config, job.key)})
    command = [sys.executable, "-P", "-m", "snakemake", *targets, "--configfile", str(config_file)]
    if not Path("profiles/default").is_dir():
        command += ["--cores", "all"]
    if subprocess.run(command, check=False).returncode:
        raise HeirloomError(f"{config_file}: the withdrawal is written, but the rebuild stopped; {config.results.snakemake} goes on")
    if not Path(config.results.metrics).is_file():
        return ""
    return f"{config.results.folder}: tables and figures are still of the text with the passage; {config.results.snakemake} makes them anew"


def lines(planned: Plan) -> Iterator[str]:
    """Yield a plan for people, one line a job."""
    passage = planned.passage
    shown = " ".join(passage.text.split())
    shown = f"{shown[:_SHOWN]}…" if len(shown) > _SHOWN else shown
    place = f"characters {passage.start} to {passage.end} of document {passage.document}"
    yield f"{passage.experiment}: {place}: {shown}"
    yield from (f"{job.step} {STEPS[job.step].place.at(job.key)}" for job in planned.jobs)
    for name in planned.elsewhere:
        yield f"{name}: made from the same source files, and not part of this withdrawal"
    yield counted(len(planned.jobs), "job")


def _with_withdrawal(config_file: Path, experiment: str, passage: Passage, reason: str) -> str:
    """Return the text of the config file with a withdrawal added; its comments and its other lines stay."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 1 << 16
    content: Any = yaml.load(config_file.read_text(encoding="utf-8"))
    if experiment not in content.get("experiments", {}):
        raise HeirloomError(f"{config_file}: has no experiment {experiment}; --config names the one that was run")
    entry = {"document": passage.document, "start": passage.start, "end": passage.end, "sha256": passage.sha256, "reason": reason}
    content["experiments"][experiment]["source"].setdefault("withdrawn", []).append(entry)
    stream = StringIO()
    yaml.dump(content, stream)
    return stream.getvalue()


def _from_real(config: Config, name: str) -> Iterator[Job]:
    """Yield the jobs of an experiment that make its real data, or anything from them."""
    changed: set[str] = set()
    for job in jobs(config):
        if job.experiment != name:
            continue
        step = STEPS[job.step]
        inputs = {path for paths in step.inputs(config, job.key).values() for path in paths}
        if kinds.REAL_TRAIN in step.makes.values() or inputs & changed:
            changed |= {kind.at(job.key) for kind in (*step.makes.values(), *step.leaves)}
            yield job


def _sharing_files(experiment: str, names: list[str]) -> list[str]:
    """Return the experiments beside some, of those whose manifests are here, whose real data come from a file that this one's come from."""
    project = Project()
    files_of: dict[str, set[str]] = {}
    for path in filter(kinds.REAL_FOLDER.wildcards, index.artefacts_on_disk()):
        sources = [source.sha256 for source in project.recorded_artefact(path).inputs if source.is_source]
        files_of.setdefault(Path(path).parts[1], set()).update(sources)
    own = files_of.get(experiment, set())
    return sorted(name for name, files in files_of.items() if name not in names and files & own)
