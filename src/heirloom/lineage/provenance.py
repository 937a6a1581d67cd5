"""Snakemake's own records of finished jobs: read, written beside the data, and put back. No other module knows their format.

Snakemake 9 keeps one JSON file per output in ``.snakemake/metadata``, named by the URL-safe base64 of the output's path. While
a job runs, it keeps a mark of the same name in ``.snakemake/incomplete``. With these records a clone knows that no job has to
run again. Times and process-bound ids are replaced by constants, so that equal reruns leave equal bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from heirloom import records, results
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.errors import HeirloomError
from heirloom.workflow.folders import PROVENANCE, unit_of, units_of

METADATA = Path(".snakemake/metadata")
INCOMPLETE = Path(".snakemake/incomplete")
FORMAT_VERSION = 6
"""``record_format_version`` that this module was written for; a test compares it with the installed Snakemake."""

_NAME_LENGTH = 254  # a longer name is cut into folders, each marked with @
_HEIRLOOM_KEYS = ("path", "sha256")
_KEYS = frozenset(
    {
        *("code", "conda_env", "container_img_url", "endtime", "external_jobid", "incomplete", "input", "input_checksums", "job_hash"),
        *("log", "params", "record_format_version", "rule", "shellcmd", "software_stack_hash", "starttime", *_HEIRLOOM_KEYS, "digest"),
    }
)
"""The keys of a line: Snakemake's in that version, and Heirloom's. A damaged key is none of these."""

_spelled = json.JSONEncoder(sort_keys=True).encode

Record = dict[str, Any]


def live() -> dict[str, dict[str, Record]]:
    """Return unit → output → normalised record, of all outputs that are on disk."""
    records_of: dict[str, dict[str, Record]] = {}
    sha256_of = cache(_recorded_sha256)  # an artefact and its fingerprint are outputs both
    for output, file in _files(METADATA):
        unit = unit_of(output)
        if not unit or not Path(output).exists():
            continue
        content = _json(file)
        if content:
            records_of.setdefault(unit, {})[output] = _kept_record(output, content, sha256_of(paths.fingerprint(output)))
    return records_of


def marks() -> set[str]:
    """Return the units in which Snakemake has a job running or interrupted."""
    return units_of(marked_outputs())


def marked_outputs() -> set[str]:
    """Return the outputs of the jobs that Snakemake has running, has submitted, or has interrupted."""
    return {output for output, _ in _files(INCOMPLETE)}


def kept_record(output: str, record: Mapping[str, Any]) -> Record:
    """Return a record as it is kept: with its output and the output's fingerprint, without what varies between equal reruns.

    Snakemake's ``job_hash`` tells jobs of one rule apart but is a new number in each process; here it is derived from the command.
    """
    return _kept_record(output, record, _recorded_sha256(paths.fingerprint(output)))


def _kept_record(output: str, record: Mapping[str, Any], sha256: str | None) -> Record:
    identity = json.dumps([record.get("rule"), record.get("shellcmd"), record.get("log")])
    job = int.from_bytes(hashlib.sha256(identity.encode()).digest()[:6], "big")
    constants = {"starttime": 0.0, "endtime": 0.0, "job_hash": job, "external_jobid": None}
    return {**record, **constants, "path": output, "sha256": sha256}


def read(unit: str) -> dict[str, Record]:
    """Return output → record of a unit's ``provenance.jsonl``; empty if there is none.

    Raises
    ------
    HeirloomError
        If a line is not as it was written.
    """
    file = Path(unit, PROVENANCE)
    if not file.exists():
        return {}
    way_back = f"heirloom repair {unit} repairs it" if results.folder_of(unit) is None else f"git checkout -- {file} repairs it"
    text = records.text(file.read_bytes(), file, way_back)
    try:
        lines = [_checked_record(records.json_value(line)) for line in text.splitlines()]
        outputs = [line["path"] for line in lines]
        is_complete = bool(outputs) and len(set(outputs)) == len(outputs) and all(map(unit_of, outputs))
    except (ValueError, KeyError, TypeError, AttributeError):
        is_complete = False
    if not is_complete:
        raise HeirloomError(f"{file}: not as it was written; {way_back}")
    return dict(zip(outputs, lines, strict=True))


def write(unit: str, present: Mapping[str, Record]) -> None:
    """Update a unit's ``provenance.jsonl``. Lines of outputs that are not on disk (a partial checkout) stay."""
    file = Path(unit, PROVENANCE)
    if present and file.exists() and file.read_bytes() == text(present).encode():
        return
    absent = {output: record for output, record in read(unit).items() if not Path(output).exists()}
    lines = text({**absent, **present})
    if lines and (not file.exists() or file.read_text(encoding="utf-8") != lines):
        write_text(file, lines)


def text(by_output: Mapping[str, Record]) -> str:
    """Return a unit's records as its ``provenance.jsonl`` has them."""
    lines = ({**by_output[output], "digest": _digest(by_output[output])} for output in sorted(by_output))
    return "".join(_spelled(line) + "\n" for line in lines)


def is_older(output: str) -> bool:
    """Return whether an output's fingerprint came to its place after Snakemake wrote its record of the output, if there is one."""
    file, fingerprint = _file(METADATA, output), Path(paths.fingerprint(output))
    if not fingerprint.exists():
        return False
    return not file.exists() or file.stat().st_mtime_ns < fingerprint.stat().st_ctime_ns


def put_back(unit: str, is_due: Callable[[str], bool] = bool) -> int:
    """Give Snakemake the unit's records of outputs whose fingerprint on disk is the recorded one; return how many changed.

    Parameters
    ----------
    is_due
        Returns of an output whether its record may be put back; by default all may.
    """
    num_changes = 0
    for output, record in read(unit).items():
        # a copy of a folder of results tells of another
        if unit_of(output) != unit or record.get("sha256") != _recorded_sha256(paths.fingerprint(output)) or not is_due(output):
            continue
        file = _file(METADATA, output)
        present = _json(file) if file.exists() else None
        if present is None or kept_record(output, present) != record:
            write_text(file, json.dumps({key: value for key, value in record.items() if key not in _HEIRLOOM_KEYS}))
            num_changes += 1
    return num_changes


def _checked_record(line: dict[str, Any]) -> Record:
    """Return the record of a line, and check its digest. Lines of earlier versions have no digest, and only the keys of their time.

    Raises
    ------
    ValueError
        If the line is not as it was written.
    """
    record = {key: value for key, value in line.items() if key != "digest"}
    if not line.keys() <= _KEYS or ("digest" in line and line["digest"] != _digest(record)):
        raise ValueError(line["path"])
    return record


def _digest(record: Record) -> str:
    return hashlib.sha256(_spelled(record).encode()).hexdigest()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (output, file) of a folder that Snakemake names by output."""
    for place, _, names in os.walk(folder):
        inner = Path(place)
        beginning = "".join(part.removeprefix("@") for part in inner.relative_to(folder).parts)
        for name in names:
            try:
                yield base64.urlsafe_b64decode(beginning + name.removeprefix("@")).decode(), inner / name
            except ValueError:  # not a record: Snakemake's own marks, a user's stray file
                continue


def _file(folder: Path, output: str) -> Path:
    name = base64.urlsafe_b64encode(output.encode()).decode()
    parts = [name[start : start + _NAME_LENGTH] for start in range(0, len(name), _NAME_LENGTH)]
    return folder.joinpath(*("@" + part for part in parts[:-1]), parts[-1])


def _json(file: Path) -> Record | None:
    try:
        content = records.json_value(file.read_bytes().decode())
    except (OSError, ValueError):  # being written, or cut short by a full disk: Snakemake takes it for absent too
        return None
    return content if isinstance(content, dict) else None


def _recorded_sha256(fingerprint: str) -> str | None:
    content = _json(Path(fingerprint))
    return None if content is None else content.get("sha256")
