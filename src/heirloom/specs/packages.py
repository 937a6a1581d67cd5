"""An installed package in a slice: its version and the hash of each of its files, as they were when the job was planned."""

from __future__ import annotations

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.errors import HeirloomError
from heirloom.runtime import packages
from heirloom.runtime.packages import Group
from heirloom.specs.base import Many, Strict
from heirloom.specs.programs import CodeFile, code_file


class Package(Strict):
    """A package that brings a family, a measure or a judge.

    Attributes
    ----------
    group, entry
        The group of its entry points, and the name that the config asks for.
    package, version
        What it is called, and its version.
    files
        Its files, by their names below the folder that it is installed in.
    """

    group: Group
    entry: str
    package: str
    version: str
    files: Many[CodeFile]


def planned(group: Group, entry: str) -> Package:
    """Return the package that offers a name, as it is installed now.

    Raises
    ------
    HeirloomError
        If no package offers it, several do, or its files are not to be found.
    """
    name, version, files = packages.facts(group, entry)
    hashed_files = tuple(code_file(file, name_of_file, name) for name_of_file, file in files.items())
    return Package(group=group, entry=entry, package=name, version=version, files=hashed_files)


def check(package: Package) -> None:
    """Refuse a package whose files are not as they were when the job was planned: the manifest would name other code.

    Raises
    ------
    HeirloomError
        Naming the package.
    """
    _, version, places = packages.facts(package.group, package.entry)
    files = {name: sha256_file(place) for name, place in places.items()}
    if version != package.version or files != {file.path: file.sha256 for file in package.files}:
        raise HeirloomError(f"package {package.package}: is not as it was when this job was planned; run snakemake again")
