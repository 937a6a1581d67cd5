"""Runs of `heirloom diff` on malformed datasets, and what is wrong with each: ``python tests/faults/drive_tables.py`` prints the counts.

A run is a process that is forked off this one, so that what is imported need not be imported again.
"""

from __future__ import annotations

import gc
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.malformed_tables import Case, cases, tables

SECONDS = 60
"""A run that takes longer hangs."""
_BAR = re.compile(r"\d+%\||it/s|examples/s|\r(?!\n)")


@dataclass(frozen=True)
class Run:
    """What a run left: its exit code, negative for a signal, what it printed, and how long it took."""

    case: Case
    sides: tuple[str, str]
    status: int
    out: str
    err: str
    seconds: float

    @property
    def faults(self) -> tuple[str, ...]:
        """What must not be: tracebacks, deaths, terminal escapes, bars, more than a line where it refuses, other exit codes."""
        text = self.out + self.err
        signs = {
            "traceback": "Traceback (most recent call last)" in text or self.status == 120,
            "death by signal": self.status < 0,
            "hang": self.status == -signal.SIGALRM,
            "escape": any(_steers(letter) for letter in text),
            "bar": _BAR.search(text) is not None,
            "lines": self.status == 2 and (self.err.count("\n") != 1 or len(self.err) > 1100 or bool(self.out)),
            "noise": self.status in (0, 1) and bool(self.err),
            "exit code": self.status > 2 and self.status != 120,
        }
        return tuple(name for name, is_there in signs.items() if is_there)


def _steers(letter: str) -> bool:
    """Return whether a character steers a terminal or turns the direction of its text."""
    return letter not in "\n\t" and (
        ord(letter) < 32 or 127 <= ord(letter) < 160 or letter in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    )


def runs(chosen: Sequence[Case], options: Sequence[str] = ()) -> Iterator[Run]:
    """Yield three runs of each case: good with bad, bad with good, bad with itself."""
    _warm()
    for case in chosen:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            case.write(folder)
            before = sorted(map(str, folder.rglob("*")))
            for sides in ((case.good, case.bad), (case.bad, case.good), (case.bad, case.bad)):
                yield forked(case, sides, folder, options)
            left = [path for path in sorted(map(str, folder.rglob("*"))) if path not in before]
            assert not left, left


def forked(case: Case, sides: tuple[str, str], folder: Path, options: Sequence[str] = ()) -> Run:
    """Return a run of a process that is forked off this one."""
    with tempfile.TemporaryDirectory() as outside:
        out, err = Path(outside, "out"), Path(outside, "err")
        start = time.monotonic()
        child = os.fork()
        if not child:
            _become([*options, "--", *sides], folder, out, err)
        _, status = os.waitpid(child, 0)
        shutil.rmtree(Path(outside, "scratch"), ignore_errors=True)
        printed = [file.read_bytes().decode("utf-8", "backslashreplace") for file in (out, err)]
        return Run(case, sides, os.waitstatus_to_exitcode(status), printed[0], printed[1], time.monotonic() - start)


def _warm() -> None:
    """Import what the runs use, by sound comparisons; nothing asks the hub."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets  # noqa: F401

    import heirloom
    from heirloom.cli.commands import tree
    from heirloom.diffs.render import terminal
    from heirloom.diffs.render.page import page

    tree()
    for name in ("text", "vectors", "times"):
        table = tables()[name]
        terminal.text(page(heirloom.diff(table, table.slice(1))))
    gc.freeze()


def _become(arguments: list[str], folder: Path, out: Path, err: Path) -> None:
    """End this process as the command ends."""
    code = 120  # of an exception that nobody has caught
    try:
        os.chdir(folder)
        for path, number in ((out, 1), (err, 2)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        warnings.resetwarnings()
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", ResourceWarning)
        scratch = out.with_name("scratch")
        scratch.mkdir()
        tempfile.tempdir = str(scratch)
        signal.alarm(SECONDS)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        sys.argv = ["heirloom", "diff", *arguments]
        from heirloom.cli import commands

        try:
            commands.run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001, what a user would see
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Print each fault, then the counts."""
    words = sys.argv[1:]
    chosen = [case for case in cases() if not words or any(word in str(case) for word in words)]
    counts: Counter[str] = Counter()
    faulty: set[str] = set()
    slowest = 0.0
    number = 0
    for run in runs(chosen):
        number += 1
        slowest = max(slowest, run.seconds)
        counts.update(run.faults)
        counts[f"exit {run.status}"] += 1
        if run.faults:
            faulty.add(str(run.case))
        if run.faults or words:
            last = (run.err or run.out).strip().splitlines()[-1:] or [""]
            sides = [ascii(side[:40]) for side in run.sides]
            print(ascii(str(run.case)), *sides, run.status, run.faults, f"{run.seconds:.1f}", ascii(last[0][:300]), flush=True)
    forms = Counter(case.form for case in chosen)
    print(f"{len(chosen)} cases {dict(forms)}, {number} runs, {len(faulty)} cases with a fault, slowest {slowest:.1f} s")
    print(dict(sorted(counts.items())))


if __name__ == "__main__":
    main()
