"""Results: where what is gathered of a config's experiments lies. No other module spells a path under ``results/`` that a config has.

What tells of all data, whichever config has made it, lies in ``results/`` itself: the ledger and the cost table (`lineage`).
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from heirloom.artefacts import paths
from heirloom.errors import HeirloomError

FOLDERS = ("diffs", "figures", "plots")
"""Folders in each config's results: no folder of a config's results has such a name."""
SUFFIXES = (".csv", ".html", ".json", ".jsonl", ".parquet", ".tsv")
"""Of the files in ``results/``: no folder of a config's results ends in one."""
CONTENTS = f"{paths.RESULTS}/index.html"
"""The page that lists all results, whichever config they are of."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Results:
    """Where the results of one config lie: of ``config.yaml`` in ``results/``, which DVC reads, of any other in ``results/<name>/``.

    Attributes
    ----------
    name
        The name of the config's file without its suffix; empty for ``config.yaml``.
    config_file
        The file as messages name it, seen from the project's top folder.
    """

    name: str = ""
    config_file: str = paths.CONFIG

    @property
    def folder(self) -> str:
        """The folder of all that follows."""
        return f"{paths.RESULTS}/{self.name}" if self.name else paths.RESULTS

    @property
    def metrics(self) -> str:
        """The tidy table: every measure of every generation, one per row."""
        return f"{self.folder}/metrics.parquet"

    @property
    def headlines(self) -> str:
        """The last generation's headline numbers, for ``dvc metrics``."""
        return f"{self.folder}/metrics.json"

    @property
    def settings(self) -> str:
        """The settings that the numbers are of."""
        return f"{self.folder}/settings.json"

    @property
    def intervals(self) -> str:
        """Headline numbers over seeds, with their intervals."""
        return f"{self.folder}/intervals.csv"

    @property
    def onset(self) -> str:
        """When each arm begins to collapse."""
        return f"{self.folder}/onset.csv"

    @property
    def attribution(self) -> str:
        """What other settings of the error sources gain."""
        return f"{self.folder}/attribution.csv"

    @property
    def theory(self) -> str:
        """Closed forms beside what was measured."""
        return f"{self.folder}/theory.csv"

    @property
    def profile(self) -> str:
        """Which meanings of collapse each arm meets."""
        return f"{self.folder}/profile.csv"

    @property
    def groups(self) -> str:
        """What is left of each group of rows, where an experiment has groups."""
        return f"{self.folder}/groups.csv"

    @property
    def ranking(self) -> str:
        """Which mitigations are better than which, where the config has a ranking."""
        return f"{self.folder}/ranking.csv"

    @property
    def tasks(self) -> str:
        """Scores of tasks with paired tests, where an experiment has tasks."""
        return f"{self.folder}/tasks.csv"

    @property
    def sealed_tables(self) -> tuple[str, ...]:
        """The tables of every config that have a digest beside them."""
        return self.metrics, self.onset, self.theory, self.profile

    @property
    def sealed_tables_on_request(self) -> tuple[str, ...]:
        """Those that only some configs ask for."""
        return self.groups, self.ranking, self.tasks

    @property
    def plots(self) -> str:
        """The folder of the tables for ``dvc plots``."""
        return f"{self.folder}/plots"

    def plot(self, experiment: str) -> str:
        """Return the table of one experiment for ``dvc plots``."""
        return f"{self.plots}/{experiment}.csv"

    @property
    def figures(self) -> str:
        """The folder of figures."""
        return f"{self.folder}/figures"

    @property
    def figure_index(self) -> str:
        """The list of figures, with captions."""
        return f"{self.figures}/index.json"

    @property
    def diff(self) -> str:
        """The page that compares the first with the last generation of an arm; a pattern with wildcards.

        The point between them is in no name, so that a page has one experiment and one regime.
        """
        return f"{self.folder}/diffs/{{experiment}}.{{regime}}.html"

    @property
    def page(self) -> str:
        """The page that a person opens first."""
        return f"{self.folder}/report.html"

    @property
    def claims(self) -> str:
        """The verdicts on the claims of the literature."""
        return f"{self.folder}/claims.csv"

    def log(self, job: str) -> str:
        """Return the log of a job that makes results; ``job`` is a rule, and may go on with wildcards."""
        return f"logs/{self._of_config(job)}.log"

    def benchmark(self, job: str) -> str:
        """Return the file in which Snakemake notes what such a job has used."""
        return f"logs/benchmarks/{self._of_config(job)}.jsonl"

    def _of_config(self, job: str) -> str:
        rule, *wildcards = job.split("/")
        parts = [rule, self.name, *wildcards] if self.name else [rule, *wildcards]
        return "/".join(parts)

    @property
    def config_option(self) -> str:
        """What a command of Heirloom needs on its command line to read this config, a blank before it; nothing for ``config.yaml``."""
        return f" --config {shlex.quote(self.config_file)}" if self.name else ""

    @property
    def snakemake(self) -> str:
        """The command that makes these results."""
        return f"snakemake --configfile {shlex.quote(self.config_file)}" if self.name else "snakemake"

    @property
    def repair(self) -> str:
        """How a table that does not have its recorded digest is repaired."""
        return f"heirloom summarise{self.config_option} writes it again"


DEFAULT = Results()
"""Where those of ``config.yaml`` lie."""


def of(config_file: str | Path) -> Results:
    """Return where the results of a config's file lie; the file itself need not exist.

    Raises
    ------
    HeirloomError
        If the file's name cannot be that of a folder of results.
    """
    path = Path(config_file)
    if path.resolve() == Path(paths.CONFIG).resolve():
        return DEFAULT
    if not _is_name(path.stem):
        rule = f"letters, digits, _, - and . make a name that is none of {', '.join(FOLDERS)} and ends in none of {', '.join(SUFFIXES)}"
        raise HeirloomError(f"{config_file}: its results cannot lie in {paths.RESULTS}/{path.stem}/; rename the file: {rule}")
    return Results(path.stem, paths.project_path(path))


def folder_of(path: str) -> str | None:
    """Return the folder of results, of one config, that a path is or lies in; None outside of ``results/``."""
    top, *parts = Path(path).parts or ("",)
    if top != paths.RESULTS:
        return None
    return f"{top}/{parts[0]}" if parts and _is_name(parts[0]) else top


def folders() -> list[str]:
    """Return the folders of results that are on disk, that of ``config.yaml`` first, the others sorted."""
    top = Path(paths.RESULTS)
    if not top.is_dir():
        return []
    names = sorted(path.name for path in top.glob("*") if path.is_dir() and _is_name(path.name))
    return [paths.RESULTS, *(f"{paths.RESULTS}/{name}" for name in names)]


def in_folder(folder: str) -> Results:
    """Return the results in a folder of results, of a config of which no more than its name is known."""
    name = Path(folder).name if folder != paths.RESULTS else ""
    return Results(name, f"{name}.yaml" if name else paths.CONFIG)


def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name.casefold() not in FOLDERS and not name.casefold().endswith(SUFFIXES)
