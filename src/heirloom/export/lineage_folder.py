"""A folder for a whole lineage: each generation a configuration of one dataset, ``load_dataset(folder, "gen_3")``.

``gen_N`` is what the bare reference of the generation means: the synthetic set, at generation 0 the real rows that the origin was trained
on. ``gen_N_training`` is the training set of a later generation.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from huggingface_hub import DatasetCard, DatasetCardData

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Key, Kind
from heirloom.errors import HeirloomError
from heirloom.export import croissant, folder
from heirloom.export.card import rows_warning, tags_of
from heirloom.export.croissant_records import File
from heirloom.export.markdown import code, page, prose
from heirloom.export.subject import RowCounts, Subject, count_rows, describe
from heirloom.lineage import foreign, references
from heirloom.lineage.artefact import Artefact
from heirloom.lineage.project import Project
from heirloom.runtime.headway import laps

_LOADING = """## Open it

With `folder` the path of this folder or its name on the hub:

```python
from datasets import load_dataset

rows = load_dataset(folder, "{example}", split="train")
```

`streaming=True` reads it without a download of the whole."""


class Configuration(NamedTuple):
    """One configuration of the folder: its name, what it is about, and its file inside the folder."""

    name: str
    subject: Subject
    path: str


def is_lineage(reference: str) -> bool:
    """Return whether a reference names a whole lineage: ``experiment/regime/seed``, ``@revision`` included."""
    name = reference.partition(references.REVISION_MARK)[0]
    return references.is_reference(name) and name.count("/") == 2 and ":" not in name and kinds.REAL not in name.split("/")


def export(reference: str, target: Path, config: Path) -> int:
    """Write a lineage as a folder for the hub; return how many configurations it has.

    Raises
    ------
    HeirloomError
        If the lineage has no datasets, bytes are not the recorded ones, or the folder is in use.
    """
    configurations = _configurations(reference, config)
    foreign.check_artefacts([configuration.subject.artefact for configuration in configurations])
    with folder.new(target) as temporary:
        for configuration in laps(configurations):
            artefact = configuration.subject.artefact
            folder.copy(artefact.data(), temporary / configuration.path)
            for record in (paths.manifest(artefact.path), paths.fingerprint(artefact.path)):
                folder.copy(artefact.project.file(record), temporary / "provenance" / configuration.name / Path(record).name)
        _card(reference, configurations, temporary).save(temporary / "README.md")
        subjects = [configuration.subject for configuration in configurations]
        files = [File(name, path, temporary / path) for name, _, path in configurations]
        (temporary / croissant.NAME).write_text(croissant.document(subjects, files, reference), encoding="utf-8")
    return len(configurations)


def _configurations(reference: str, config: Path) -> list[Configuration]:
    """Return the configurations of a lineage in the order of its generations."""
    name, _, revision = reference.partition(references.REVISION_MARK)
    experiment, regime, seed = name.split("/")
    project = Project(revision=revision or None)
    datasets = [artefact for artefact in croissant.datasets(reference) if artefact.path.endswith(_FILES)]
    origin = kinds.TRAIN.at(Key(experiment, regime, int(seed), 0))
    start = [project.recorded_artefact(origin)] if project.has_manifest(origin) else []
    configurations = []
    for artefact in [*start, *datasets]:
        configuration = _name(artefact)
        configurations.append(Configuration(configuration, describe(artefact, config), f"{configuration}/train.parquet"))
    if not configurations:
        raise HeirloomError(f"{reference}: no datasets of a generation there")
    return configurations


def _files(*dataset_kinds: Kind) -> tuple[str, ...]:
    return tuple(f"/{kind.file}" for kind in dataset_kinds)


_FILES = _files(kinds.SYNTHETIC, kinds.TRAIN)


def _name(artefact: Artefact) -> str:
    """Return the name of a dataset's configuration."""
    key = kinds.key_of(artefact.path)
    assert key is not None
    is_default = artefact.path == (kinds.SYNTHETIC if key.generation else kinds.TRAIN).at(key)
    return f"gen_{key.generation}" if is_default else f"gen_{key.generation}_training"


def _card(reference: str, configurations: list[Configuration], target: Path) -> DatasetCard:
    counts = [count_rows(target / configuration.path) for configuration in configurations]
    subject, last = configurations[-1].subject, configurations[-1].name.removesuffix("_training")
    has_synthetic = any(count.synthetic for count in counts)
    data = DatasetCardData(
        pretty_name=f"Heirloom {reference}",
        license=subject.licence.tag,
        tags=tags_of(is_synthetic=has_synthetic),
        task_categories=["text-generation"] if subject.is_text else None,
        configs=[
            {"config_name": name, "data_files": [{"split": "train", "path": path}], **({"default": True} if name == last else {})}
            for name, _, path in configurations
        ],
    )
    total = RowCounts(sum(count.total for count in counts), sum(count.synthetic for count in counts), None)
    parts = [f"# {code(reference)}", f"> {rows_warning(subject, total)}", _table(configurations, counts)]
    licence = ["## Licence", prose(subject.licence.sentence)]
    return DatasetCard(page(data, [*parts, _LOADING.format(example=last), *licence]))


def _table(configurations: list[Configuration], counts: list[RowCounts]) -> str:
    rows = ["| configuration | what it is | rows written by a model | fingerprint (sha256) |", "|---|---|---|---|"]
    for configuration, count in zip(configurations, counts, strict=True):
        artefact = configuration.subject.artefact
        rows.append(f"| `{configuration.name}` | {code(artefact.name)} | {count.sentence} | {code(artefact.sha256)} |")
    return "\n".join(rows)
