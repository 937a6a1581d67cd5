"""A folder that Hugging Face's libraries open unaided: one dataset as Parquet, or one checkpoint as safetensors, and a card.

Data and weights are copied byte for byte, so the fingerprint in the card is the one in the lineage.
"""

from __future__ import annotations

from pathlib import Path

from huggingface_hub import DatasetCard, ModelCard

from heirloom import results
from heirloom.artefacts import kinds, paths
from heirloom.errors import HeirloomError
from heirloom.export import card, croissant, eval_results, folder, lineage_folder
from heirloom.export.croissant_records import File
from heirloom.export.subject import Subject, describe
from heirloom.families import tokenizer_folder
from heirloom.lineage import foreign
from heirloom.lineage.project import locate
from heirloom.workflow import folders

PROVENANCE = "provenance"
_SPLITS = {"synthetic": "train", "selected": "train", "train": "train", "valid": "validation", "test": "test"}


def export(reference: str, target: Path, config: Path, namespace: str = "") -> str:
    """Write a dataset, a checkpoint or a whole lineage as a folder for the hub; return the reference it stands for.

    Parameters
    ----------
    reference
        Names one dataset (synthetic, selected, train, valid, test) or checkpoint, or a lineage, ``@revision`` included.
    target
        A folder that does not exist yet, or is empty.
    config
        Asked for the licence of the real data.
    namespace
        Under which the artefacts of the project are published on a hub, for the base and the datasets of a checkpoint.

    Raises
    ------
    HeirloomError
        If the reference names anything else, the bytes are not the recorded ones, or the folder is in use.
    """
    if lineage_folder.is_lineage(reference):
        lineage_folder.export(reference, target, config)
        return reference
    artefact = locate(reference)
    stem = folders.stem(artefact.path)
    if stem not in (*_SPLITS, "checkpoint") or artefact.project.root != Path():
        raise HeirloomError(f"{reference}: export hf takes a dataset (synthetic, selected, train, valid, test) or a checkpoint under data/")
    artefact.data()
    foreign.check_artefacts([artefact])
    subject = describe(artefact, config)
    with folder.new(target) as temporary:
        page = (
            _checkpoint(subject, temporary, results.of(config), namespace)
            if stem == "checkpoint"
            else _dataset(subject, _SPLITS[stem], temporary)
        )
        page.save(temporary / "README.md")
        if stem == "checkpoint":
            eval_results.write(subject, config, temporary)
        for record in (paths.manifest(artefact.path), paths.fingerprint(artefact.path)):
            folder.copy(artefact.project.file(record), temporary / PROVENANCE / Path(record).name)
    return artefact.name


def _dataset(subject: Subject, split: str, target: Path) -> DatasetCard:
    path_inside = f"data/{split}.parquet"
    folder.copy(subject.artefact.place, target / path_inside)
    file = File(split, path_inside, target / path_inside)
    (target / croissant.NAME).write_text(croissant.document([subject], [file], subject.name), encoding="utf-8")
    return card.dataset(subject, target / path_inside, split, path_inside)


def _checkpoint(subject: Subject, target: Path, config_results: results.Results, namespace: str) -> ModelCard:
    place = subject.artefact.place
    if (place / "adapter_config.json").is_file():
        cure = "train with lora.checkpoint: merged to export a model"
        raise HeirloomError(f"{subject.name}: an adapter, which opens beside its pretrained model alone; {cure}")
    for file in folder.files(place):
        folder.copy(file, target / file.relative_to(place))
    if subject.is_text:
        _copy_tokenizer(subject, target)
    return card.checkpoint(subject, config_results, namespace)


def _copy_tokenizer(subject: Subject, target: Path) -> None:
    tokenizer = subject.artefact.project.recorded_artefact(kinds.TOKENIZER.path(subject.key.experiment))
    folder.copy(tokenizer.data(), target / tokenizer_folder.TOKENIZER)
    if subject.library == card.TRANSFORMERS:
        tokenizer_folder.complete(target, tokenizer.manifest.get("tokenizer", {}))
