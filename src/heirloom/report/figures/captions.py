"""The captions of Snakemake's report: it reads each from a file of its own, which is written from what the kind of figure says."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text
from heirloom.report.figures.kind import Kind

FOLDER = Path(".heirloom/captions")


def file(kind: Kind) -> str:
    """Return the absolute path of the file with a kind's explanation; it is written where it is missing or says something else."""
    path = FOLDER / f"{kind.name}.rst"
    if not path.is_file() or path.read_text(encoding="utf-8") != kind.explanation:
        write_text(path, kind.explanation)
    return str(path.absolute())
