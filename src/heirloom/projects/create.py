"""Make a new project: its files, a repository of git around them, and what is to be typed next."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import chdir
from pathlib import Path

from heirloom import globs, plugin_examples
from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.projects import template
from heirloom.schema import FILE as SCHEMA
from heirloom.schema import generate
from heirloom.specs.family import families_with
from heirloom.workflow.files import PROJECT_SNAKEFILE

SCHEMA_LINE = f"# yaml-language-server: $schema={SCHEMA.as_posix()}\n"
"""Tells editors which keys a config has, with their units and bounds."""
(EXTERNAL,) = families_with("programs")
"""The example whose model is programs of one's own."""
EXAMPLES = (*template.EXAMPLES, EXTERNAL)
PROGRAMS = "programs"
"""Folder of those programs."""


def check_place(folder: Path) -> None:
    """Refuse a folder that holds anything but a git repository without files.

    Raises
    ------
    HeirloomError
        Naming the first file there, or the file that stands in the folder's place; or if its path has a control character.
    """
    globs.check_name(folder)
    if folder.is_dir():
        names = sorted(path.name for path in folder.iterdir() if path.name != ".git")
        if names:
            raise HeirloomError(f"{folder}: is not empty ({names[0]}); give the name of a new folder")
    elif folder.exists() or folder.is_symlink():
        raise HeirloomError(f"{folder}: is a file; give the name of a new folder")


def project(folder: Path, config_text: str) -> None:
    """Write a project whose `config.yaml` has this text.

    Raises
    ------
    HeirloomError
        If the folder is not empty, or cannot be written.
    """
    check_place(folder)
    try:
        for name, content in template.settings().items():
            write_text(folder / name, content)
        write_text(folder / "Snakefile", PROJECT_SNAKEFILE)
        write_text(folder / SCHEMA, dumps(generate(Config)))
        write_text(folder / paths.CONFIG, SCHEMA_LINE + config_text)
    except OSError as error:
        raise HeirloomError(f"{folder}: cannot be written ({error.strerror})") from error
    _make_repository(folder)


def from_example(folder: Path, name: str) -> None:
    """Write a project that runs an example.

    Raises
    ------
    HeirloomError
        If there is no such example, or the folder is not empty.
    """
    if name not in EXAMPLES:
        raise HeirloomError(f"--example: {name!r} given; allowed are {', '.join(EXAMPLES)}")
    if name != EXTERNAL:
        project(folder, template.example(name))
        return
    with tempfile.TemporaryDirectory() as elsewhere, chdir(elsewhere):
        config, *programs = _programs()
        contents = {path: path.read_text(encoding="utf-8") for path in programs}
        config_text = config.read_text(encoding="utf-8")
    project(folder, config_text)
    for path, text in contents.items():
        write_text(folder / path, text.replace(f" --configfile {config.as_posix()}", "").replace(config.as_posix(), paths.CONFIG))


def _programs() -> list[Path]:
    """Return the files of the example of programs in this folder, its config first."""
    files = plugin_examples.copy("vectors", Path(PROGRAMS))
    return sorted(files, key=lambda path: path.suffix != ".yaml")


def _make_repository(folder: Path) -> None:
    """Make a project a repository of git, where its versions are commits; one that it is already stays as it is.

    Raises
    ------
    HeirloomError
        If git is not there, or refuses.
    """
    try:
        subprocess.run(["git", "init", "--quiet", str(folder)], check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise HeirloomError(f"{folder}: written, but there is no git to keep its versions: install it, then `git init {folder}`") from None
    except subprocess.CalledProcessError as error:
        raise HeirloomError(f"{folder}: written, but git refuses: {error.stderr.strip()}") from None
