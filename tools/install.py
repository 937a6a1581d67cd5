"""Install Heirloom into a virtual environment: by uv where it can be had, by pip everywhere else.

`python tools/install.py .venv uv slurm` is what `make env` calls; `make dev` names the extra `dev`. uv takes a quarter
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
from pathlib import Path

CONSTRAINTS = "constraints.txt"
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
    subprocess.run(pip(python, "install", "--quiet", "--constraint", CONSTRAINTS, "uv"), capture_output=True, check=False)
    return shutil.which("uv", path=str(python.parent))


def pip_torch(python: Path) -> str:
    """Return the version of torch that pip would install, with its build ("2.13.0+cpu"), or nothing if pip cannot say."""
    options = ["--dry-run", "--no-deps", "--ignore-installed", "--quiet", "--report", "-", "--constraint", CONSTRAINTS]
    report = output_of(pip(python, "install", *options, "torch"))
    return json.loads(report)["install"][0]["metadata"]["version"] if report else ""


def installed_torch(python: Path) -> str:
    """Return the version of torch that is installed, with its build."""
    return output_of([str(python), "-c", "import importlib.metadata as m; print(m.version('torch'))"]).strip()


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


def main(folder: str, installer: str = "uv", extra: str = "slurm") -> None:
    """Install into the virtual environment `folder`, with uv unless `installer` is "pip", and with one of the extras."""
    if installer not in ("uv", "pip"):
        sys.exit(f"tools/install.py: INSTALLER is {installer!r}; it may be uv or pip")
    python = Path(folder, "bin/python").absolute()
    program = uv_program(python) if installer == "uv" else None
    if program and install_with_uv(program, python, extra):
        return
    if program:
        print("tools/install.py: uv could not install this, as it says above; pip does it now", file=sys.stderr)
    subprocess.run(pip(python, "install", "--quiet", "--no-compile", *what_to_install(extra)), check=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
