"""Whether the tables among the results are of the measures that are here: a run of some targets makes measures anew, and no tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.workflow.jobs import measure_files

MEASURES = "measures"
"""Where `results.settings` has the digest of the measures that its numbers were gathered from."""


def digest(config: Config) -> str:
    """Return a hash of the fingerprints of all measures of a config; one that is not here counts as empty."""
    notes = [Path(paths.fingerprint(path)) for _, path in measure_files(config)]
    contents = [note.read_bytes() if note.is_file() else b"" for note in notes]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def note(config: Config) -> str:
    """Return a line on tables that are of other measures than those that are here; empty where they are of these, or there are none."""
    results = config.results
    if not Path(results.metrics).is_file():
        return ""
    if Path(results.settings).is_file() and read_json(results.settings).get(MEASURES) == digest(config):
        return ""
    return f"to do: the tables and figures in {results.folder}, of other data than those here; {results.snakemake} makes them anew"
