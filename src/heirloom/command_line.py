"""What Snakemake's profiles do first: look at the config that ``--configfile`` names.

Snakemake reads that file before the Snakefile, and ends in a traceback of its own on a date, a tag or an encoding that PyYAML refuses.
Profiles are read earlier still.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from heirloom import strict_yaml
from heirloom.errors import BAD_INPUT, HeirloomError, printed


def check_config(arguments: Sequence[str]) -> None:
    """End Snakemake with a line a fault and exit code 2 if a config that its arguments name does not say one thing.

    A config whose YAML can be read is judged later, in rules/common.smk.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--configfile", "--configfiles", nargs="+", default=[])
    try:
        for path in parser.parse_known_args(arguments)[0].configfile:
            _check(path)
    except argparse.ArgumentError:
        return  # Snakemake says what is wrong with its arguments
    except HeirloomError as error:
        print(*printed(error), sep="\n", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _check(path: str) -> None:
    _, faults = strict_yaml.read(path)
    if faults:
        from heirloom import config

        config.load(path)
