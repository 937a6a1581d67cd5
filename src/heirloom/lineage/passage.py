"""The passage of a document that a real row of text was cut from, by the columns of rows and documents alone: the source is not read."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from heirloom.artefacts import kinds
from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.lineage import lookup, trace_row
from heirloom.lineage.project import Project
from heirloom.sources.withdrawn import sha256_of

_CUT_CHARACTER = "\ufffd"


class Passage(NamedTuple):
    """Some characters of a document.

    Attributes
    ----------
    experiment
        Whose real data it stands in.
    document
        The document's number in its source, from 0.
    start, end
        The first character, and the one behind the last.
    text
        The characters.
    """

    experiment: str
    document: int
    start: int
    end: int
    text: str

    @property
    def sha256(self) -> str:
        """The hash of its text."""
        return sha256_of(self.text)


def of_row(reference: str) -> Passage:
    """Return the passage that the real row ``REF#row`` was cut from.

    Raises
    ------
    HeirloomError
        If there is no such row, a model wrote it, it was not cut from one document, or what is needed is not here.
    """
    artefact, row = trace_row.row_of(reference)
    project = artefact.project
    if row.row["kind"] != "real":
        raise HeirloomError(f"{reference}: a model wrote this row; withdraw the real rows that heirloom trace names")
    home = trace_row.home_of(project, row)
    experiment = Path(home).parts[1]
    row_id = int(row.row["row"])
    documents = kinds.DOCUMENTS.path(experiment)
    if project.sha256(documents) is None:
        raise HeirloomError(f"{reference}: its real data have no documents; only rows of text are withdrawn, others are drawn from a law")
    text_settings = project.artefact(home).slice["source"]["text"]
    line = lookup.document_of(project.data(documents), Path(home).stem, row_id)
    if line is None or text_settings.get("packing"):
        raise HeirloomError(f"{reference}: documents are packed, so that a row can be of several; delete the document from the source")
    if text_settings.get("pairs"):
        raise HeirloomError(f"{reference}: a row of pairs is no passage of running text; delete the pair from the source")
    start, text = _place(project, home, line["first_row"], line["num_rows"], row_id)
    return Passage(experiment, int(line["document"]), start, start + len(text), text)


def _place(project: Project, home: str, first_row: int, num_rows: int, row: int) -> tuple[int, str]:
    """Return where the passage of a row begins in its document, and its text: characters of which it has any byte."""
    tokenizer = tokenization.from_json(project.data(kinds.TOKENIZER.path(Path(home).parts[1])).read_text(encoding="utf-8"))
    rows = pq.read_table(project.data(home), columns=["tokens"], filters=[("row", ">=", first_row), ("row", "<", first_row + num_rows)])
    tokens = rows["tokens"].to_pylist()
    number = row - first_row

    def decoded(count: int) -> str:
        ids = [token for row_tokens in tokens[:count] for token in row_tokens]
        return str(tokenizer.decode(ids, skip_special_tokens=False))

    whole = decoded(num_rows)
    start = _whole_characters(decoded(number), whole)
    through = decoded(number + 1)
    end = _whole_characters(through, whole)
    end += len(through) > end and number + 1 < num_rows  # a character that the row only begins is withdrawn with it
    return start, whole[start:end].removesuffix(_CUT_CHARACTER) if number + 1 == num_rows else whole[start:end]


def _whole_characters(prefix: str, whole: str) -> int:
    """Return how many characters of a prefix are whole: a character that is cut shows as another one."""
    number = len(prefix)
    while number and prefix[:number] != whole[:number]:
        number -= 1
    return number
