"""What Snakemake's profiles do first: look at the config that ``--configfile`` names.

Snakemake reads that file before the Snakefile, and ends in a traceback of its own on a date, a tag or an encoding that PyYAML refuses.
Profiles are read earlier still.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from heirloom import profiles, strict_yaml
from heirloom.errors import BAD_INPUT, HeirloomError, printed

ONE_FILE = "give one --configfile and no --config: a config is one file, which git can keep"


CONTAINER = "HEIRLOOM_CONTAINER"
"""Environment variable: the image in which the commands of all jobs run, set by a profile."""


def container_of_all_jobs(image: str) -> str:
    """Let the commands of all jobs run in a container image in which Heirloom is installed, and return it; an empty string names none."""
    if image:
        os.environ[CONTAINER] = image
    return image


def check_config(arguments: Sequence[str]) -> None:
    """End Snakemake with a line per fault and exit code 2 if a config that its arguments name does not say one thing.

    A config whose YAML can be read is judged later, in rules/common.smk.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[])
    parser.add_argument("--config", "-C", nargs="*", default=[])
    parser.add_argument("--profile", default=os.environ.get("SNAKEMAKE_PROFILE", ""))
    try:
        options = parser.parse_known_args(arguments)[0]
        if options.config:  # Snakemake reads the values as YAML
            raise HeirloomError(ONE_FILE)
        for path in options.configfile or _profile_configs(options.profile):
            _check(path)
    except argparse.ArgumentError:
        return  # Snakemake says what is wrong with its arguments
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _profile_configs(name: str) -> list[str]:
    """Return the configs that another profile than ours names; none if the profile cannot be read, which Snakemake says."""
    try:
        keys = profiles.keys(name) if name else {}
    except HeirloomError:
        return []
    values = [keys[key] for key in ("configfile", "configfiles") if key in keys]
    return [str(path) for value in values for path in (value if isinstance(value, list) else [value])]


def _check(path: str) -> None:
    _, faults = strict_yaml.read(path)
    if faults:
        from heirloom import config

        config.load(path)
