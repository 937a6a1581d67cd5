"""Measures of the user's own: programs that are handed a generation's rows and model as files, whatever its family."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.families.base import Family, Sets
from heirloom.families.external import handover, measures_file, running
from heirloom.runtime.streams import Stream
from heirloom.specs.programs import Program


def measure(programs: Mapping[str, Program], module: Family, model: Any, sets: Sets, stream: Stream) -> dict[str, float]:
    """Return what some programs have measured, as ``program.name`` → number.

    Parameters
    ----------
    programs
        Name in config → program.
    module, model
        The generation's model and its family, which writes a copy for programs that ask for `{checkpoint}`.

    Raises
    ------
    HeirloomError
        If a program's code is not as it was planned, it fails, changes what it reads, or its measures are none.
    """
    measures: dict[str, float] = {}
    for name, program in programs.items():
        numbers = _ask(name, program, module, model, sets, stream.child("own", name))
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
