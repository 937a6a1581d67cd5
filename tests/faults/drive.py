"""Drives `heirloom check`, `check --thorough` and the jobs of `real` and `pretrained` over malformed projects, and counts what they say.

Each command is that of a user, in a process that is forked from this one, which has the imports. From ``tests/``,
``python -m faults.drive FOLDER [SHARE [FORMAT ...]]`` prints the counts of all cases, or of a share of them, of some formats, and writes
``FOLDER/outcomes.jsonl``.
"""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import re
import resource
import shutil
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

from faults.malformed import Case

CPU_SECONDS = 40
"""A command that computes longer counts as one that does not end."""
_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TQDM_DISABLE": "1",  # as a job sets it where its log is no terminal, before it imports a library
}
_MOST_KB = 4_000_000
_BAR = re.compile(r"\d+%\||it/s|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Outcome:
    """What came of a command.

    Attributes
    ----------
    case, command
        Which case, and ``check``, ``thorough``, ``real`` or ``pretrained``.
    status
        Its exit status; negative for a signal.
    text
        All that it has printed.
    seconds
        CPU time of the process.
    """

    case: str
    command: str
    status: int
    text: str
    seconds: float

    @property
    def verdict(self) -> str:
        """One word for it: ``accepted``, ``refused`` in one line, ``lines`` for more than one, ``traceback`` or ``death``."""
        if self.status < 0:
            return "death"
        if "Traceback (most recent call last)" in self.text or self.status not in (0, 2):
            return "traceback"
        if self.status == 0:
            return "accepted"
        return "refused" if re.fullmatch(r"heirloom: [^\n]*\n", self.text) else "lines"

    @property
    def blemishes(self) -> list[str]:
        """What does not belong into a log: control characters, and bars."""
        return ["escape"] * bool(_CONTROL.search(self.text.replace("\r", ""))) + ["bar"] * bool(_BAR.search(self.text))


def prepare(cases: Sequence[Case]) -> None:
    """Import what the commands import, and hash what they hash, once for all; no hub is asked."""
    import datasets  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import transformers

    import heirloom

    for module in pkgutil.walk_packages(heirloom.__path__, "heirloom."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    from heirloom.cli import commands

    commands.tree()
    _hash_code(cases)
    _ = transformers.AutoModelForCausalLM, transformers.LlamaForCausalLM, transformers.PreTrainedTokenizerFast
    gc.freeze()  # a process that is forked need not copy what it never frees


def _hash_code(cases: Sequence[Case]) -> None:
    """Hash the code of the steps once for each family and source: every process that is forked has the hashes."""
    from heirloom import config
    from heirloom.artefacts.kinds import Key
    from heirloom.steps import pretrained, real

    kinds = {str([case.experiment["family"], case.experiment["source"]["name"]]): case.experiment for case in cases}
    for experiment in kinds.values():
        parsed = config.parse({"regimes": {"replace": {}}, "experiments": {"case": experiment}})
        real.settings_of(parsed, Key("case"))
        if "model" in experiment["family"]:
            pretrained.settings_of(parsed, Key("case"))


def outcomes(case: Case, folder: Path) -> Iterator[Outcome]:
    """Yield what came of each command in a project that is written for it; the jobs run only where both checks pass.

    Parameters
    ----------
    folder
        Where the project is written, and removed after it.
    """
    case.write(folder)
    last = Outcome(case.id, "", 0, "", 0)
    for command in ("check", "thorough", "pretrained", "real"):
        if command == "pretrained" and "model" not in case.experiment["family"]:
            continue
        if last.status:
            break
        last = _forked(case.id, command, folder)
        yield last
    shutil.rmtree(folder, ignore_errors=True)


def _forked(case: str, command: str, folder: Path) -> Outcome:
    """Return what came of a command in a process of its own."""
    log = folder.with_suffix(".log")
    process = os.fork()
    if process == 0:
        _be(command, folder, log)
    start = time.monotonic()
    while True:
        ended, status, used = os.wait4(process, os.WNOHANG)
        if ended:
            break
        if time.monotonic() - start > 20 * CPU_SECONDS or _kilobytes(process) > _MOST_KB:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.005)
    text = log.read_text(encoding="utf-8", errors="backslashreplace")
    log.unlink()
    return Outcome(case, command, os.waitstatus_to_exitcode(status), text, used.ru_utime + used.ru_stime)


def _be(command: str, folder: Path, log: Path) -> None:
    """Run a command as a user does, and end this process."""
    code = 1
    try:
        os.chdir(folder)
        os.environ["HF_HOME"] = str(folder / ".hf")
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
        code = _code_of(lambda: _run(command))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _code_of(run: Callable[[], None]) -> int:
    try:
        run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  as Python does at the end of a process
        traceback.print_exc()
        return 1
    return 0


def _run(command: str) -> None:
    from heirloom.cli import commands

    checks = {"check": ["check", "--quiet"], "thorough": ["check", "--thorough", "--quiet"]}
    sys.argv = ["heirloom", *(checks[command] if command in checks else job(command))]
    commands.run()


def job(name: str) -> list[str]:
    """Return the arguments of the command of a job of the experiment ``case``, as its rule gives them."""
    from heirloom import slice_arguments
    from heirloom.artefacts.kinds import Key
    from heirloom.config import load
    from heirloom.workflow.steps import STEPS

    config, step, key = load("config.yaml"), STEPS[name], Key("case")
    roles = ["train", "test"] if name == "real" and not config.experiments["case"].is_text else list(step.makes)
    arguments = [name, "--slice", slice_arguments.write(step.slice(config, key).json_fields())]
    for role in roles:
        arguments += [f"--{role}", step.makes[role].at(key)]
    return arguments


def _kilobytes(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def counts(found: Iterable[Outcome]) -> Counter[str]:
    """Return how many commands ended how, how many printed what does not belong there, and which jobs failed that both checks passed."""
    number: Counter[str] = Counter()
    for one in found:
        number[f"{one.command} {one.verdict}"] += 1
        for blemish in one.blemishes:
            number[blemish] += 1
        if one.command in ("real", "pretrained") and one.status:
            number["passed by check --thorough, failed as a job"] += 1
    return number


def main() -> None:
    """Run all cases, or a share of them."""
    from faults.malformed import cases

    folder, share = Path(sys.argv[1]).absolute(), int((sys.argv[2:] or ["1"])[0])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= _ENVIRONMENT
    os.chdir(folder)
    Path("config.yaml").touch()  # which the programs of tables name as their code
    formats = sys.argv[3:]
    chosen = [case for case in cases(folder / "sound") if not formats or case.format in formats][::share]
    prepare(chosen)
    found = []
    with (folder / "outcomes.jsonl").open("w") as file:
        for number, case in enumerate(chosen):
            for outcome in outcomes(case, folder / f"case{number}"):
                found.append(outcome)
                file.write(json.dumps({**asdict(outcome), "verdict": outcome.verdict, "blemishes": outcome.blemishes}) + "\n")
                file.flush()
    print(f"{len(chosen)} cases, {len(found)} commands, {sum(one.seconds for one in found):.0f} CPU-s")
    for name, count in sorted(counts(found).items()):
        print(f"{count:6} {name}")


if __name__ == "__main__":
    main()
