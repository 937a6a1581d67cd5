"""The captions of Snakemake's report: it reads each from a file of its own, which holds the explanation of a kind of figure."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text
from heirloom.report.figures.kind import Kind

FOLDER = Path(".heirloom/captions")


def file(kind: Kind) -> str:
    """Return the absolute path of the file with a kind's explanation; write the file where it is missing or has another text."""
    path = FOLDER / f"{kind.name}.rst"
    is_current = path.is_file() and path.read_text(encoding="utf-8") == kind.explanation
    if not is_current:
        write_text(path, kind.explanation)
    return str(path.absolute())
