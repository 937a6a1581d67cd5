"""A small recorded project, and the commands that tests interrupt in it: what each finds, and by what its outcome is compared."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

import kill_lab
import small_lineages
from damage import flip_a_bit
from heirloom import config as configuration
from heirloom.lineage import dvc
from heirloom.lineage.record import record
from helpers import ROOT, write_corpus

CONFIG: dict[str, Any] = {
    "schema_version": 1,
    "num_threads": 1,
    "regimes": {"replace": {}},
    "experiments": {
        "text": {
            "family": {"name": "ngram", "training": {"order": 2}},
            "source": small_lineages.SOURCE,
            "regimes": ["replace"],
            "generations": 2,
            "rows": 20,
            "origin_rows": 40,
        }
    },
}
LINEAGE = "data/text/replace/seed=0"
NEWEST, OLDEST = "text/replace/0/2", "text/replace/0/1"
STATE = ("data", "data.dvc", ".dvc/cache/files", "results/lineage.tsv")


class Case(NamedTuple):
    """A command that is killed.

    Attributes
    ----------
    project
        The project that it finds.
    arguments
        Of the command line.
    places
        The files and folders by which a killed one is compared with an unbroken one.
    """

    project: Path
    arguments: tuple[str, ...]
    places: tuple[str, ...] = STATE


@contextmanager
def made(folder: Path) -> Iterator[dict[str, Path]]:
    """Make two copies of a project: ``made``, of which nothing is recorded, and ``recorded``; `work` is where commands run."""
    work = folder / "work"
    work.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(work)
        for role in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{role}_NAME", "me")
            patch.setenv(f"GIT_{role}_EMAIL", "me@example.org")
        write_corpus(Path("corpus"))
        Path("config.yaml").write_text(yaml.safe_dump(CONFIG))
        for name in (".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore", "Snakefile"):
            Path(name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, name)
        small_lineages.make_text(configuration.parse(CONFIG), ("replace",))
        _commit()
        dvc._cache.cache_clear()
        dvc.cache_path("0" * 32)  # whose answer the forked processes take over
        kill_lab.copy(work, folder / "made")
        record(Path("config.yaml"), complete=True)
        _commit()
        kill_lab.copy(work, folder / "recorded")
        patch.chdir(folder)
        yield {"work": work, "made": folder / "made", "recorded": folder / "recorded"}
        dvc._cache.cache_clear()


def _commit() -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", "commit", "-q", "-m", "a version"], check=True)


def record_case(projects: dict[str, Path]) -> list[Case]:
    """A record of what was made."""
    return [Case(projects["made"], ("record", "--complete"))]


def restore_case(projects: dict[str, Path]) -> list[Case]:
    """A restore of a clone that has the cache and no data."""
    clone = projects["recorded"].with_name("clone")
    kill_lab.copy(projects["recorded"], clone)
    shutil.rmtree(clone / LINEAGE)
    shutil.rmtree(clone / "data/text/real")
    return [Case(clone, ("restore",))]


def repair_case(projects: dict[str, Path]) -> list[Case]:
    """A repair of a lineage with a damaged and a missing file, a damaged pointer and a damaged ledger."""
    damaged = projects["recorded"].with_name("damaged")
    kill_lab.copy(projects["recorded"], damaged)
    synthetic = damaged / LINEAGE / "gen=2/synthetic.parquet"
    content = synthetic.read_bytes()
    synthetic.unlink()
    synthetic.write_bytes(content)
    for file in (synthetic, damaged / "results/lineage.tsv", damaged / f"{LINEAGE}.dvc"):
        flip_a_bit(file)
    (damaged / LINEAGE / "gen=1/train.manifest.json").unlink()
    return [Case(damaged, ("repair",))]


def diff_case(projects: dict[str, Path]) -> list[Case]:
    """Comparisons that write a page or rows, of versions here and of a commit."""
    here = projects["recorded"]
    return [
        Case(here, ("diff", OLDEST, NEWEST, "--format", "html", "--output", "page.html"), ("page.html",)),
        Case(here, ("diff", f"{OLDEST}@HEAD", NEWEST, "--rows", "rows", "--output", "text"), ("rows", "text")),
    ]


def export_case(projects: dict[str, Path]) -> list[Case]:
    """Exports of each kind into a new folder."""
    here = projects["recorded"]
    kinds = [("hf", NEWEST), ("hf", f"{NEWEST}:checkpoint"), ("croissant", "text/replace/0")]
    return [Case(here, ("export", *kind, "new"), ("new",)) for kind in [*kinds, ("attestations", "text/replace/0")]]


CASES: dict[str, Callable[[dict[str, Path]], list[Case]]] = {
    "record": record_case,
    "restore": restore_case,
    "repair": repair_case,
    "diff": diff_case,
    "export": export_case,
}
