"""A run's worker: what a job sees, says and ends with is what it would without one, and nothing is left behind or lost.

The commands here are those of a copy of the package in which every step does what its slice says, as Python code.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from heirloom.artefacts.manifest import manifest_text
from heirloom.cli import likeness
from heirloom.cli.client import VARIABLE
from heirloom.runtime import device
from helpers import ROOT, environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a worker needs Linux")

COMMANDS = """

def tree():
    def command():
        from heirloom import slice_arguments

        is_step = "--slice" in sys.argv
        fields = slice_arguments.read(sys.argv[sys.argv.index("--slice") + 1] if is_step else sys.argv[-1])
        if is_step:
            steps.settle(fields["num_threads"])
        exec(fields["code"], {"HeirloomError": HeirloomError})

    return command


def with_one(name):
    return tree()
"""
SCRIPT = f"#!{sys.executable}\nimport sys\nfrom heirloom.cli import main\nmain()\n"
RUN = """
import os, sys
from heirloom.snakefile import worker
print(worker.start(int(sys.argv[1])) or os.environ["HEIRLOOM_WORKER"], flush=True)
sys.stdin.read()
"""
SEES = """
import gc, json, locale, logging, os, signal, sys, threading
files = {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2}
files = [file for file in files if os.path.exists(f"/proc/self/fd/{file}") and os.get_inheritable(file)]
umask = os.umask(0)
os.umask(umask)
print(json.dumps({
    "environment": {name: value for name, value in os.environ.items() if name not in ("_", "SHLVL", "PWD", "OLDPWD")},
    "bytes": sorted(map(repr, os.environb.items())), "folder": os.getcwd(), "umask": umask, "arguments": sys.argv, "path": sys.path,
    "files": files, "input": sys.stdin.read(), "terminal": [os.isatty(file) for file in (0, 1, 2)],
    "output": [sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering, sys.stderr.line_buffering],
    "signals": [str(signal.getsignal(number)) for number in range(1, 32)], "mask": str(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "niceness": os.nice(0), "processors": sorted(os.sched_getaffinity(0)), "limits": open("/proc/self/limits").read(),
    "session": os.getsid(0), "users": [os.getuid(), os.geteuid(), os.getgid(), os.getgroups()], "threads": threading.active_count(),
    "flags": str(sys.flags), "program": [sys.executable, sys.modules["__main__"].__file__], "locale": locale.getlocale(),
    "depth": sys.getrecursionlimit(), "collector": gc.get_threshold(), "hook": sys.excepthook is sys.__excepthook__,
    "log": [str(handler) for handler in logging.root.handlers],
}, sort_keys=True))
"""
PARENT = "import os; print('worker' in open(f'/proc/{os.getppid()}/cmdline').read().split(chr(0)))"

Project = Callable[..., "Job"]


@dataclass
class Job:
    """A job's command as it was started, and how it ended."""

    process: subprocess.Popen[str]
    log: Path

    def end(self) -> tuple[int, str, str]:
        """Wait, and return the exit status, the output and the log."""
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output, self.log.read_text()

    def line(self) -> str:
        """Return the next line of its output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module", autouse=True)
def heeded_signals() -> Iterator[None]:
    """Let no job inherit signals that are ignored, as a shell has it that was started in the background."""
    ignored = [number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT) if signal.getsignal(number) == signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a package whose steps do what they are told, and its command."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "src/heirloom", folder / "src/heirloom")
    with (folder / "src/heirloom/cli/commands.py").open("a") as commands:
        commands.write(COMMANDS)
    (folder / "bin").mkdir()
    (folder / "bin/heirloom").write_text(SCRIPT)
    (folder / "bin/heirloom").chmod(0o755)
    (folder / "inner").mkdir()
    return folder


def variables(home: Path, address: str | None = None) -> dict[str, str]:
    left_out = ("PYTEST", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", VARIABLE)
    kept = {name: value for name, value in environment().items() if not name.startswith(left_out)}
    told = {} if address is None else {VARIABLE: address}
    return kept | {"PATH": f"{home}/bin:{kept['PATH']}", "PYTHONPATH": str(home / "src"), "OMP_NUM_THREADS": "3"} | told


@contextmanager
def running(home: Path, num_threads: int = 1) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a process that stands for a run, and the address of its worker."""
    command = [sys.executable, "-c", RUN, str(num_threads)]
    with subprocess.Popen(command, env=variables(home), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    """Return the address of a worker that the tests share."""
    with running(home) as (_, address):
        yield address


def start(home: Path, code: str, address: str | None, before: str = "", arguments: str = "", **fields: object) -> Job:
    """Start a job in a shell, as Snakemake does."""
    text = json.dumps({"num_threads": 1, "code": code, **fields})
    log = home / f"{time.monotonic_ns()}.log"
    command = f"set -euo pipefail; {before} exec heirloom mix --slice {shlex.quote(text)} {arguments} 2> {log}"
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=home, env=variables(home, address), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return Job(process, log)


def do(home: Path, code: str, address: str | None, before: str = "", arguments: str = "", **fields: object) -> tuple[int, str, str]:
    """Run a job to its end."""
    return start(home, code, address, before, arguments, **fields).end()


def worker_of(run: subprocess.Popen[str]) -> int:
    return int(Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()[0])


def is_gone(process: int) -> bool:
    """Return whether a process ends within some seconds; one that its parent has not asked after is gone, too."""
    status = Path(f"/proc/{process}/stat")
    for _ in range(500):
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_a_job_is_done_by_a_child_of_the_worker_which_has_imported_what_every_manifest_names(home: Path, address: str) -> None:
    libraries = "import sys; from heirloom.environment import LIBRARIES; print(sorted(LIBRARIES.keys() & sys.modules.keys()))"
    assert do(home, f"{PARENT}; {libraries}", address) == (0, "True\n['numpy', 'pyarrow']\n", "")
    assert do(home, f"{PARENT}; {libraries}", None) == (0, "False\n[]\n", "")


def test_a_job_sees_the_same_with_a_worker_and_without(home: Path, address: str) -> None:
    assert do(home, PARENT, address)[1] == "True\n"
    status, seen, log = do(home, SEES, address)
    assert (status, log) == (0, "")
    assert json.loads(seen) == json.loads(do(home, SEES, None)[1])
    assert VARIABLE not in json.loads(seen)["environment"]


def test_a_job_that_writes_to_a_terminal_sees_one(home: Path, address: str) -> None:
    code = "import os, sys; print(os.isatty(1), sys.stdout.isatty(), sys.stdout.line_buffering)"
    text = json.dumps({"num_threads": 1, "code": f"{PARENT}; {code}"})
    ends = []
    for told in (address, None):
        master, slave = os.openpty()
        command, log = ["heirloom", "mix", "--slice", text], home / "terminal.log"
        with log.open("w") as file:
            done = subprocess.run(command, env=variables(home, told), cwd=home, stdin=slave, stdout=slave, stderr=file, check=False)
        os.close(slave)
        assert (done.returncode, log.read_text()) == (0, "")
        ends.append(os.read(master, 1000).decode().split())
        os.close(master)
    assert ends == [["True"] * 4, ["False", *["True"] * 3]]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("umask 027;", "differs in the process's status"),
        ("trap '' USR1;", "differs in the process's status"),
        ("renice -n 19 $$ > /dev/null;", "differs in the niceness"),
        ("ulimit -n 99;", "differs in the limits"),
        ("exec 7< bin/heirloom;", "differs in the open files"),
        ("export OMP_SCHEDULE=dynamic TQDM_MININTERVAL=3;", "has another OMP_SCHEDULE, TQDM_MININTERVAL"),
    ],
)
def test_a_job_that_differs_from_the_worker_starts_for_itself_and_says_why(home: Path, address: str, before: str, words: str) -> None:
    assert do(home, PARENT, address)[1] == "True\n"
    status, seen, log = do(home, SEES, address, before)
    assert (status, log) == (0, f"the run's worker {words}; this job starts for itself\n")
    assert json.loads(seen) == json.loads(do(home, SEES, None, before)[1])


def test_folder_shell_variables_and_threads_of_the_shell_may_differ(home: Path, address: str) -> None:
    before = "cd inner; export OMP_NUM_THREADS=7;"
    assert do(home, PARENT, address, before) == (0, "True\n", "")
    assert json.loads(do(home, SEES, address, before)[1]) == json.loads(do(home, SEES, None, before)[1])


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(3)",
        "raise SystemExit('in words')",
        "print('said'); raise HeirloomError('one', 'two')",
        "def f(): return 1 / 0\nf()",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.kill(os.getpid(), 15)",
        "import os; os._exit(77)",
        "import signal; signal.raise_signal(signal.SIGINT)",
        "import atexit, sys; atexit.register(print, 'last'); print('first', file=sys.stderr)",
        "import atexit; atexit.register(divmod, 1, 0); raise SystemExit(300)",
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('later'))).start(); raise SystemExit(True)",
        "import sys; print('kept'); sys.stdout.flush(); sys.stdout.close()",
        "import subprocess; subprocess.run('echo out; echo err >&2; exit 0', shell=True)",
        "from heirloom.artefacts import files\nwith files.replacing('made') as made: made.symlink_to('/dev/full'); made.write_text('x')",
        "import numpy as np; np.ones(1 << 55)",
    ],
)
def test_a_job_ends_and_writes_the_same_with_a_worker_and_without(home: Path, address: str, code: str) -> None:
    assert do(home, PARENT, address)[1] == "True\n"
    assert do(home, code, address) == do(home, code, None)


def test_a_job_that_needs_more_memory_than_there_is_says_so_in_one_line(home: Path, address: str) -> None:
    asked = "Unable to allocate 256. PiB for an array with shape (36028797018963968,) and data type float64"
    rest = "this needs more than the machine has, or than a limit lets it have (ulimit -v); the config's sizes of rows decide how much"
    for told in (address, None):
        assert do(home, "import numpy as np; np.ones(1 << 55)", told) == (2, "", f"heirloom: out of memory ({asked}): {rest}\n")


ENDS = """
import atexit, json, os, sys
from heirloom.cli import ending
{prepare}
atexit.register(print, "handled")
json.kept = type("Kept", (), {{"__del__": lambda self, write=os.write: write(1, b"taken apart")}})()
try:
    raise SystemExit({code})
except SystemExit as end:
    ending.note(end.code)
    raise
"""


@pytest.mark.parametrize(
    ("prepare", "code", "end"),
    [
        ("", "3", (3, "handled\ntaken apart")),
        ("ending.prepare()", "3", (3, "handled\n")),
        ("ending.prepare()", "None", (0, "handled\n")),
        ("ending.prepare()", "'words'", (1, "handled\ntaken apart")),
    ],
)
def test_what_a_worker_has_imported_is_not_taken_apart_at_the_end_of_a_job(prepare: str, code: str, end: tuple[int, str]) -> None:
    program = ENDS.format(prepare=prepare, code=code)
    done = subprocess.run([sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == end


WAITS = """
import os, signal, sys, time
def save(number, frame):
    print('saving', number, flush=True)
    sys.exit(128 + number)
for number in ({handled}):
    signal.signal(number, save)
print(os.getpid(), flush=True)
time.sleep(500)
"""


@pytest.mark.parametrize(
    ("handled", "number"),
    [
        *(("15, 1, 10", number) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)),
        *(("", number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)),
    ],
)
def test_a_signal_to_a_job_reaches_it(home: Path, address: str, number: int, handled: str) -> None:
    ends = []
    for told in (address, None):
        job = start(home, WAITS.format(handled=handled), told, "ulimit -c 0;" if told is None else "")
        assert (int(job.line()) == job.process.pid) == (told is None)
        time.sleep(0.3)  # it sleeps by now
        job.process.send_signal(number)
        ends.append(job.end())
    assert ends[0] == ends[1]


def test_a_job_stops_and_goes_on_when_its_command_is_told_to(home: Path, address: str) -> None:
    job = start(home, WAITS.format(handled="15,"), address)
    process = int(job.line())
    for number, state in ((signal.SIGTSTP, "T"), (signal.SIGCONT, "S")):
        job.process.send_signal(number)
        for one in (process, job.process.pid):
            assert _comes_to(one, state)
    job.process.send_signal(signal.SIGTERM)
    assert job.end() == (143, "saving 15\n", "")


def _comes_to(process: int, state: str) -> bool:
    """Return whether a process comes to a state, as the kernel calls it, within some seconds."""
    for _ in range(500):
        if Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == state:
            return True
        time.sleep(0.02)
    return False


def test_a_job_that_is_killed_ends_as_today_and_one_whose_command_is_killed_is_killed_too(home: Path, address: str) -> None:
    job = start(home, WAITS.format(handled=""), address)
    os.kill(int(job.line()), signal.SIGKILL)
    assert job.end() == (-signal.SIGKILL, "", "")
    job = start(home, WAITS.format(handled="15,"), address)
    process = int(job.line())
    job.process.kill()
    assert is_gone(process)
    assert job.end() == (-signal.SIGKILL, "", "")
    assert do(home, PARENT, address) == (0, "True\n", "")


ONCE = """
import os, time
is_first = not os.path.exists('begun')
open('begun', 'a').close()
print(os.getpid(), flush=True)
if is_first:
    time.sleep(500)
"""


@pytest.mark.parametrize("fields", [{}, {"family": "vae"}], ids=["plain", "family"])
def test_a_job_whose_worker_is_killed_begins_anew_in_its_own_process(home: Path, fields: Mapping[str, str]) -> None:
    (home / "begun").unlink(missing_ok=True)
    with running(home) as (run, address):
        job = start(home, ONCE, address, **fields)
        process = int(job.line())
        os.kill(worker_of(run), signal.SIGKILL)
        log = "the run's worker is gone (it has ended); this job starts for itself\n"
        assert job.end() == (0, f"{job.process.pid}\n", log)
        assert is_gone(process)
        refused = "the run's worker is gone (Connection refused); this job starts for itself\n"
        assert do(home, PARENT, address, **fields) == (0, "False\n", refused)


def test_nothing_is_left_of_a_run_that_is_killed(home: Path) -> None:
    with running(home) as (run, address):
        jobs = [start(home, WAITS.format(handled="15, 1"), address, **fields) for fields in ({}, {"family": "ngram"})]
        processes = [int(job.line()) for job in jobs]
        worker = worker_of(run)
        run.kill()
        assert [job.end() for job in jobs] == [(-signal.SIGKILL, "", "")] * 2
        assert all(is_gone(process) for process in (*processes, worker))
        run.wait()
        assert do(home, PARENT, address) == (-signal.SIGKILL, "", "")


def test_a_family_has_a_worker_of_its_own_which_is_replaced_when_it_is_killed(home: Path) -> None:
    code = f"{PARENT}; import os, sys; print('heirloom.families.ngram' in sys.modules, os.getppid())"
    with running(home) as (run, address):
        parents = []
        for _ in range(2):
            status, output, log = do(home, code, address, family="ngram")
            worker, imported, parent = output.split()
            assert (status, worker, imported, log) == (0, "True", "True", "")
            parents.append(int(parent))
        assert parents[0] == parents[1] != worker_of(run)
        assert do(home, f"{PARENT}; import sys; print('heirloom.families.ngram' in sys.modules)", address) == (0, "True\nFalse\n", "")
        os.kill(parents[0], signal.SIGKILL)
        assert is_gone(parents[0])
        assert do(home, code, address, family="ngram")[1].split()[:2] == ["True"] * 2
        assert run.stdin is not None
        run.stdin.close()
        assert run.wait(60) == 0


IMPORTED = f"""
{PARENT}
import os, sys
names = ("heirloom.diffs.engine", "heirloom.report.files", "scipy.special", "heirloom.families.ngram", "torch")
print(os.getppid(), *[name for name in names if name in sys.modules])
"""


def report(home: Path, address: str | None, command: str, code: str = IMPORTED) -> tuple[int, str, str]:
    """Run a job of the report to its end."""
    log = home / f"{time.monotonic_ns()}.log"
    shell = f"heirloom {command} {shlex.quote(json.dumps({'code': code}))} 2> {log}"
    done = subprocess.run(["bash", "-c", shell], cwd=home, env=variables(home, address), stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, log.read_text()


def test_jobs_of_the_report_share_what_their_command_imports(home: Path) -> None:
    """The diff of a language model's text is a stage above the family, which has torch: it is imported once."""
    manifest = {"schema_version": 2, "sha256": "0" * 64, "size": 1, "slice": {"family": "transformer"}}
    (home / "text.manifest.json").write_text(manifest_text(manifest))
    with running(home) as (run, address):
        parents = {}
        for command, modules in {
            "summarise --config c": ["heirloom.report.files", "scipy.special"],
            "plot": ["heirloom.report.files", "scipy.special"],
            "diff unknown.parquet other": ["heirloom.diffs.engine"],
            "diff text.parquet other": ["heirloom.diffs.engine", "torch"],
        }.items():
            status, output, log = report(home, address, command)
            was_forked, parents[command], *imported = output.split()
            assert (status, was_forked, imported, log) == (0, "True", modules, "")
        assert parents["summarise --config c"] == parents["plot"]
        assert len({*parents.values(), str(worker_of(run))}) == 4
        family = do(home, "import os; print(os.getppid())", address, family="transformer")[1]
        assert family.strip() == Path(f"/proc/{parents['diff text.parquet other']}/stat").read_text().rpartition(")")[2].split()[1]
        run.kill()
        assert all(is_gone(int(process)) for process in parents.values())


def test_no_other_command_is_done_by_a_worker(home: Path, address: str) -> None:
    assert report(home, address, "record --complete", PARENT) == (0, "False\n", "")
    assert report(home, None, "plot", PARENT) == (0, "False\n", "")


THREADS = """
import hashlib, json
import numpy as np
from threadpoolctl import threadpool_info
x = np.sin(np.arange(300 * 300, dtype=np.float64)).reshape(300, 300)
print(hashlib.sha256((x @ x).tobytes()).hexdigest(), [(one['internal_api'], one['num_threads']) for one in threadpool_info()])
"""


def test_a_job_has_the_threads_of_its_config(home: Path) -> None:
    with running(home, 2) as (_, address):
        assert do(home, PARENT, address, num_threads=2) == (0, "True\n", "")
        done = do(home, THREADS, address, num_threads=2)
        assert done == do(home, THREADS, None, num_threads=2)
        assert "('openblas', 2)" in done[1]
        assert do(home, PARENT, address, num_threads=1) == (0, "False\n", "")


@pytest.mark.parametrize(
    ("before", "arguments", "fields"),
    [
        ("", "", {"num_processes": 2}),
        ("", "--num-processes 2", {}),
        ("export HEIRLOOM_MACHINES=1;", "", {}),
        ("unset HEIRLOOM_WORKER;", "", {}),
        ("export HEIRLOOM_WORKER=;", "", {}),
    ],
)
def test_a_job_of_several_processes_or_that_is_told_of_no_worker_starts_for_itself(
    home: Path, address: str, before: str, arguments: str, fields: Mapping[str, int]
) -> None:
    assert do(home, PARENT, address, before, arguments, **fields) == (0, "False\n", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_not_served(home: Path, address: str) -> None:
    asks = (
        "import os, socket, sys; os.setuid(65534); one = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
        "one.connect(chr(0) + sys.argv[1]); print(one.recv(100))"
    )
    done = subprocess.run([sys.executable, "-c", asks, address], text=True, capture_output=True, check=True)
    assert done.stdout == 'b\'{"refused": ""}\'\n'
    assert do(home, PARENT, address) == (0, "True\n", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_worker_of_another_user_is_told_nothing(home: Path) -> None:
    name = f"heirloom-{os.getpid()}-of-another-user"
    serves = (
        "import os, socket, sys; os.setuid(65534); source = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET);"
        "source.bind(chr(0) + sys.argv[1]); source.listen(); print(flush=True); print(source.accept()[0].recv(100))"
    )
    command = [sys.executable, "-c", serves, name]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        log = "the run's worker is gone (the socket belongs to user 65534); this job starts for itself\n"
        assert do(home, PARENT, name) == (0, "False\n", log)
        assert process.stdout.read() == "b''\n"


def test_a_worker_of_another_version_does_no_job(home: Path, address: str) -> None:
    assert do(home, PARENT, address)[1] == "True\n"
    other = home / "other"
    shutil.copytree(home / "src", other, ignore=shutil.ignore_patterns("__pycache__"))
    (other / "heirloom/words.py").write_text("VERSION = 2\n")
    log = "the run's worker differs in the program; this job starts for itself\n"
    code = "from heirloom.words import VERSION; print(VERSION)"
    assert do(home, code, address, f"export PYTHONPATH={other};") == (0, "2\n", log)


@pytest.mark.parametrize(
    ("fields", "has_driver", "has_worker"),
    [
        ({"family": "transformer"}, True, False),
        ({"family": "transformer", "device": "auto"}, True, False),
        ({"family": "transformer", "device": "cuda"}, True, False),
        ({"family": "transformer", "device": "cpu"}, True, True),
        ({"family": "transformer", "device": "auto"}, False, True),
        ({"family": "ngram"}, True, True),
        ({}, True, True),
    ],
)
def test_a_job_that_may_use_a_gpu_is_none_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: Mapping[str, str], *, has_driver: bool, has_worker: bool
) -> None:
    driver = tmp_path / "nvidiactl"
    monkeypatch.setattr(device, "GPU_DRIVERS", (driver,))
    if has_driver:
        driver.touch()
    sent = {"arguments": ["heirloom", "train", "--slice", json.dumps({"num_threads": 1, **fields})], "environment": {}}
    stages = (fields["family"],) if "family" in fields else ()
    assert likeness.stages(sent, 1) == (stages if has_worker else None)
    assert likeness.stages(sent, 2) is None


def test_a_run_without_a_worker_says_why_in_one_line_or_was_asked_for_none(home: Path) -> None:
    few = "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (4, 4));"
    line = "no worker for this run (Too many open files): every job starts for itself\n"
    assert _says(home, few, None) == line
    assert _says(home, "", "") == "\n"


def _says(home: Path, before: str, address: str | None) -> str:
    code = f"{before}from heirloom.snakefile import worker; print(worker.start(1))"
    return subprocess.run([sys.executable, "-c", code], env=variables(home, address), text=True, capture_output=True, check=True).stdout


def test_code_that_changes_during_a_run_is_what_a_job_runs(home: Path) -> None:
    with running(home) as (_, address):
        assert do(home, PARENT, address) == (0, "True\n", "")
        with (home / "src/heirloom/words.py").open("a") as module:
            module.write("\nADDED = 1\n")
        log = "the code is no longer what the run's worker has read; this job starts for itself\n"
        assert do(home, "from heirloom.words import ADDED; print(ADDED)", address) == (0, "1\n", log)


def test_by_which_call_a_process_was_started_is_no_circumstance() -> None:
    code = 'from heirloom.cli.client import circumstances; print(circumstances()["the process\'s status"])'
    command = [sys.executable, "-c", code]  # Python 3.11 starts it by posix_spawn if files may stay open, 3.13 in any case
    statuses = [subprocess.run(command, close_fds=each, check=True, capture_output=True, text=True).stdout for each in (True, False)]
    assert statuses[0] == statuses[1] != ""
