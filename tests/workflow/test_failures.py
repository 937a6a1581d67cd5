"""What a failed run says at its end: real Snakemake, whose output goes to a file, as under nohup, in CI and behind make."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from helpers import ROOT, Run, environment

pytestmark = pytest.mark.slow

COMMAND = f"""#!/bin/sh
# the command of a user on whose machine things go wrong, and beside it the real one
case "$1:$*" in
mix:*data/bad/*) echo bad >> attempts; printf x >> data/bad/real/train.parquet ;;
mix:*data/buggy/*) exec {sys.executable} -c "import os; os.environ['NO_SUCH_VARIABLE']" ;;
mix:*data/killed/*) echo killed >> attempts; kill -9 $$ ;;
mix:*data/lazy/*) exit 0 ;;
mix:*data/many/*) exit 3 ;;
record:*) exec {sys.executable} -c "raise OSError('the disk is full')" ;;
esac
exec {Path(sys.executable).parent}/heirloom "$@"
"""


def configure(workspace: Path, of: str, **experiments: dict[str, Any]) -> None:
    """Make the config one of small experiments alone: those of the tiny config, with what is said of them changed."""
    raw = yaml.safe_load((workspace / "config.yaml").read_text())
    first = {**raw["experiments"][of], "regimes": ["replace"], "seeds": [0], "generations": 1}
    raw["experiments"] = {name: first | changes for name, changes in experiments.items()}
    (workspace / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))


def to_file(workspace: Path, command: str, **more: str) -> tuple[int, list[str]]:
    """Run a command with its output in a file, and return its exit status and the lines."""
    with (workspace / "log").open("w") as log:
        done = subprocess.run(command.split(), cwd=workspace, env=environment() | more, stdout=log, stderr=log, timeout=600, check=False)
    return done.returncode, (workspace / "log").read_text().splitlines()


def test_the_last_lines_name_each_failed_job_its_cause_and_its_log_and_bad_input_is_not_tried_again(workspace: Path) -> None:
    configure(workspace, "steps", bad={}, buggy={}, killed={}, lazy={}, many={"seeds": list(range(12))})
    (workspace / "bin").mkdir()
    (workspace / "bin/heirloom").write_text(COMMAND)
    (workspace / "bin/heirloom").chmod(0o755)
    path = f"{workspace}/bin:{environment()['PATH']}"
    status, lines = to_file(workspace, "snakemake --retries 1 --latency-wait 0", PATH=path)
    assert status == 1
    data, wanted = "data/{}/origin/seed=0/gen=0/train", "regime origin, seed {}, generation 0, failed:"
    missing = ", ".join(data.format("lazy") + suffix for suffix in (".parquet", ".manifest.json", ".fingerprint.json"))
    real = "data/bad/real/train"
    causes = {
        "bad": f"{real}.parquet: not the bytes that {real}.fingerprint.json records; heirloom repair {real}.parquet repairs it",
        "buggy": "KeyError: 'NO_SUCH_VARIABLE'",
        "killed": "killed by signal 9, probably out of memory",
        "lazy": f"its command ended well, but has not written {missing}",
    }
    ends = [
        f"heirloom: mix of experiment {name}, {wanted.format(0)} {cause} (log: logs/mix/{name}/origin/seed=0/gen=0.log)"
        for name, cause in causes.items()
    ]
    ends += [
        f"heirloom: mix of experiment many, {wanted.format(seed)} exit status 3 (log: logs/mix/many/origin/seed={seed}/gen=0.log)"
        for seed in range(6)
    ]
    assert lines[-11:] == [*ends, "heirloom: 6 more jobs failed; the logs lie under logs/"]
    assert sorted((workspace / "attempts").read_text().split()) == ["bad", "killed", "killed"]
    record = lines.index("OSError: the disk is full")
    assert lines[record + 1].startswith("heirloom: heirloom record has failed with exit status 1, as said above")


def test_behind_make_the_line_of_a_failed_check_is_said_once_and_last(workspace: Path) -> None:
    configure(workspace, "ngram", ngram={"origin_rows": 99999})
    shutil.copy(ROOT / "Makefile", workspace)
    for name in ("pyproject.toml", "constraints.txt", "tools/install.py", ".venv/.installed"):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).touch()
    status, lines = to_file(workspace, "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make run")
    assert status == 2
    wanted = r"heirloom: experiments\.ngram: origin_rows needs 99999 real rows, but there are \d+.*"
    assert [number for number, line in enumerate(lines, start=-len(lines)) if re.fullmatch(wanted, line)] == [-2]
    assert re.fullmatch(r"make: \*\*\* \[Makefile:\d+: run\] Error 2", lines[-1])
    assert not (workspace / "data").exists()


@pytest.mark.parametrize(
    "statement",
    [
        'module heirloom:\n    snakefile: "../Snakefile"\n    config: {config}\n\nuse rule * from heirloom as heirloom_*\n',
        'configfile: "config.yaml"\n\nmodule heirloom:\n    snakefile: "../Snakefile"\n    config: config\n\nuse rule * from heirloom\n',
        'include: "../Snakefile"\n',
    ],
    ids=["module", "module_of_the_same_config", "include"],
)
def test_a_snakefile_that_imports_this_one_is_refused_with_the_reason(workspace: Path, run: Run, statement: str) -> None:
    raw = yaml.safe_load((workspace / "config.yaml").read_text())
    (workspace / "outer").mkdir()
    (workspace / "outer/Snakefile").write_text(statement.replace("{config}", repr(raw)))
    done = run("snakemake", "-n", "--snakefile", "outer/Snakefile", check=False)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert last.startswith("heirloom: this Snakefile is imported by another one (`module` or `include`), where its onstart, onsuccess")
    assert last.endswith("run `snakemake --snakefile` with this file itself, and `--configfile` with yours")


def test_four_thousand_listed_files_are_read_and_one_that_is_missing_is_named_alone(workspace: Path, run: Run) -> None:
    text = (workspace / "corpus/00.txt").read_text()
    folder = workspace / "corpus/a_folder_with_a_name_as_long_as_those_of_real_collections"
    folder.mkdir()
    paths = [folder / f"{number:04}.txt" for number in range(4000)]
    for number, path in enumerate(paths):
        path.write_text(f"{number} {text[number % 500 :][:150]}")
    names = [path.relative_to(workspace).as_posix() for path in paths]
    source = {"name": "files", "paths": names, "text": {"vocab_size": 300, "row_tokens": 8}}
    configure(workspace, "ngram", lm={"source": source})
    run("snakemake", "data/lm/origin/seed=0/gen=0/checkpoint")
    made_from = json.loads((workspace / "data/lm/real/train.manifest.json").read_text())
    assert made_from["counts"]["files"] == 4000
    paths[2000].unlink()
    done = run("snakemake", "-n", check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"heirloom: experiments.lm: source.paths: no such file: {names[2000]}"
