"""Measures of the user's own: programs that are handed a generation as files, and functions of installed packages, of any family."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError, short
from heirloom.families.base import Family, Sets
from heirloom.families.external import handover, measures_file, running
from heirloom.judges import installed
from heirloom.runtime import packages as installed_packages
from heirloom.runtime.packages import MEASURES
from heirloom.runtime.streams import Stream
from heirloom.specs import packages
from heirloom.specs.measures import CommandMeasure, PackageMeasure, PlannedPackageMeasure
from heirloom.specs.programs import Program


class InstalledMeasure(Protocol):
    """What an entry point under `heirloom.measures` names: a module with this function."""

    def measure(self, sets: Sets, settings: Mapping[str, Any], stream: Stream) -> Mapping[str, float]:
        """Return the measures of a generation: finite numbers by name.

        Parameters
        ----------
        settings
            What the config hands over.
        stream
            The only source of random numbers.
        """
        ...


def planned(name: str, own: CommandMeasure | PackageMeasure) -> Program | PlannedPackageMeasure:
    """Return what a job has to know of a measure: the code of a program, or the files of a package."""
    if isinstance(own, CommandMeasure):
        return own.program
    return PlannedPackageMeasure(settings=own.settings, package=packages.planned(MEASURES, name))


def measure(own: Mapping[str, Program | PlannedPackageMeasure], module: Family, model: Any, sets: Sets, stream: Stream) -> dict[str, float]:
    """Return what measures of the user's own have found, as ``measure.name`` → number.

    Parameters
    ----------
    own
        Name in config → measure.
    module, model
        The generation's model and its family, which writes a copy for programs that ask for `{checkpoint}`.

    Raises
    ------
    HeirloomError
        If a measure's code is not as it was planned, it fails, changes what it reads, or its measures are none.
    """
    measures: dict[str, float] = {}
    for name, planned_measure in own.items():
        measure_stream = stream.child("own", name)
        if isinstance(planned_measure, Program):
            numbers = _ask(name, planned_measure, module, model, sets, measure_stream)
        else:
            numbers = call(name, planned_measure, sets, measure_stream)
        measures |= {f"{name}.{key}": number for key, number in numbers.items()}
    return measures


def _ask(name: str, program: Program, module: Family, model: Any, sets: Sets, stream: Stream) -> dict[str, float]:
    rows_of = {"{synthetic}": sets.sample, "{held_out}": sets.held_out, "{original}": sets.original}
    section = f"measures.{name}"
    with tempfile.TemporaryDirectory(prefix="heirloom-measure-") as folder:
        scratch = Path(folder)
        files = {place: scratch / f"{place.strip('{}')}.parquet" for place in rows_of if place in program.command}
        for place, file in files.items():
            handover.write_rows(rows_of[place], file)
        hashes = {place: sha256_file(file) for place, file in files.items()}
        places = {place: str(file) for place, file in files.items()} | {"{measures}": str(scratch / "measures.json")}
        if "{checkpoint}" in program.command:
            places["{checkpoint}"] = str(scratch / "checkpoint")
            module.save(model, scratch / "checkpoint")
        running.run(program, places, stream, scratch, section)
        changed = [place for place, file in files.items() if not file.is_file() or sha256_file(file) != hashes[place]]
        if changed:
            raise HeirloomError(f"{section}.command changed its input {', '.join(changed)}, which it may only read")
        return measures_file.read_measures(scratch / "measures.json", f"{section}.command: {{measures}}")


def call(name: str, planned_measure: PlannedPackageMeasure, sets: Sets, stream: Stream) -> dict[str, float]:
    """Return what a package has measured.

    Raises
    ------
    HeirloomError
        If the package is not as it was planned, cannot be imported, fails, or its measures are none.
    """
    packages.check(planned_measure.package)
    words = f"measure {name} of package {planned_measure.package.package}"
    function = installed.function_of(installed_packages.load(MEASURES, name), "measure", words)
    try:
        numbers = function(sets, planned_measure.settings, stream)
    except HeirloomError:
        raise
    except Exception as error:
        raise HeirloomError(f"{words}: {type(error).__name__}: {short(' '.join(str(error).split()), 200)}") from error
    return measures_file.checked_measures(dict(numbers) if isinstance(numbers, Mapping) else numbers, words)
