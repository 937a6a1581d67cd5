"""A toy project with the paths of the real one, whose jobs take a tenth of a second, and commands run there as a user would."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from helpers import ROOT

SETTINGS = (
    *("dvc.yaml", ".gitignore", ".gitattributes", ".dvcignore", ".dvc/config", ".dvc/.gitignore", ".dvc/plots/regimes.json"),
    "data/README.md",
)
"""What this repository tells git and DVC, and the page about data."""
LINEAGE = Path("data/toy/replace/seed=0")
CONFIG = Path("config.yaml")
ALL = ("data/toy/origin/seed=0", "data/toy/real", "data/toy/replace/seed=0")
MODEL = LINEAGE / "gen=2/checkpoint/model.safetensors"
UP_TO_DATE = "Data and pipelines are up to date.\n"

Shell = Callable[..., str]


def write(folder: Path) -> None:
    """Write the toy project into a new folder, with this repository's own settings of DVC and git."""
    shutil.copytree(ROOT / "tests/lineage/toy", folder)
    for name in SETTINGS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("rules/none.smk", "src/code.py", "src/heirloom.egg-info/PKG-INFO"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def commit(sh: Shell) -> None:
    sh("git", "add", "-A")
    sh("git", "commit", "-q", "-m", "a version")


def snakemake(sh: Shell, *arguments: str, status: int = 0, **environment: str) -> str:
    return sh("snakemake", "--cores", "1", "--rerun-incomplete", *arguments, status=status, **environment)


def listed(folder: Path | str) -> set[str]:
    """Return the files that DVC has recorded of a lineage folder."""
    md5 = yaml.safe_load(Path(f"{folder}.dvc").read_text())["outs"][0]["md5"]
    return {entry["relpath"] for entry in json.loads(Path(".dvc/cache/files/md5", md5[:2], md5[2:]).read_text())}


def forget() -> None:
    """Leave data and Snakemake's state as after a run that nobody has recorded."""
    for path in [*Path("data").rglob("*.dvc"), Path("dvc.lock"), Path("results/lineage.tsv")]:
        path.unlink()
    for folder in (".heirloom", ".dvc/cache"):
        shutil.rmtree(folder)


def ledger() -> dict[str, list[str]]:
    _, *lines = Path("results/lineage.tsv").read_text().splitlines()
    return {line.split("\t")[0]: line.split("\t") for line in lines}


def set_generations(number: int) -> None:
    CONFIG.write_text(re.sub(r"generations: \d+", f"generations: {number}", CONFIG.read_text()))


def change_rows(old: str = "rows: 10", new: str = "rows: 11") -> None:
    CONFIG.write_text(CONFIG.read_text().replace(old, new))


def planned(sh: Shell) -> dict[str, int]:
    """Return rule → number of jobs that Snakemake would run."""
    lines = snakemake(sh, "-n").partition("Job stats:")[2].partition("total")[0].splitlines()
    return {rule: int(number) for rule, number in (line.split() for line in lines[3:] if line)}


def planned_totals(sh: Shell, *arguments: str) -> dict[str, int]:
    """Return rule → number of jobs that the real workflow would run, its target rule left out."""
    counts = {rule: int(number) for rule, number in re.findall(r"^(\w+)\s+(\d+)$", sh("snakemake", "-n", *arguments), re.MULTILINE)}
    return {rule: number for rule, number in counts.items() if rule not in {"all", "total"}}


def record_by_itself() -> None:
    """Give the toy the hook and the profile of the real workflow, so that a plain `snakemake` runs and records."""
    hook = "python -c 'from heirloom.lineage.record import record; from pathlib import Path; record(Path(\"config.yaml\"), True)'"
    snakefile = Path("Snakefile")
    snakefile.write_text(f'{snakefile.read_text()}\nonsuccess:\n    shell("""{hook}""")\n')
    Path("profiles/default").mkdir(parents=True)
    Path("profiles/default/config.yaml").write_text("cores: 1\n")


def cache_is_intact() -> bool:
    objects = {f"{path.parent.name}{path.stem}": path for path in Path(".dvc/cache/files/md5").rglob("*") if path.is_file()}
    return all(hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() == name for name, path in objects.items())


def clone(sh: Shell, monkeypatch: pytest.MonkeyPatch, *pulled: str) -> None:
    """Push, clone into a new folder, pull and make that the working folder."""
    project = Path.cwd()
    sh("dvc", "remote", "add", "-q", "-d", "store", str(project.parent / "store"))
    commit(sh)
    sh("dvc", "push", "-q")
    sh("git", "clone", "-q", str(project), str(project.parent / "clone"))
    monkeypatch.chdir(project.parent / "clone")
    sh("dvc", "pull", "-q", *pulled)
