"""What a new project's folder has from the start: this repository's own settings of Snakemake, DVC and git, which the wheel carries."""

from __future__ import annotations

from pathlib import Path

_CARRIED = Path(__file__).with_name("template")
_CLONE = Path(__file__).parents[3]

SETTINGS = (
    ".dvc/.gitignore",
    ".dvc/config",
    ".dvc/plots/regimes.json",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    "data/README.md",
    "dvc.yaml",
    "profiles/default/profile.yaml",
    "profiles/slurm/config.yaml",
)
"""Files that are the same in every project, but for `dvc.yaml`, whose code is an installed package there."""
_PRESETS = ("configs/pairs.yaml", "configs/gaussian.yaml")
EXAMPLES = {"text": "configs/quick.yaml", **{Path(preset).stem: preset for preset in _PRESETS}}
"""Example → the preset that becomes its `config.yaml`."""

_FOLDERS_OF_CODE = "      - rules\n      - src\n"


def place(name: str) -> Path:
    """Return a file of this repository by its name there: the copy that the wheel carries, or in a clone the file itself."""
    return (_CARRIED if _CARRIED.is_dir() else _CLONE) / name


def settings() -> dict[str, str]:
    """Return name → content of a new project's settings."""
    files = {name: place(name).read_text(encoding="utf-8") for name in SETTINGS}
    files["dvc.yaml"] = files["dvc.yaml"].replace(_FOLDERS_OF_CODE, "")
    return files


def example(name: str) -> str:
    """Return the config of an example."""
    return place(EXAMPLES[name]).read_text(encoding="utf-8")
