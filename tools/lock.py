"""Write locks/: each package that CI and the container install, with the SHA-256 of each of its files on PyPI.

`python tools/lock.py` needs uv and PyPI. The versions are those of `constraints.txt`; torch has the hashes of PyTorch's CPU builds beside
those of PyPI. The three files have no package in common: an image takes the first two, CI takes all. It also writes the hashes into the
lists of the judges of our exports.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

BUILD, RUN, DEV = (Path("locks", f"{name}.txt") for name in ("build", "run", "dev"))
COMMENTS = {
    BUILD: "What builds packages",
    RUN: "What an image installs beside build.txt",
    DEV: "What CI installs beside build.txt and run.txt",
}
BUILD_INPUT = Path("locks/build.in")
CPU_BUILDS = Path("locks/torch-cpu.txt")
JUDGES = tuple(Path("tests/export", f"{name}.txt") for name in ("croissant", "signing", "validator"))
CONSTRAINTS = Path("constraints.txt")
OLDEST_PYTHON = "3.11"
INDEX = "https://pypi.org/simple"
_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;\\]+)")
_HASH = "    --hash=sha256:"


def name_of(text: str) -> str:
    """Return the name of a package in the one spelling that indexes use."""
    return re.sub(r"[-_.]+", "-", text).lower()


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name of each locked package with its lines: the pin, its marker if it has one, and the hashes."""
    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        pin = _PIN.match(block)
        if pin is not None:
            yield name_of(pin["name"]), block


def version_of(block: str) -> str:
    """Return the version that a block pins."""
    pin = _PIN.match(block)
    assert pin is not None
    return pin["version"]


def compiled(*arguments: str) -> dict[str, str]:
    """Return name → block of what uv resolves for Linux on every Python that Heirloom promises, with the hashes of PyPI."""
    program = shutil.which("uv") or sys.exit("tools/lock.py: uv is not installed; pip install uv")
    options = ["--quiet", "--no-config", "--no-annotate", "--no-header", "--universal", "--generate-hashes"]
    place = ["--python-version", OLDEST_PYTHON, "--default-index", INDEX]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "lock.txt")
        subprocess.run([program, "pip", "compile", *options, *place, *arguments, "--output-file", str(target)], env=environment, check=True)
        return dict(blocks(target.read_text(encoding="utf-8")))


def with_cpu_builds(block: str) -> str:
    """Return torch's block with the hashes of its CPU builds, which must be of the same version."""
    lines = [line.split() for line in CPU_BUILDS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    strays = [name for _, name in lines if not name.startswith(f"torch-{version_of(block)}+cpu-")]
    if strays:
        sys.exit(f"tools/lock.py: {CPU_BUILDS} has {strays[0]}, but torch is {version_of(block)}; list the hashes of its CPU builds there")
    return " \\\n".join([block, *(f"{_HASH}{digest}" for digest, _ in lines)])


def write(target: Path, locked: Mapping[str, str], comment: str) -> None:
    """Write blocks in alphabetical order."""
    lines = [locked[name] for name in sorted(locked)]
    target.write_text("\n".join([f"# {comment}", *lines, ""]), encoding="utf-8")


def main() -> None:
    """Write all locks."""
    common = ["--constraint", str(CONSTRAINTS)]
    build = compiled(str(BUILD_INPUT), *common)
    run = compiled("pyproject.toml", "--extra", "eval", "--extra", "slurm", *common)
    dev = compiled("pyproject.toml", "--extra", "dev", *common)
    whole = {**build, **dev, "torch": with_cpu_builds(dev["torch"])}
    for part in (build, run):
        strays = [name for name in part if version_of(part[name]) != version_of(whole[name])]
        if strays:
            sys.exit(f"tools/lock.py: {strays[0]} has two versions in two locks; give it one in {CONSTRAINTS}")
    parts = {BUILD: build.keys(), RUN: run.keys() - build.keys(), DEV: dev.keys() - run.keys() - build.keys()}
    for target, names in parts.items():
        write(target, {name: whole[name] for name in names}, f"{COMMENTS[target]}; written by tools/lock.py")
    for judge in JUDGES:
        comments = [line for line in judge.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        write(judge, compiled(str(judge)), comments[0].removeprefix("# "))


if __name__ == "__main__":
    main()
