"""Remotes: objects are copied out and read before they count, because DVC brings in damaged ones without a message.

A process of its own asks them (`remote_objects`), because one that waits for a remote that never answers can only be ended.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from heirloom import credentials
from heirloom.artefacts.files import dumps
from heirloom.errors import HeirloomError
from heirloom.lineage import patience

_PROGRAM = "heirloom.lineage.remote_objects"


class Answer(NamedTuple):
    """What the remotes gave for an object.

    Attributes
    ----------
    remote
        The name of the remote that has the right bytes, or an empty string.
    file
        Where the bytes lie now, or None.
    damaged
        Where damaged objects lie: the remote's name and the object's place there.
    obstacle
        Why a remote could not be asked, or an empty string.
    """

    remote: str
    file: Path | None
    damaged: tuple[tuple[str, str], ...]
    obstacle: str


def fetch(md5s: list[str], folder: Path) -> dict[str, Answer]:
    """Copy objects out of the remotes, the default one first, into a folder, and read them.

    Returns
    -------
    md5 → what came of it; nothing if the project has no remote. A remote that never answers is an obstacle, and the next is asked.

    Raises
    ------
    HeirloomError
        If DVC cannot be asked for its remotes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    answers = dict.fromkeys(md5s, Answer("", None, (), ""))
    number, names = 0, [""]  # the first process tells the names
    while number < len(names) and (unanswered := [md5 for md5 in md5s if answers[md5].file is None]):
        silence = ""
        try:
            lines = _ask({"number": number, "md5s": unanswered, "folder": str(folder)})
        except patience.SilenceError as error:
            lines, silence = _parsed(error.output), str(error)
            if not lines:
                raise
        (names,), parts = lines[0].values(), {line["md5"]: line for line in lines[1:]}
        for md5 in unanswered if names else []:
            answers[md5] = _joined(answers[md5], names[number], parts.get(md5, {"obstacle": silence}), folder / md5)
        number += 1
    return answers if names else {}


def _joined(before: Answer, name: str, part: Mapping[str, Any], place: Path) -> Answer:
    """Return an answer with what one more remote has said."""
    damaged = (*before.damaged, (name, part["damaged"])) if part.get("damaged") else before.damaged
    obstacle = f"remote {name!r} cannot be read ({part['obstacle']})" if part.get("obstacle") else ""
    obstacles = "; ".join(filter(None, [before.obstacle, obstacle]))
    return Answer(name, place, damaged, "") if part.get("is_right") else Answer("", None, damaged, obstacles)


def replace(sources: Mapping[str, Path]) -> str:
    """Replace what the default remote has by objects' bytes (md5 → file), and return the remote's name.

    Raises
    ------
    HeirloomError
        If the remote refuses, or never answers.
    """
    names, *_ = _ask({"sources": {md5: str(file) for md5, file in sources.items()}})
    return str(names["remotes"][0])


def _ask(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what the process that asks remotes says.

    Raises
    ------
    SilenceError
        If a remote never answers; it has what the process has said until then.
    HeirloomError
        If the process says why it has failed.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "request.json")
        file.write_text(dumps(request), encoding="utf-8")
        done = patience.run([sys.executable, "-P", "-m", _PROGRAM, str(file)])
    if done.returncode:
        last_line = done.stderr.strip().rpartition("\n")[2]
        raise HeirloomError(credentials.hidden(last_line) or f"{_PROGRAM}: exit status {done.returncode}")
    return _parsed(done.stdout)


def _parsed(output: str) -> list[dict[str, Any]]:
    """Return the lines of JSON that were printed to their end."""
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith("\n")]
