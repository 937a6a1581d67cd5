"""Install Heirloom into a virtual environment: by uv where it can be had, by pip everywhere else.

`python tools/install.py .venv uv slurm` is what `make env` calls; `make dev` names the extra `dev`. With `locked` behind that, only
files with the hashes in `locks/` are installed (CI), and the extra `image` is what the container has. uv takes a quarter
of pip's CPU time. It reads none of pip's configuration, so this hands it over: the indexes, `find-links`, constraints
and the certificate. It needs the standard library only, because it runs before anything is installed.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import lock

CONSTRAINTS = "constraints.txt"
LOCKS = {"image": (lock.RUN,), "slurm": (lock.RUN,), "dev": (lock.RUN, lock.DEV)}
"""Extra → what is installed with hashes, beside what builds."""
FOR_GPUS = ("cuda-", "nvidia-cu", "nvidia-nccl", "nvidia-nv", "triton")
"""What torch needs beside a build for GPUs alone."""
# what pip merges from several indexes, uv takes from the first one that has the name, unless it is told otherwise
LIKE_PIP = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_PRERELEASE": "if-necessary-or-explicit"}
# a setting of pip, and the variable by which uv takes the same (lists are separated by blanks in both, but for find-links)
SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "constraint": "UV_CONSTRAINT",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
COMMA_SEPARATED = {"UV_FIND_LINKS"}


def pip_settings(listing: str) -> dict[str, str]:
    """Return the settings in force for `pip install`, by name, from what `pip config list` prints.

    A setting of the section `install` outweighs one of `global`, and a variable of the environment outweighs both.
    """
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for line in listing.splitlines():
            key, _, value = line.partition("=")
            place, _, name = key.partition(".")
            if place == section and value:
                settings[name] = str(ast.literal_eval(value))
    return settings


def uv_environment(settings: dict[str, str]) -> dict[str, str]:
    """Return the variables that tell uv what pip's settings say."""
    variables = dict(LIKE_PIP)
    for name, value in settings.items():
        if variable := SETTINGS.get(name):
            separator = "," if variable in COMMA_SEPARATED else " "
            variables[variable] = separator.join(value.split())
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):
        variables["UV_NO_INDEX"] = "1"
    return variables


def pip(python: Path, *arguments: str) -> list[str]:
    """Return a command of the environment's own pip."""
    return [str(python), "-m", "pip", *arguments]


def output_of(command: list[str]) -> str:
    """Return what a command prints, or nothing if it fails."""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def uv_program(python: Path) -> str | None:
    """Return the path of uv: the user's own, or one that pip can install, or None."""
    if program := shutil.which("uv"):
        return program
    with tempfile.TemporaryDirectory() as folder:
        locked_uv = Path(folder, "uv.txt")
        locked_uv.write_text(dict(lock.blocks(lock.BUILD.read_text(encoding="utf-8")))["uv"], encoding="utf-8")
        command = pip(python, "install", "--quiet", "--require-hashes", "--requirement", str(locked_uv))
        subprocess.run(command, capture_output=True, check=False)
    return shutil.which("uv", path=str(python.parent))


def pip_torch(python: Path) -> str:
    """Return the version of torch that pip would install, with its build ("2.13.0+cpu"), or nothing if pip cannot say."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-", "--constraint", CONSTRAINTS]
    report = output_of(pip(python, "install", *options, "torch"))
    return json.loads(report)["install"][0]["metadata"]["version"] if report else ""


def installed_torch(python: Path) -> str:
    """Return the version of torch that is installed, with its build."""
    return output_of([str(python), "-c", "import importlib.metadata as m; print(m.version('torch'))"]).strip()


def requirements(extra: str, torch: str) -> str:
    """Return what is installed with hashes for an extra: of torch the build that pip takes, and without what only one for GPUs needs.

    Parameters
    ----------
    torch
        The version with its build, such as "2.13.0+cpu"; nothing where pip cannot say.
    """
    lines = []
    for file in LOCKS[extra]:
        for name, block in lock.blocks(file.read_text(encoding="utf-8")):
            if name == "torch" and torch:  # uv takes the hashes of exactly the version that is asked for
                lines.append(block.replace(lock.version_of(block), torch, 1))
            elif not (torch.endswith("+cpu") and name.startswith(FOR_GPUS)):
                lines.append(block)
    return "\n".join([*lines, ""])


def install_locked(installer: list[str], environment: dict[str, str], python: Path, extra: str) -> None:
    """Install what `locks/` has for an extra, each file compared with its hashes, and then this folder.

    What builds packages comes first, so that building one fetches nothing that has no hash.
    """
    own = [".[eval,slurm]"] if extra == "image" else ["--editable", f".[{extra}]"]
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder, "requirements.txt")
        wanted.write_text(requirements(extra, pip_torch(python)), encoding="utf-8")
        build = ["--require-hashes", "--requirement", str(lock.BUILD)]
        for arguments in (
            build,
            [*build, "--no-build-isolation", "--requirement", str(wanted)],
            ["--no-deps", "--no-build-isolation", *own],
        ):
            if subprocess.run([*installer, *arguments], env=environment, check=False).returncode:
                sys.exit("tools/install.py: what locks/ names could not be installed, as is said above; nothing without a hash is taken")


def what_to_install(extra: str) -> list[str]:
    """Return the arguments of an installer: this folder with one of its extras, at the versions of `constraints.txt`."""
    return ["--editable", f".[{extra}]", "--constraint", CONSTRAINTS]


def install_with_uv(program: str, python: Path, extra: str) -> bool:
    """Install with uv, and return whether that worked; another torch than pip's ends the program."""
    variables = uv_environment(pip_settings(output_of(pip(python, "config", "list"))))
    command = [program, "pip", "install", "--quiet", "--python", str(python), *what_to_install(extra)]
    if subprocess.run(command, env={**os.environ, **variables}, check=False).returncode:
        return False
    refuse_another_torch(installed_torch(python), pip_torch(python), python.parents[1])
    return True


def refuse_another_torch(installed: str, pips: str, folder: Path) -> None:
    """End the program if uv took another build of torch than pip takes, where pip says which."""
    if pips and installed != pips:
        sys.exit(
            f"tools/install.py: uv has installed torch {installed}, where pip takes {pips}: remove {folder} and run "
            "`make env INSTALLER=pip`"
        )


def main(folder: str, installer: str = "uv", extra: str = "slurm", locked: str = "") -> None:
    """Install into the environment `folder`, with uv unless `installer` is "pip", with one of the extras; `locked` asks for hashes."""
    if installer not in ("uv", "pip"):
        sys.exit(f"tools/install.py: INSTALLER is {installer!r}; it may be uv or pip")
    if locked not in ("", "locked"):
        sys.exit(f"tools/install.py: LOCKED is {locked!r}; it may be locked, or nothing")
    python = Path(folder, "bin/python").absolute()
    program = uv_program(python) if installer == "uv" else None
    if locked:
        command = [program, "pip", "install", "--python", str(python)] if program else pip(python, "install", "--no-compile")
        settings = pip_settings(output_of(pip(python, "config", "list"))) if program else {}
        settings.pop("constraint", None)  # every version is pinned already, and uv refuses a bound beside hashes
        install_locked([*command, "--quiet"], {**os.environ, **uv_environment(settings)}, python, extra)
        return
    if program and install_with_uv(program, python, extra):
        return
    if program:
        print("tools/install.py: uv could not install this, as it says above; pip does it now", file=sys.stderr)
    subprocess.run(pip(python, "install", "--quiet", "--no-compile", *what_to_install(extra)), check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
