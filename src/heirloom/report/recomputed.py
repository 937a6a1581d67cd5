"""Results made a second time from the data, in a scratch folder, and compared by bytes: tables of numbers, and verdicts on the claims."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from heirloom import config as configuration
from heirloom import spreadsheets
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import tables
from heirloom.report.claims.specs import Claim, Claims
from heirloom.report.figures import plan
from heirloom.workflow.jobs import measure_files

SCRATCH = Path(".heirloom")
CODE = "import sys; from heirloom.report import recomputed; recomputed.write(sys.argv[1])"
"""Makes the results of a config again: a process of its own, in whose working folder they are written."""


class Comparison(NamedTuple):
    """What came of making results again.

    Attributes
    ----------
    differing
        The files that are not what the data give.
    compared
        How many were compared.
    uncompared
        Files of the config's results that were not made again: pictures, pages, and numbers of figures whose artefacts are not here.
    """

    differing: list[str]
    compared: int
    uncompared: list[str]


def write(config_file: str) -> None:
    """Write tables, claims and the numbers of figures of a config from the data in the working folder; pictures and pages are left out."""
    from heirloom.artefacts.files import write_text
    from heirloom.report import files
    from heirloom.report.claims import specs, verdicts
    from heirloom.report.figures import draw

    config = configuration.load(config_file)
    files.write(config)
    frame = tables.load(config.results)
    table = verdicts.table(verdicts.answers(specs.load(), frame, config))
    write_text(config.results.claims, spreadsheets.csv_text(table, digits=6))
    draw.write_numbers(config)


def compare(config_file: Path) -> Comparison:
    """Make the results of a config again from the data, and compare them by bytes with those that are here.

    Raises
    ------
    HeirloomError
        If the results cannot be made from what is here, with the last line of why.
    """
    config = configuration.load(config_file)
    SCRATCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="audit.", dir=SCRATCH) as name:
        folder = Path(name)
        shutil.copy(config_file, folder / config_file.name)
        (folder / "data").symlink_to(Path("data").resolve())
        command = [sys.executable, "-P", "-c", CODE, config_file.name]
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if process.returncode:
            last_line = (process.stderr.strip().splitlines() or ["no message"])[-1]
            raise HeirloomError(f"{config.results.folder}: cannot be made again from what is here ({last_line})")
        made = sorted(file.relative_to(folder).as_posix() for file in (folder / config.results.folder).rglob("*") if file.is_file())
        here = [path for path in made if Path(path).is_file()]
        differing = [path for path in here if Path(path).read_bytes() != (folder / path).read_bytes()]
        shown = [Path(config.results.page), *sorted(Path(config.results.figures).rglob("*"))]
        uncompared = [file.as_posix() for file in shown if file.is_file() and file.as_posix() not in here]
        return Comparison(differing, len(here), uncompared)


def artefacts_behind(name: str, config: Config) -> list[str]:
    """Return the measures and datasets that a number depends on.

    Parameters
    ----------
    name
        An artefact's reference, a measure that figures and tables show, a figure (its file without the suffix), or a claim.

    Raises
    ------
    HeirloomError
        If nothing has that name.
    """
    from heirloom.lineage import references
    from heirloom.report.claims import specs

    if references.is_reference(name):
        return [references.find(name)]
    for figure in plan.figures(config):
        if name == figure.file("svg").removesuffix(".svg"):
            return [*_measures(config, set(figure.subject.experiments)), *figure.artefacts]
    claims = specs.load()
    for claim in claims.claims:
        if name == claim.id:
            paths = [path for key in config.experiments for path in _measures_of_claim(claim, claims, key, config)]
            if not paths:
                raise HeirloomError(f"--for {name}: no experiment of the config can test this claim")
            return paths
    measured = set(_experiments_with(name, config))
    if measured:
        return _measures(config, measured)
    known = ", ".join(claim.id for claim in claims.claims)
    raise HeirloomError(f"--for {name}: no reference, figure, measure or claim has that name; claims are {known}")


def _measures(config: Config, experiments: set[str], regimes: set[str] | None = None) -> list[str]:
    """Return the files of measures of some experiments, and of some arms with their origin, or of all."""
    arms = None if regimes is None else {*regimes, kinds.ORIGIN}
    files = [(key, path) for key, path in measure_files(config) if key.experiment in experiments]
    return [path for key, path in files if arms is None or key.regime in arms]


def _measures_of_claim(claim: Claim, claims: Claims, key: str, config: Config) -> list[str]:
    """Return the files of measures by which an experiment tests a claim: those of the arms that play a part in it."""
    from heirloom.report.claims import lacks, parts

    if lacks.of_config(claim, claims, key, config):
        return []
    castings = parts.bindings(claims, claim.arms, config.experiments[key], config)
    return _measures(config, {key}, {regime for arms in castings for regime in arms.values()})


def _experiments_with(metric: str, config: Config) -> Iterator[str]:
    """Yield the experiments of the last run that have recorded a measure."""
    if not Path(config.results.metrics).is_file():
        return
    frame = tables.load(config.results)
    for key, experiment in config.experiments.items():
        rows = tables.of_experiment(frame, key, experiment)
        if (rows["metric"] == metric).any():
            yield key
