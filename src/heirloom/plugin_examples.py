"""Examples of programs to start from: folders of the repository's ``examples/``, which the wheel carries."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts.files import write_text
from heirloom.errors import HeirloomError

_CARRIED = Path(__file__).with_name("examples")


def place(kind: str) -> Path:
    """Return the folder of an example: the copy that the wheel carries, or in a clone the one at the top."""
    folder = _CARRIED if _CARRIED.is_dir() else Path(__file__).parents[2] / "examples"
    return folder / kind


def copy(kind: str, folder: Path) -> list[Path]:
    """Copy an example into a new folder, whose name stands in its config for that of the example; return the files.

    Raises
    ------
    HeirloomError
        If the folder exists, or does not lie in this one: the commands in the config name its files from here.
    """
    if folder.exists():
        raise HeirloomError(f"{folder}: exists already; give the name of a new folder")
    if folder.is_absolute() or ".." in folder.parts:
        raise HeirloomError(f"{folder}: must lie in this folder, where snakemake is run")
    files = []
    for source in sorted(place(kind).iterdir()):
        name = f"{folder.name}.yaml" if source.name == f"{kind}.yaml" else source.name
        text = source.read_text(encoding="utf-8").replace(f"examples/{kind}/{kind}.yaml", f"{folder.as_posix()}/{folder.name}.yaml")
        text = text.replace(f"results/{kind}/", f"results/{folder.name}/")
        text = text.replace("[docs/plug-ins.md](../../docs/plug-ins.md)", "`docs/plug-ins.md`")  # where no clone is around it
        write_text(folder / name, text.replace(f"examples/{kind}", folder.as_posix()))
        files.append(folder / name)
    return files
