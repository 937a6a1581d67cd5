"""Croissant 1.1: datasets with their files, columns, licence, responsible-AI terms and provenance, for venues and hubs.

The format is MLCommons' (Croissant format specification 1.1, 2026; RAI 1.0, 2024), written as plain JSON-LD: it needs no package. All of
it is derived from manifests, columns, the config's licence and git, so an equal project gives equal bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps
from heirloom.errors import HeirloomError
from heirloom.export import croissant_provenance, folder, responsible
from heirloom.export.crate_files import hash_address
from heirloom.export.croissant_records import File, file_object, record_set
from heirloom.export.people import creators
from heirloom.export.subject import Subject, count_rows, describe
from heirloom.lineage import foreign, git, references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project, locate
from heirloom.lineage.recorded_jobs import in_order
from heirloom.runtime.headway import laps
from heirloom.workflow.steps import made_kinds

NAME = "croissant.json"
"""The file in an exported folder."""

CONFORMS_TO = ("http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0")
_PLAIN = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path readLines recordSet references regex repeated replace samplingRate "
    "sdVersion separator source subField transform unArchive value"
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    "description": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _PLAIN.split()},
}
"""Appendix 1 of the specification, with W3C PROV's terms; names and descriptions are in English."""


def export(reference: str, target: Path, config: Path, *, authors: Sequence[str] = (), url: str = "") -> int:
    """Write datasets as a folder with a Croissant file; return how many.

    Parameters
    ----------
    reference
        One dataset, or an experiment, an arm or a lineage, whose datasets are all taken; ``@revision`` included.
    target
        A folder that does not exist yet, or is empty.
    config
        Asked for the licence of the real data.
    authors
        ``Name`` or ``Name <URL>`` of each author.
    url
        Where the datasets are to be found; without it the name of their bytes (RFC 6920) stands there.

    Raises
    ------
    HeirloomError
        If nothing has that name, it has no rows, bytes are not the recorded ones, or the folder is in use.
    """
    artefacts = datasets(reference)
    foreign.check_artefacts(artefacts)
    subjects = [describe(artefact, config) for artefact in artefacts]
    with folder.new(target) as temporary:
        files = []
        for subject in laps(subjects):
            path = Path(subject.artefact.path).relative_to("data").as_posix()
            folder.copy(subject.artefact.data(), temporary / path)
            files.append(File(record_set_name(subject.name), path, temporary / path))
        text = document(subjects, files, reference, authors=authors, url=url)
        (temporary / NAME).write_text(text, encoding="utf-8")
    return len(subjects)


def datasets(reference: str) -> list[Artefact]:
    """Return the dataset that a reference names, or all of an experiment, an arm or a lineage, in the order in which they are made.

    Raises
    ------
    HeirloomError
        If nothing has that name, or nothing there has rows.
    """
    name, _, revision = reference.partition(references.REVISION_MARK)
    rows = [kind.file for kind in made_kinds() if kind.form == "rows"]
    is_one = references.is_reference(name) and Path(references.find(name, revision)).name in rows
    if is_one or Path(name).name in rows:
        return [locate(reference)]
    artefacts = Project(revision=revision or None).artefacts_of(name)
    found = [artefact for artefact in artefacts if kinds.key_of(artefact.path) and Path(artefact.path).name in rows]
    if not found:
        raise HeirloomError(f"{reference}: no dataset there; export croissant takes rows: synthetic, selected, train, valid, test")
    return in_order(found)


def record_set_name(reference: str) -> str:
    """Return the name of a dataset's record set: its reference, without the characters that mean something in an address."""
    return reference.replace("/", "-").replace(":", "-").replace(references.REVISION_MARK, "-")


def document(subjects: Sequence[Subject], files: Sequence[File], name: str, *, authors: Sequence[str] = (), url: str = "") -> str:
    """Return the text of the Croissant file of some datasets.

    Parameters
    ----------
    files
        The file of each dataset, in the same order.
    name
        What the whole is called.
    """
    subject, project = subjects[0], subjects[0].artefact.project
    counts = [count_rows(file.place) for file in files]
    links = {subject.artefact.path: file.path for subject, file in zip(subjects, files, strict=True)}
    ancestry = project.ancestors([subject.artefact for subject in subjects])
    recorded = [artefact for artefact in ancestry.values() if artefact.slice]  # the ledger alone tells too little
    distribution, record_sets = [], []
    for one, file, count in zip(subjects, files, counts, strict=True):
        distribution.append({**file_object(file), **croissant_provenance.links_of(one.artefact, links)})
        record_sets.append(record_set(file, f"{one.name}: {count.sentence} were written by a model."))
    content: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(CONFORMS_TO),
        "name": f"Heirloom {name}",
        "description": f"Rows of models trained on the output of models, and real rows beside them. {subject.licence.sentence}",
        "license": _licence(subject),
        "url": url or hash_address(subject.artefact.sha256),
        "distribution": distribution,
        "recordSet": record_sets,
        **responsible.terms(list(subjects), counts),
        "prov:wasGeneratedBy": croissant_provenance.activities(recorded, links),
    }
    content |= _optional("prov:wasDerivedFrom", croissant_provenance.sources(recorded, subject.licence))
    content |= _optional("creator", creators(authors))
    content |= _optional("datePublished", _date(project))
    return dumps(content)


def _optional(term: str, value: Any) -> dict[str, Any]:
    """Return a term with its value, or nothing where the value is empty."""
    return {term: value} if value else {}


def _licence(subject: Subject) -> Any:
    licence = subject.licence
    if licence.tag.startswith("cc"):
        return f"https://spdx.org/licenses/{licence.tag.upper()}"
    return {"@type": "CreativeWork", "name": licence.tag, "description": licence.sentence}


def _date(project: Project) -> str:
    """Return the date of the commit; nothing outside of git."""
    commit = project.commit or git.tree()[0]
    return git.date_of(commit) if commit else ""
