"""Profiles: the keys of a folder of Snakemake's settings, read as Snakemake reads them."""

from __future__ import annotations

from typing import Any

from heirloom.errors import HeirloomError


def keys(name: str) -> dict[str, Any]:
    """Return the keys of a profile.

    Parameters
    ----------
    name
        Its folder, or a name that Snakemake looks up among the profiles of the user and the system.

    Raises
    ------
    HeirloomError
        If there is none, or it cannot be read.
    """
    from snakemake.cli import get_profile_dir
    from snakemake.profiles import ConfigFileParserException, ProfileConfigFileParser

    folder_and_file = get_profile_dir(name)
    if folder_and_file is None:
        raise HeirloomError(f"{name}: no profile; a folder with a config.yaml for Snakemake is wanted, such as profiles/slurm")
    _, file = folder_and_file
    try:
        with file.open(encoding="utf-8") as stream:
            return dict(ProfileConfigFileParser().parse(stream))
    except (ConfigFileParserException, OSError, ValueError) as error:
        raise HeirloomError(f"{file}: {' '.join(str(error).split())}") from None
