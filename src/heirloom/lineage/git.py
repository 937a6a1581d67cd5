"""Git, through its command line: what a commit holds, and which commit and which changes the tree has.

No other module runs git. What git prints is bytes. Files have any encoding, and names are decoded as the system decodes them,
so that a name that is not UTF-8 is a name like any other. If git refuses, its own reason is the error. Outside a repository
there is no answer.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from heirloom import credentials
from heirloom.errors import HeirloomError

LARGE = 1 << 20
"""Size in bytes from which a file that no commit holds is known by its size and time, so that no corpus or model is read."""

_REASONS = ("fatal: ", "error: ")
_NO_GIT = "it is not installed, or not on PATH"


class Commit(NamedTuple):
    """A commit: its full hash, when it was committed (ISO 8601 with the zone), and its tags and branches as git lists them."""

    sha: str
    date: str
    names: str


class _Answer(NamedTuple):
    """What a git command printed, and git's reason if it failed."""

    output: bytes
    reason: str


def commit_of(revision: str) -> str:
    """Return the full hash of a revision.

    Raises
    ------
    HeirloomError
        If this is no git repository, it has no such revision, or git refuses.
    """
    commit = _text(_read("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"))
    if commit:
        return commit
    if not _is_in_repository():
        raise HeirloomError(f"{revision!r}: this folder is no git repository, so it has no revisions")
    if _read("rev-parse", "--is-shallow-repository").startswith(b"true"):
        raise HeirloomError(f"{revision!r}: this clone is shallow, and lacks that git revision; git fetch --unshallow brings the rest")
    raise HeirloomError(f"{revision!r}: no such git revision here; git log --oneline lists them")


def date_of(commit: str) -> str:
    """Return the date of a commit: when it was committed, ISO 8601 with the zone."""
    return _text(_read("show", "--no-patch", "--no-show-signature", "--format=%cI", commit))


def top() -> Path | None:
    """Return the top folder of the repository that the working folder is in; None outside of one."""
    name = _ask("rev-parse", "--show-toplevel").output
    return Path(os.fsdecode(name.rstrip(b"\n"))) if name else None


def history(paths: Sequence[str]) -> list[Commit]:
    """Return the commits, newest first, that changed a file at one of some paths or below it; paths that never were change nothing."""
    output = _read("--literal-pathspecs", "log", "--no-show-signature", "--format=%H%x00%cI%x00%D%x00", "--", *paths)
    fields = [field.strip("\n") for field in output.decode(errors="backslashreplace").split("\0")]
    return [Commit(*fields[start : start + 3]) for start in range(0, len(fields) - 2, 3)]


def show(revision: str, path: str | Path) -> bytes | None:
    """Return a file as it stood in a commit, or in git's index if the revision is empty; None if it was not there.

    Raises
    ------
    HeirloomError
        If there is no such revision, or git refuses.
    """
    commit = commit_of(revision) if revision else ""
    name = _text(_read("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}:./{path}"))
    return _read("cat-file", "blob", name) if name else None


def head_or_index(path: str | Path) -> Iterator[bytes]:
    """Yield a file as git's index has it, and as the last commit has it, where they have it."""
    revisions = ("", "HEAD") if _head() else ("",)
    contents = (show(revision, path) for revision in revisions)
    yield from (content for content in contents if content is not None)


def tracked_files(path: str | Path) -> list[str]:
    """Return the files that git's index has at a path or below it."""
    return _names(_read("--literal-pathspecs", "ls-files", "-z", "--", str(path)))


def files_of(revision: str, path: str | Path) -> list[str]:
    """Return the files that a commit has at a path or below it."""
    return _names(_read("--literal-pathspecs", "ls-tree", "-r", "-z", "--name-only", commit_of(revision), "--", str(path)))


def tree() -> tuple[str, str]:
    """Return the commit, and 16 hex digits over what differs from it outside of data and results (empty if nothing does).

    Files that no commit holds count with their contents, and those of `LARGE` bytes or more with their size and time.

    Raises
    ------
    HeirloomError
        If git refuses, with its reason.
    """
    commit = _head()
    if not commit:
        return "", ""
    outside = ("--", ".", ":!data", ":!results", ":!dvc.lock")
    plain = ("--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=dirty")
    raw = _read("diff", "--raw", "-z", "--no-abbrev", "--relative", *plain, "HEAD", *outside)
    untracked_files = _read("ls-files", "-z", "--others", "--exclude-standard", *outside)
    if not raw and not untracked_files:
        return commit, ""
    digest = hashlib.sha256(raw + b"\0" + untracked_files)
    for name in (*_names(raw)[1::2], *_names(untracked_files)):
        digest.update(_state(Path(name)))
    return commit, digest.hexdigest()[:16]


def unusable() -> str:
    """Return git's own reason why it cannot be asked here, in one line; an empty string if it can, or if there is no repository."""
    answer = _ask("ls-files", "--", ":(literal)no-such-file")
    return f"git: {answer.reason}" if answer.reason and _is_in_repository() else ""


def _head() -> str:
    """Return the commit that is checked out; an empty string where there is none yet."""
    return _text(_read("rev-parse", "--verify", "--quiet", "HEAD^{commit}"))


def _state(path: Path) -> bytes:
    """Return what distinguishes two states of a file: its bytes; the size and time of a large file; the target of a link."""
    try:
        status = path.lstat()
        if path.is_symlink():
            return os.fsencode(path.readlink())
        if path.is_dir():  # a repository inside this one: git tells its commit
            return b"folder"
        if status.st_size >= LARGE:
            return f"{status.st_size} {status.st_mtime_ns}".encode()
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError as error:  # gone, or not readable
        return type(error).__name__.encode()


def _read(*arguments: str) -> bytes:
    """Return what a git command prints; nothing outside a repository, and nothing if its status says that there is nothing.

    Raises
    ------
    HeirloomError
        If git refuses, with its reason.
    """
    answer = _ask(*arguments)
    if answer.reason and _is_in_repository():
        raise HeirloomError(f"git: {answer.reason}")
    return answer.output


def _ask(*arguments: str) -> _Answer:
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        process = subprocess.run(["git", *arguments], capture_output=True, check=False, env=environment)
    except OSError:
        return _Answer(b"", _NO_GIT)
    if not process.returncode:
        return _Answer(process.stdout, "")
    lines = process.stderr.decode(errors="backslashreplace").splitlines()
    if process.returncode == 1 and not any(line.startswith(_REASONS) for line in lines):  # warnings and traces are no reason
        return _Answer(b"", "")
    return _Answer(b"", credentials.hidden(_in_one_line(lines) or f"exit status {process.returncode}"))


def _in_one_line(lines: list[str]) -> str:
    """Return git's reason, and the command that it advises."""
    reasons = [line.removeprefix("fatal: ").removeprefix("error: ") for line in lines if line.startswith(_REASONS)]
    commands = [line.strip() for line in lines if line.startswith("\tgit ")]
    return "; ".join([*(reasons or lines)[:1], *commands[:1]])


def _is_in_repository() -> bool:
    folder = Path.cwd()
    return "GIT_DIR" in os.environ or any((parent / ".git").exists() for parent in (folder, *folder.parents))


def _names(output: bytes) -> list[str]:
    return [os.fsdecode(name) for name in output.split(b"\0") if name]


def _text(output: bytes) -> str:
    return output.decode("ascii", errors="replace").strip()
