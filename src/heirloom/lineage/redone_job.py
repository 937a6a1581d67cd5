"""A recorded job, done again in a scratch folder from its recorded inputs, slice and environment variables, and compared by bytes.

The scratch folder has links to the inputs and to source files at the places that manifests name, so that what is written there has the same
paths, and its manifests are comparable too. Nothing in the project is opened for writing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from heirloom import slice_arguments
from heirloom.artefacts import kinds, paths
from heirloom.artefacts import manifest as manifests
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.environment import CUDA_VARIABLES, VARIABLES
from heirloom.errors import NAME, short
from heirloom.lineage import tolerance
from heirloom.lineage.artefact import Artefact
from heirloom.workflow.step import Step
from heirloom.workflow.steps import STEPS

Answer = Literal[
    "equal",
    "falsified",
    "equal within tolerance",
    "equal in distribution",
    "other distribution",
    "not comparable here",
    "not repeatable here",
    "not redone",
]
SCRATCH = Path(".heirloom")
IN_DISTRIBUTION = "in distribution, not in bytes"
"""What a manifest has under ``reproducible``, by itself or under ``endpoint``, where the same job gives other bytes of the same law."""
_RECORDED_VARIABLES = frozenset({*VARIABLES, *CUDA_VARIABLES})
"""The variables that a redone job may have from its manifest: those that choose kernels, and none that chooses code."""
_OF_LOADED_LIBRARIES = ("kernels", "libraries")
"""What `environment` tells of the libraries that a process has loaded."""
_RUN_VARIABLES = ("HEIRLOOM_WORKER", "HEIRLOOM_SUBMITTED")
"""Variables that bind a job to a run; a job that is redone belongs to none."""


@dataclass(frozen=True)
class Verdict:
    """What came of redoing a job.

    Attributes
    ----------
    answer
        ``falsified`` only where code, libraries, kernels and variables are the recorded ones and two redone jobs agree with each other;
        ``other distribution`` likewise, of rows that need not repeat in bytes (`laws`).
    reason
        Why, in a few words; empty where bytes are equal.
    """

    answer: Answer
    reason: str = ""


def redo(outputs: Sequence[Artefact], code: str) -> Verdict:
    """Do a job again, and compare what it makes with what is recorded.

    Parameters
    ----------
    outputs
        The artefacts that the job has made.
    code
        The hash of the step's code today; empty if it is not known, which counts as unchanged.
    """
    obstacle = _obstacle(outputs)
    if obstacle:
        return Verdict("not redone", obstacle)
    strange_variables = sorted({*_variables(outputs[0].manifest)} - _RECORDED_VARIABLES)
    if strange_variables:
        reason = f"its manifest names {', '.join(map(short, strange_variables))}, which no job records of its environment variables"
        return Verdict("not comparable here", reason)
    with _done(outputs) as (folder, fault):
        if fault:
            return Verdict("not redone", fault)
        changed = [one for one in outputs if _sha256(folder / one.path) != one.sha256]
        if not changed:
            return Verdict("equal")
        redone = manifests.read(folder / paths.manifest(outputs[0].path))
        differences = _differences(outputs[0].manifest, redone, code)
        names = ", ".join(one.name for one in changed)
        if all(_repeats_in_distribution(one) for one in changed):
            return _by_law(changed, folder, differences)
        if differences:
            return _elsewhere(changed, folder, names, differences)
        digests = {one.path: _sha256(folder / one.path) for one in changed}
    return _again(outputs, digests, names)


def _again(outputs: Sequence[Artefact], digests: Mapping[str, str | None], names: str) -> Verdict:
    """Return the verdict on other bytes that came under the recorded circumstances: two jobs that agree speak against the record."""
    with _done(outputs) as (folder, fault):
        is_repeatable = not fault and all(_sha256(folder / path) == sha256 for path, sha256 in digests.items())
    if is_repeatable:
        return Verdict("falsified", f"{names}: redone twice, with the same bytes, which are not the recorded ones")
    return Verdict("not repeatable here", f"{names}: two redone jobs differ from each other")


def _repeats_in_distribution(artefact: Artefact) -> bool:
    """Return whether an artefact's manifest says that its bytes are not reproducible."""
    entries = (artefact.manifest, artefact.manifest.get("endpoint", {}))
    return artefact.place.suffix == ".parquet" and any(entry.get("reproducible") == IN_DISTRIBUTION for entry in entries)


def _by_law(changed: Sequence[Artefact], folder: Path, differences: Sequence[str]) -> Verdict:
    """Return the verdict on rows that need only have the recorded law."""
    from heirloom.lineage import laws

    absent = [one.name for one in changed if not one.is_here]
    if absent:
        return Verdict("not redone", f"{', '.join(absent)} is not here, so its distribution cannot be compared; dvc pull brings it")
    unlike = {one.name: laws.difference(one.place, folder / one.path) for one in changed}
    reasons = [f"{name}: {difference}" for name, difference in unlike.items() if difference]
    if not reasons:
        return Verdict("equal in distribution", f"{', '.join(unlike)}: no test finds a difference at {laws.LEVEL:g}")
    if differences:
        return Verdict("not comparable here", f"{'; '.join(reasons)}; other {', '.join(differences)} than recorded")
    return Verdict("other distribution", "; ".join(reasons))


def _elsewhere(changed: Sequence[Artefact], folder: Path, names: str, differences: Sequence[str]) -> Verdict:
    """Return the verdict on other bytes that came under other circumstances."""
    others = f"{names}: other {', '.join(differences)} than recorded"
    is_near = all(one.is_here and tolerance.equal(one.place, folder / one.path) for one in changed)
    if is_near:
        return Verdict("equal within tolerance", f"{others}; numbers agree within {tolerance.RELATIVE:g}")
    return Verdict("not comparable here", others)


def _obstacle(outputs: Sequence[Artefact]) -> str:
    """Return why a job cannot be redone from what is here; nothing if it can."""
    if outputs[0].step not in STEPS:
        return f"no step is called {outputs[0].step}"
    missing = [edge.name for edge in outputs[0].inputs if not edge.is_source and not (edge.path and Path(edge.path).exists())]
    return f"its inputs are not here; dvc pull {' '.join(missing)}" if missing else ""


@contextmanager
def _done(outputs: Sequence[Artefact]) -> Iterator[tuple[Path, str]]:
    """Yield the scratch folder in which a job has been done, and the last line of its log if it failed."""
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="audit.", dir=SCRATCH) as name:
        folder = _linked_folder(outputs[0], Path(name))
        argument = slice_arguments.write(outputs[0].slice)
        slice_argument = f"@{Path(argument[1:]).resolve()}" if argument.startswith("@") else argument
        process = subprocess.run(
            [sys.executable, "-P", "-m", "heirloom", outputs[0].step, "--slice", slice_argument, *_options(outputs)],
            cwd=folder,
            env=_environment(outputs[0].manifest),
            capture_output=True,
            text=True,
            check=False,
        )
        log = [line.removeprefix(NAME) for line in process.stderr.splitlines() if line.strip()]
        yield folder, "" if not process.returncode else f"the job failed: {(log or ['no message'])[-1]}"


def _linked_folder(artefact: Artefact, root: Path) -> Path:
    """Return a folder below a root in which a job finds its inputs with their notes, source files, and files that its slice names.

    It lies so deep that what a source's name takes from outside of the project, as in ``../corpus/a.txt``, lies below the root, too.
    """
    sources = [edge.name for edge in artefact.inputs if edge.is_source]
    made = [edge.name for edge in artefact.inputs if not edge.is_source]
    notes = [note for name in made for note in (paths.fingerprint(name), paths.manifest(name))]
    names = [name for name in dict.fromkeys([*made, *notes, *sources, *_named_files(artefact.slice)]) if not Path(name).is_absolute()]
    folder = root.joinpath(*["project"] * max(Path(name).parts.count("..") for name in ["", *names]))
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        if Path(name).exists():
            place = Path(os.path.normpath(folder / name))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(Path(name).resolve())
    return folder


def _named_files(value: Any) -> Iterator[str]:
    """Yield the paths of the files that a slice names with a hash."""
    if isinstance(value, Mapping):
        if isinstance(value.get("path"), str) and "sha256" in value:
            yield value["path"]
        for inner in value.values():
            yield from _named_files(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _named_files(inner)


def _options(outputs: Sequence[Artefact]) -> Iterator[str]:
    """Yield the options of the step's command: a path, or several, for each role that goes in or comes out."""
    artefact, step = outputs[0], STEPS[outputs[0].step]
    for role in step.takes:
        values = [edge.name for edge in artefact.inputs if edge.role == role]
        if values:
            yield from (f"--{role.replace('_', '-')}", " ".join(values))
    key = kinds.key_of(artefact.path)
    assert key is not None
    made = {one.path for one in outputs}
    job_key = STEPS[artefact.step].job(key).key
    for role, kind in step.makes.items():
        if kind.at(job_key) in made:
            values = [kind.at(job_key._replace(experiment=name)) for name in _members(artefact, step) or [job_key.experiment]]
            yield from (f"--{role.replace('_', '-')}", " ".join(values))


def _members(artefact: Artefact, step: Step) -> list[str]:
    """Return the experiments whose lineages one job made, by the models that they began from; none where a job makes those of one."""
    if not step.joins_members:
        return []
    origins = [kinds.key_of(edge.name) for edge in artefact.inputs if edge.role == "checkpoint"]
    return [origin.experiment for origin in origins if origin is not None]


def _environment(manifest: Mapping[str, Any]) -> dict[str, str]:
    """Return this process's environment with the recorded variables that choose kernels, and no others of these."""
    kept = {name: value for name, value in os.environ.items() if name not in _RECORDED_VARIABLES.union(_RUN_VARIABLES)}
    return {**kept, **_variables(manifest)}


def _variables(manifest: Mapping[str, Any]) -> Mapping[str, str]:
    variables: Mapping[str, str] = manifest.get("environment", {}).get("variables", {})
    return variables


def _sha256(path: Path) -> str | None:
    return fingerprint(path)["sha256"] if path.exists() else None


def _differences(recorded: Mapping[str, Any], redone: Mapping[str, Any], code: str) -> list[str]:
    """Return in what the circumstances of two jobs differ that can change bytes: code, and what `environment` tells.

    A library that only one of the two processes had loaded is no difference: the job is the same, and so are those that it uses.
    """
    one, other = recorded.get("environment", {}), redone.get("environment", {})
    names = [name.replace("_", " ") for name in sorted({*one, *other}) if _is_other(name, one.get(name), other.get(name))]
    recorded_code = recorded.get("slice", {}).get("code")
    return (["code"] if code and recorded_code != code else []) + names


def _is_other(name: str, recorded: Any, redone: Any) -> bool:
    if name in _OF_LOADED_LIBRARIES and isinstance(recorded, Mapping) and isinstance(redone, Mapping):
        return any(recorded[name] != redone[name] for name in {*recorded} & {*redone})
    return bool(recorded != redone)
