"""The pages that compare the first with the last generation of each arm of text."""

from __future__ import annotations

from heirloom.config import Config

REPORT_FLAG = {"caption": "../docs/report/diff.rst", "category": "{experiment}", "labels": {"figure": "diff of {regime}"}}
"""How ``snakemake --report`` shows such a page: arguments of its ``report`` flag."""


def files(config: Config) -> list[str]:
    """Return the pages that a config has: one per arm of text with more than one generation."""
    pages = []
    for name, experiment in config.experiments.items():
        if experiment.is_text and experiment.generations > 1:
            pages += [config.results.diff.format(experiment=name, regime=regime) for regime in experiment.regimes]
    return pages
