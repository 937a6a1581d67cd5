"""One of the user's programs, run by a step: its placeholders filled in, its code as it was when the job was planned."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from heirloom.artefacts.files import dumps, write_text
from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.families.external import lineages
from heirloom.runtime import program
from heirloom.runtime.streams import Stream
from heirloom.specs.programs import Program

_SEEDS = 2**31


def run(settings: Program, places: Mapping[str, str], stream: Stream, scratch: Path, section: str = "family", step: str = "") -> None:
    """Run a program with its placeholders filled in, or ask the one that does a whole lineage (`lineages`).

    Parameters
    ----------
    places
        Placeholder → what stands for it; `{seed}` and `{settings}` are added.
    stream
        What the program's seed is drawn from.
    scratch
        The folder for the file of settings.
    section
        The part of the config that has the program, for messages.
    step
        What a program of a whole lineage is asked for; empty for what it never does.

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, or `runtime.program.run` refuses what the program does.
    """
    _check_code(settings, section)
    seed = int(stream.child("seed").generator().integers(_SEEDS))
    settings_file = scratch / "settings.json"
    write_text(settings_file, dumps(settings.settings))
    values = {**places, "{seed}": str(seed), "{settings}": str(settings_file)}
    time_limit = settings.time_limit or program.job_limit()
    dialogue = lineages.dialogue() if step else None
    if dialogue is not None:
        dialogue.ask(step, values, time_limit)
        return
    arguments = [values.get(argument, argument) for argument in settings.command]
    program.run(arguments, python=settings.python, time_limit=time_limit)


def _check_code(settings: Program, section: str) -> None:
    """Refuse a program whose code is not as it was when the job was planned: the manifest would name other code."""
    for file in settings.files:
        place = Path(file.path)
        if not place.is_file() or sha256_file(place) != file.sha256:
            raise HeirloomError(f"{file.path}: {section}.code is not as it was when this job was planned; run snakemake again")
