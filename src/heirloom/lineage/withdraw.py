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
from heirloom import results, sources, strict_yaml
from heirloom.artefacts import kinds
from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import index, passage_places
from heirloom.lineage import passage as passages
from heirloom.lineage.passage import Passage
from heirloom.lineage.passage_places import Place
from heirloom.lineage.project import Project
from heirloom.numerals import counted
from heirloom.specs.vector_source import VectorSource
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
    places
        Where it stands in the source, and is withdrawn from.
    is_searched
        Whether the source is on this machine, so that it was searched for further places.
    config
        The text of the config file with the withdrawal in it.
    jobs
        The jobs of the clean rebuild, in the order of their generations.
    elsewhere
        Lines on other experiments whose real data have a source file in common, and on the places of the passage in them.
    """

    passage: Passage
    places: list[Place]
    is_searched: bool
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
    before = configuration.load(config_file)
    if passage.experiment not in before.experiments:
        raise HeirloomError(f"{config_file}: has no experiment {passage.experiment}; --config names the one that was run")
    first = Place(passage.document, passage.start, passage.end)
    found = _found(before, passage.experiment, passage.text, first)
    places = [first] if found is None else found
    text = _with_withdrawal(config_file, base, [(place, passage.sha256, reason) for place in places])
    raw, faults = strict_yaml.parse(text)
    config = configuration.parse(raw, str(config_file), faults, results.of(config_file))
    names = [name for name in config.experiments if name.partition(VARIANT_MARK)[0] == base]
    affected = [job for name in names for job in _from_real(config, name)]
    sharing = _sharing_files(passage.experiment, names)
    elsewhere = [_elsewhere(before, name, passage.text) for name in sharing]
    return Plan(passage, places, found is not None, text, affected, elsewhere)


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
    yield from (f"{passage.experiment}: {place}: {shown}" for place in planned.places)
    if not planned.is_searched:
        yield f"{passage.experiment}: its source is not on this machine, and was not searched for other places of the passage"
    yield from (f"{job.step} {STEPS[job.step].place.at(job.key)}" for job in planned.jobs)
    yield from planned.elsewhere
    yield counted(len(planned.jobs), "job")


def _found(config: Config, name: str, text: str, first: Place | None = None) -> list[Place] | None:
    """Return where a text stands in the source of an experiment of text (`passage_places.search`); None if that is not here."""
    source = config.experiments[name].source
    if isinstance(source, VectorSource) or not sources.is_here(source):
        return None
    return passage_places.search(source, text, first)


def _elsewhere(config: Config, name: str, text: str) -> str:
    """Return a line on an experiment that shares source files: whether a text stands in its documents, and what to do then."""
    line = f"{name}: made from the same source files, and not part of this withdrawal"
    found = _found(config, name, text) if name in config.experiments else None
    if found is None:
        return f"{line}; not searched for the passage"
    if not found:
        return f"{line}; the passage does not stand there"
    others = f", and {counted(len(found) - 1, 'place')} more" if found[1:] else ""
    return f"{line}; the passage stands there, too: {found[0]}{others}; its source.withdrawn takes the same sha256 with that place"


def _with_withdrawal(config_file: Path, experiment: str, withdrawals: list[tuple[Place, str, str]]) -> str:
    """Return the text of the config file with withdrawals (place, sha256, reason) added; its comments and its other lines stay."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 1 << 16
    content: Any = yaml.load(config_file.read_text(encoding="utf-8"))
    entries = content["experiments"][experiment]["source"].setdefault("withdrawn", [])
    entries += [{**place._asdict(), "sha256": sha256, "reason": reason} for place, sha256, reason in withdrawals]
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
        sha256s = [source.sha256 for source in project.recorded_artefact(path).inputs if source.is_source]
        files_of.setdefault(Path(path).parts[1], set()).update(sha256s)
    own = files_of.get(experiment, set())
    return sorted(name for name, files in files_of.items() if name not in names and files & own)
