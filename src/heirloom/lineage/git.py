"""Git, through its command line: what stands in a commit, and which commit and changes the tree is at."""

from __future__ import annotations

import hashlib
import subprocess

from heirloom.errors import HeirloomError


def commit_of(revision: str) -> str:
    """Return the full hash of a revision.

    Raises
    ------
    HeirloomError
        If this is no git repository, or it has no such revision.
    """
    found = output("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    if not found:
        raise HeirloomError(f"{revision!r}: no such git revision here; git log --oneline lists them")
    return found


def date_of(commit: str) -> str:
    """Return the date of a commit: when it was committed, ISO 8601 with the zone."""
    return output("log", "-1", "--format=%cI", commit).strip()


def show(revision: str, path: str) -> str | None:
    """Return a text file as it stood in a commit, or None if it was not there."""
    done = _run("show", f"{commit_of(revision)}:./{path}")
    return done.stdout if done is not None and not done.returncode else None


def tree() -> tuple[str, str]:
    """Return the commit, and 16 hex digits over what differs from it outside of data and results (empty if nothing does)."""
    commit = output("rev-parse", "HEAD").strip()
    where = ("--", ".", ":!data", ":!results", ":!dvc.lock")
    changes = output("diff", "HEAD", *where) + _untracked(*where) if commit else ""
    return commit, hashlib.sha256(changes.encode()).hexdigest()[:16] if changes else ""


def _untracked(*where: str) -> str:
    """Return the names of files that git has not been given, and then their hashes."""
    names = output("ls-files", "--others", "--exclude-standard", *where)
    hashes = _run("hash-object", "--stdin-paths", given=names) if names else None
    return names + (hashes.stdout if hashes else "")


def output(*arguments: str) -> str:
    """Return what a git command prints; nothing without git, or where it fails."""
    done = _run(*arguments)
    return done.stdout if done is not None else ""


def _run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(["git", *arguments], input=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
