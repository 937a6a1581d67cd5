"""Redo: Snakemake runs the jobs of artefacts whose bytes exist nowhere, and only recorded bytes are taken.

Before a job runs, every file of the experiment is kept aside as a hard link. An output of the job is taken if it has
the recorded bytes. Everything else is put back as it was, so that nothing is lost if a job fails or gives other bytes
on this machine.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.artefacts.files import link_or_copy, replacing
from heirloom.config import Config
from heirloom.errors import NAME, HeirloomError
from heirloom.lineage import provenance
from heirloom.workflow import folders
from heirloom.workflow.jobs import target

ASIDE = Path(".heirloom/aside")
OTHER_BYTES = "redone, and other bytes came: not comparable here (another kind of machine, other library versions), or the record is wrong"

IsRight = Callable[[str], bool]
"""Whether what lies at the path of a damaged file or folder now has the recorded bytes."""


def recover() -> None:
    """Put back the files that a killed repair kept aside and that are missing since."""
    for copy in _files(ASIDE):
        place = copy.relative_to(ASIDE)
        if not place.exists():
            with replacing(place) as temporary:  # whole or not at all, where links are refused
                link_or_copy(copy, temporary)
    shutil.rmtree(ASIDE, ignore_errors=True)


def redo(artefacts: Sequence[str], damaged: Collection[str], is_right: IsRight, config: Config, config_file: Path) -> dict[str, str]:
    """Run the jobs of artefacts in the order in which they are made; return unrepaired path → why.

    Parameters
    ----------
    artefacts
        The artefacts whose jobs are to be run.
    damaged
        The files and folders that may be taken from a job, if they have the recorded bytes.
    """
    reasons: dict[str, str] = {}
    for _, group in sorted(_by_order(artefacts).items()):
        damaged_of_group = [path for path in damaged if _is_part_of(path, group)]
        reasons |= _redo_level(group, damaged_of_group, is_right, config, config_file)
    return reasons


def target_of(artefact: str, config: Config) -> str:
    """Return the path that Snakemake is asked for: an artefact's own, or that of what its job makes beside it (`workflow.jobs.target`).

    Raises
    ------
    HeirloomError
        If the config does not name the experiment.
    """
    name = Path(artefact).parts[1]
    if name not in config.experiments:
        raise HeirloomError(f"the config has no experiment {name}; --config names the one that was run")
    return target(config, artefact)


def _redo_level(artefacts: Sequence[str], damaged: Sequence[str], is_right: IsRight, config: Config, config_file: Path) -> dict[str, str]:
    """Run the jobs of artefacts that do not come from each other."""
    reasons: dict[str, str] = {}
    artefacts_of: dict[str, list[str]] = {}
    for artefact in artefacts:
        try:
            artefacts_of.setdefault(target_of(artefact, config), []).append(artefact)
        except HeirloomError as error:
            reasons |= {path: str(error) for path in damaged if _is_part_of(path, [artefact])}
    if not artefacts_of:
        return reasons
    experiments = sorted({Path("data", Path(target).parts[1]) for target in artefacts_of})
    _keep_aside(experiments)
    for path in {*artefacts_of, *chain.from_iterable(artefacts_of.values())}:
        _remove(Path(path))
    problem = _snakemake(sorted(artefacts_of), config_file)
    repaired_paths = [path for path in damaged if Path(path).exists() and is_right(path)]
    _put_back(repaired_paths, damaged)
    _put_records_back(experiments)
    return reasons | {path: problem or OTHER_BYTES for path in damaged if path not in repaired_paths and path not in reasons}


def _snakemake(targets: Sequence[str], config_file: Path) -> str:
    """Make targets, even if code and settings have changed since. Return why it failed, or an empty string."""
    command = [sys.executable, "-P", "-m", "snakemake", *targets, "--configfile", str(config_file), "--rerun-triggers", "mtime"]
    command += ["--no-hooks", "--rerun-incomplete", "--keep-going"]
    if not Path("profiles/default").is_dir():
        command += ["--cores", "all"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if not process.returncode:
        return ""
    lines = [line.strip() for line in (process.stdout + process.stderr).splitlines()]
    messages = [line for line in lines if line and not line.startswith("File ")]
    faults = [message.removeprefix(NAME) for message in messages if message.startswith(NAME)]
    return f"its job failed: {(faults or messages or ['no message'])[-1]}"


def _by_order(artefacts: Sequence[str]) -> dict[tuple[float, int], list[str]]:
    groups: dict[tuple[float, int], list[str]] = {}
    for artefact in artefacts:
        groups.setdefault(folders.order(artefact), []).append(artefact)
    return groups


def _is_part_of(path: str, artefacts: Collection[str]) -> bool:
    """Return whether a path is one of some artefacts, a file in one, or a fingerprint or manifest beside one."""
    return any(
        path in (artefact, paths.fingerprint(artefact), paths.manifest(artefact)) or path.startswith(f"{artefact}/")
        for artefact in artefacts
    )


def _keep_aside(experiments: Sequence[Path]) -> None:
    shutil.rmtree(ASIDE, ignore_errors=True)
    for experiment in experiments:
        for file in _files(experiment):
            link_or_copy(file, ASIDE / file)


def _put_back(repaired: Collection[str], damaged: Collection[str]) -> None:
    """Put every file back as it was, except for those that are right now. Remove what a job has added elsewhere."""
    repaired_paths = [Path(path) for path in repaired]
    for folder in (Path(path) for path in damaged if path not in repaired and Path(path).is_dir()):
        shutil.rmtree(folder)
    for copy in _files(ASIDE):
        place = copy.relative_to(ASIDE)
        if any(place == path or path in place.parents for path in repaired_paths):
            continue
        if not place.exists() or not place.samefile(copy):
            with replacing(place) as temporary:
                link_or_copy(copy, temporary)
    shutil.rmtree(ASIDE, ignore_errors=True)


def _put_records_back(experiments: Sequence[Path]) -> None:
    """Give Snakemake its records of the jobs again, where the fingerprint here is the recorded one."""
    for lineage, units in folders.lineages().items():
        if any(experiment in Path(lineage).parents for experiment in experiments):
            for unit in units:
                try:
                    provenance.put_back(unit)
                except HeirloomError:  # a provenance that is damaged is named by itself
                    continue


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the visible files in a folder and below it."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path
