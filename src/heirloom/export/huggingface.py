"""A folder that Hugging Face's libraries open unaided: one dataset as Parquet, or one checkpoint as safetensors, and a card.

Data and weights are copied byte for byte, so the fingerprint in the card is the one in the lineage.
"""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts import kinds, paths
from heirloom.errors import HeirloomError
from heirloom.export import card, folder, tokenizer_folder
from heirloom.export.subject import Subject, describe
from heirloom.lineage.project import locate
from heirloom.workflow import folders

PROVENANCE = "provenance"
_SPLITS = {"synthetic": "train", "selected": "train", "train": "train", "valid": "validation", "test": "test"}


def export(reference: str, target: Path, config: Path) -> str:
    """Write a dataset or checkpoint as a folder for the hub; return the reference it stands for.

    Parameters
    ----------
    reference
        Names one dataset (synthetic, selected, train, valid, test) or checkpoint, ``@revision`` included.
    target
        A folder that does not exist yet, or is empty.
    config
        Asked for the licence of the real data.

    Raises
    ------
    HeirloomError
        If the reference names anything else, the bytes are not the recorded ones, or the folder is in use.
    """
    artefact = locate(reference)
    stem = folders.stem(artefact.path)
    if stem not in (*_SPLITS, "checkpoint") or artefact.project.root != Path():
        raise HeirloomError(f"{reference}: export hf takes a dataset (synthetic, selected, train, valid, test) or a checkpoint under data/")
    artefact.data()
    about = describe(artefact, config)
    with folder.new(target) as temporary:
        text = _checkpoint(about, temporary) if stem == "checkpoint" else _dataset(about, _SPLITS[stem], temporary)
        (temporary / "README.md").write_text(text, encoding="utf-8")
        for note in (paths.manifest(artefact.path), paths.fingerprint(artefact.path)):
            folder.copy(artefact.project.file(note), temporary / PROVENANCE / Path(note).name)
    return artefact.name


def _dataset(about: Subject, split: str, target: Path) -> str:
    inside = f"data/{split}.parquet"
    folder.copy(about.artefact.place, target / inside)
    return card.dataset(about, target / inside, split, inside)


def _checkpoint(about: Subject, target: Path) -> str:
    place = about.artefact.place
    if (place / "adapter_config.json").is_file():
        cure = "train with lora.checkpoint: merged to export a model"
        raise HeirloomError(f"{about.name}: an adapter, which opens beside its pretrained model alone; {cure}")
    for file in folder.files(place):
        folder.copy(file, target / file.relative_to(place))
    if about.is_text:
        tokenizer = about.artefact.project.recorded_artefact(kinds.TOKENIZER.path(about.key.experiment))
        folder.copy(tokenizer.data(), target / tokenizer_folder.TOKENIZER)
        if about.library == card.TRANSFORMERS:
            tokenizer_folder.complete(target, tokenizer.manifest.get("tokenizer", {}))
    return card.checkpoint(about)
