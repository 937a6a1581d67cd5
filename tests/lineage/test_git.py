"""What git tells: the commit, and one hash over whatever the tree holds beside it."""

from __future__ import annotations

from pathlib import Path

from heirloom.lineage import git
from toy_project import Shell


def test_a_tree_is_known_by_its_commit_and_by_the_contents_of_files_that_no_commit_holds(toy: None, sh: Shell) -> None:
    head, changes = git.tree()
    assert head == sh("git", "rev-parse", "HEAD").strip()
    assert changes == ""

    untracked = Path("src/new.py")
    untracked.write_text("a = 1\n")
    first = git.tree()
    untracked.write_text("a = 2\n")
    second = git.tree()
    untracked.write_text("a = 1\n")
    assert (first[0], len(first[1])) == (head, 16)
    assert first != second
    assert git.tree() == first

    untracked.unlink()
    Path("data").mkdir(exist_ok=True)
    Path("data/made.txt").touch()
    assert git.tree() == (head, "")
