"""Every recorded version of a dataset: when its bytes changed, which tag has them, how many rows, and why they changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import chdir
from typing import NamedTuple

from heirloom.diffs import versions
from heirloom.diffs.sides import Side
from heirloom.errors import HeirloomError
from heirloom.lineage import git, index, references, why_not
from heirloom.lineage.ledger import LEDGER
from heirloom.lineage.project import Project
from heirloom.numerals import num_rows
from heirloom.workflow import folders

DIGITS = 10


class Recorded(NamedTuple):
    """One version: the commit that brought it, its date and tags, the rows (None if the bytes are lost), the fingerprint, and why."""

    commit: str
    date: str
    tags: str
    rows: int | None
    sha256: str
    reason: str


def history(text: str) -> list[Recorded]:
    """Return the versions of a dataset, newest first; commits that left the bytes as they were are left out.

    Parameters
    ----------
    text
        A reference of this project, or a path that git or DVC tracks in any repository.

    Raises
    ------
    HeirloomError
        If no commit records it.
    """
    recorded = list(_of_lineage(text)) if _is_ours(text) else list(_of_path(text))
    if not recorded:
        raise HeirloomError(f"{text}: no commit records it")
    return recorded[::-1]


def _is_ours(text: str) -> bool:
    return references.is_reference(text) or folders.lineage_of(text) is not None


def _of_lineage(text: str) -> Iterator[Recorded]:
    """Yield the versions of an artefact by the ledgers of all commits, oldest first."""
    path = references.find(text)
    previous: Project | None = None
    known = ""
    for commit in reversed(git.history([str(LEDGER)])):
        entry = index.read_ledger(commit.sha).get(path)
        if entry is None or entry.sha256 == known:
            continue
        known = entry.sha256
        project = Project(revision=commit.sha)
        reason = _reason(previous, project, path)
        yield Recorded(commit.sha, commit.date, _tags(commit.names), _rows_of_artefact(project, path), known, reason)
        previous = project


def _rows_of_artefact(project: Project, path: str) -> int | None:
    try:
        return Side(path, project.data(path)).num_rows
    except HeirloomError:  # neither in the cache nor on a remote, or no dataset
        return None


def _reason(previous: Project | None, project: Project, path: str) -> str:
    """Return in one sentence why an artefact has other bytes than before."""
    if previous is None:
        return "first recorded"
    try:
        verdict = why_not.parting(previous.artefact(path), project.artefact(path))
    except HeirloomError as error:
        return f"not known ({error})"
    if not verdict.differences:
        return f"the step {verdict.first.step} is not deterministic, or its manifest does not tell"
    difference = verdict.differences[0]
    more = len(verdict.differences) - 1
    further = f" and {more} more" if more else ""
    return f"step {verdict.first.step}: {difference.what} {difference.first} → {difference.second}{further}"


def _of_path(text: str) -> Iterator[Recorded]:
    """Yield the versions of a path by git's history of it and of the pointers to it, oldest first."""
    place = versions.in_repository(text, "HEAD")
    if place is None:
        raise HeirloomError(f"{text}: no reference, and no path that git or DVC tracks here")
    with chdir(place.top):
        commits = git.history(versions.records(place.path))
    last = ""
    rows_before: int | None = None
    for commit in reversed(commits):
        try:
            side = Side(text, versions.fetched(place._replace(revision=commit.sha)))
            sha256, rows, reason = side.sha256, side.num_rows, ""
        except HeirloomError as error:
            if versions.UNTRACKED in str(error):
                continue
            sha256, rows, reason = "", None, f"lost: {error}"
        if sha256 and sha256 == last:
            continue
        yield Recorded(commit.sha, commit.date, _tags(commit.names), rows, sha256, reason or _change(last, rows_before, rows))
        last, rows_before = sha256 or last, rows if rows is not None else rows_before


def _change(last: str, before: int | None, after: int | None) -> str:
    if not last or before is None or after is None:
        return "first recorded" if not last else "other bytes"
    if before == after:
        return "as many rows, with other bytes"
    return f"{num_rows(abs(after - before))} {'more' if after > before else 'fewer'}"


def _tags(names: str) -> str:
    return ", ".join(re.findall(r"tag: ([^,]+)", names))


def lines(recorded: list[Recorded]) -> list[str]:
    """Return one line a version, under a line of headings."""
    table = [("commit", "date", "tag", "rows", "fingerprint", "why")]
    for one in recorded:
        rows = "–" if one.rows is None else f"{one.rows:,}"
        table.append((one.commit[:DIGITS], one.date[:10], one.tags or "–", rows, one.sha256[:DIGITS] or "–", one.reason))
    widths = [max(len(row[column]) for row in table) for column in range(5)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in table]
