"""A remote that never answers, fails half-way or gives damaged bytes is said in one line, and the same command does its work later."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, ClassVar

import pytest

from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, git, patience, pointers, remote, revisions
from heirloom.lineage.record import RecordReport
from toy_project import LINEAGE, MODEL, Shell

pytestmark = pytest.mark.slow

LIMIT = "3"
SILENCE = f"nothing came from the remote for {LIMIT} s, the limit; the environment variable HEIRLOOM_REMOTE_SECONDS=30 waits longer"
NUM_OBJECTS = 24
CHECKPOINT = "toy/replace/0/2:checkpoint"


class Store(BaseHTTPRequestHandler):
    """Gives the files of a folder, as well as it is told to.

    Attributes
    ----------
    answers
        How many objects it gives before its fault shows.
    fault
        ``silent`` never answers, ``half`` gives the first half of an object and then nothing, ``broken`` says that the server has failed,
        ``damaged`` flips a bit.
    """

    folder: ClassVar[Path]
    answers: ClassVar[int] = 0
    fault: ClassVar[str] = ""
    is_over: ClassVar[Event] = Event()

    def do_HEAD(self) -> None:
        """Say whether there is such a file."""
        self._give(b"")

    def do_GET(self) -> None:
        """Give a file, or what the fault makes of it."""
        file = self.folder / self.path.strip("/")
        content = file.read_bytes() if file.is_file() else b""
        type(self).answers -= 1
        if self.answers >= 0 or not self.fault:
            self._give(content)
        elif self.fault == "silent":
            self.is_over.wait()
        elif self.fault == "broken":
            self.send_error(500)
        elif self.fault == "half":
            self._give(content, len(content) // 2)
            self.is_over.wait()
        else:
            self._give(bytes([content[0] ^ 1]) + content[1:])

    def _give(self, content: bytes, number: int | None = None) -> None:
        file = self.folder / self.path.strip("/")
        self.send_response(200 if file.is_file() else 404)
        self.send_header("Content-Length", str(file.stat().st_size if file.is_file() else 0))
        self.end_headers()
        self.wfile.write(content[:number])
        self.wfile.flush()

    def do_POST(self) -> None:
        """Take a file, or never answer."""
        self.is_over.wait()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[type[Store]]:
    """Run a server on loopback, make it the project's remote, and give what tells it how to behave."""

    class ProjectStore(Store):
        """The behaviour of this server alone."""

    ProjectStore.folder, ProjectStore.is_over = folder, Event()
    with ThreadingHTTPServer(("127.0.0.1", 0), ProjectStore) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        text = f"[core]\n    remote = store\n['remote \"store\"']\n    url = http://127.0.0.1:{server.server_port}\n"
        Path(".dvc/config.local").write_text(text)
        yield ProjectStore
        ProjectStore.is_over.set()
        server.shutdown()


@pytest.fixture
def store(recorded: RecordReport, sh: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Store]]:
    """A recorded project whose bytes lie on a remote alone."""
    monkeypatch.setenv(patience.REMOTE_SECONDS, LIMIT)
    folder = Path.cwd().parent / "store"
    shutil.copytree(".dvc/cache", folder)
    shutil.rmtree(".dvc/cache")
    with served(folder) as project_store:
        yield project_store


@pytest.mark.parametrize("fault", ["silent", pytest.param("half", marks=pytest.mark.faults)])
def test_a_remote_that_stops_to_answer_is_one_line_that_says_what_waits_longer(store: type[Store], sh: Shell, fault: str) -> None:
    store.fault = fault
    commit_ = git.commit_of("HEAD")[:10]
    since = time.monotonic()
    line = f"heirloom: {LINEAGE}/gen=2/checkpoint.manifest.json of commit {commit_} is not in DVC's cache, and {SILENCE}\n"
    assert sh("heirloom", "trace", f"{CHECKPOINT}@HEAD", status=2) == line
    assert time.monotonic() - since < 60  # DVC alone waits and tries again for minutes
    assert not revisions.HELD.exists() or not [path for path in revisions.HELD.rglob("*") if path.is_file()]
    store.fault = ""
    assert sh("heirloom", "trace", f"{CHECKPOINT}@HEAD", "--depth", "0").startswith(CHECKPOINT)


@pytest.mark.faults
def test_every_command_that_asks_a_remote_ends_in_the_line(store: type[Store], sh: Shell) -> None:
    store.fault = "silent"
    old = f"{CHECKPOINT}@HEAD"
    for command in (["diff", old, "toy/real"], ["why-not", old, CHECKPOINT], ["export", "hf", old, "new"], ["descendants", old]):
        printed = sh("heirloom", *command, status=2)
        assert (printed.count("\n"), SILENCE in printed) == (1, True)
    manifest = Path(f"{LINEAGE}/gen=2/metrics.manifest.json")
    content = manifest.read_bytes()
    manifest.unlink()
    assert sh("heirloom", "audit", "--jobs", "1", "--pull", status=2) == f"heirloom: {SILENCE}\n"
    assert f"remote 'store' cannot be read ({SILENCE})" in sh("heirloom", "repair", "-n", status=1)
    store.fault = ""
    sh("heirloom", "repair")
    assert manifest.read_bytes() == content


def test_a_remote_that_fails_half_way_gives_what_it_has_given_and_the_rest_later(store: type[Store], tmp_path: Path) -> None:
    md5s = [path.parent.name + path.name for path in sorted(store.folder.rglob("*")) if path.is_file()]
    store.fault, store.answers = "broken", 4
    answers = remote.fetch(md5s, tmp_path / "first")
    right = [md5 for md5, answer in answers.items() if answer.file]
    assert (len(right), len(md5s)) == (4, NUM_OBJECTS)
    assert all(answer.obstacle.startswith("remote 'store' cannot be read (500") for answer in answers.values() if not answer.file)
    store.fault = ""
    assert all(answer.file for answer in remote.fetch(md5s, tmp_path / "second").values())


def test_damaged_bytes_of_a_remote_are_refused_and_the_right_ones_taken_later(store: type[Store]) -> None:
    md5 = md5_of(store, MODEL)
    store.fault = "damaged"
    ((name, place),) = remote.fetch([md5], Path("scratch"))[md5].damaged
    assert (name, place.partition("/files/")[2]) == ("store", f"md5/{md5[:2]}/{md5[2:]}")
    store.fault = ""
    assert remote.fetch([md5], Path("scratch"))[md5].file == Path("scratch") / md5


def test_another_remote_is_asked_where_the_first_is_silent(store: type[Store], sh: Shell) -> None:
    store.fault = "silent"
    sh("dvc", "remote", "add", "-q", "--local", "near", str(store.folder))
    md5 = md5_of(store, MODEL)
    assert remote.fetch([md5], Path("scratch"))[md5] == remote.Answer("near", Path("scratch") / md5, (), "")
    sh("dvc", "remote", "remove", "-q", "--local", "near")
    with pytest.raises(HeirloomError, match="nothing came from the remote for 3 s"):
        remote.replace({"0" * 32: MODEL})


def md5_of(store: type[Store], path: Path) -> str:
    """Return the md5 by which a remote knows a file of the lineage."""
    pointer = pointers.read(str(LINEAGE))
    assert pointer
    listing = (store.folder / "files/md5" / pointer.md5[:2] / pointer.md5[2:]).read_bytes()
    return dvc.parse_listing(listing, str(LINEAGE))[str(path)]
