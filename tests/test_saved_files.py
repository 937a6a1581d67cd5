"""A saved file is read as it was written, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from damage import DAMAGES, flip_a_bit
from heirloom import saved_files

SHA256_OF_ONE = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def save(folder: Path, text: str) -> Path:
    with saved_files.replacing(folder, "work.txt") as temporary:
        temporary.write_text(text)
    file = saved_files.find(folder, "work.txt")
    assert file is not None
    return file


def test_a_file_is_named_by_its_bytes_and_a_later_one_takes_its_place(tmp_path: Path) -> None:
    assert save(tmp_path, "one").name == f"work.{SHA256_OF_ONE}.txt"
    assert save(tmp_path, "two").read_text() == "two"
    assert [file.name.split(".")[0] for file in tmp_path.iterdir()] == ["work"]
    assert saved_files.find(tmp_path, "other.txt") is None


def test_what_fails_while_it_is_written_leaves_the_file_before_it(tmp_path: Path) -> None:
    save(tmp_path, "one")
    with pytest.raises(FileNotFoundError), saved_files.replacing(tmp_path, "work.txt"):
        pass  # nothing is written
    (file,) = tmp_path.iterdir()
    assert file.name == f"work.{SHA256_OF_ONE}.txt"


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_removed_with_a_line_that_names_it(
    damage: Callable[[Path], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(save(tmp_path, "one"))
    (damaged,) = tmp_path.iterdir()
    with caplog.at_level(logging.INFO):
        assert saved_files.find(tmp_path, "work.txt") is None
    assert caplog.messages == [f"{damaged} is damaged: it is dropped, and what it held is done again"]
    assert list(tmp_path.iterdir()) == []


def test_the_undamaged_one_of_two_versions_is_read_and_the_next_save_removes_both(tmp_path: Path) -> None:
    first_file = save(tmp_path, "one")
    content = first_file.read_bytes()
    two = save(tmp_path, "two")
    first_file.write_bytes(content)  # as a kill between the writing of the second and the removal of the first leaves it
    flip_a_bit(two)
    assert saved_files.find(tmp_path, "work.txt") == first_file
    assert save(tmp_path, "three").read_text() == "three"
    assert len(list(tmp_path.iterdir())) == 1
