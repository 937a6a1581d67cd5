from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from heirloom.errors import HeirloomError
from heirloom.runtime.child import MEGABYTES, SECONDS, Limits, in_child, limits, opening

AMPLE = Limits(60, 1000)


def ended_by(number: int) -> None:
    opening("data/strange.parquet")
    os.kill(os.getpid(), number)


def asleep() -> None:
    opening("data/slow.arrow")
    time.sleep(60)


def large() -> int:
    opening("data/large.gguf")
    values = np.ones(80_000_000)
    time.sleep(60)
    return len(values)


def refused() -> None:
    raise HeirloomError("source.paths: a.txt is empty", "source.paths: b.txt is empty")


def message_of(work: Callable[[], Any], granted: Limits = AMPLE) -> str:
    with pytest.raises(HeirloomError) as caught:
        in_child(work, granted, "the source")
    assert len(caught.value.lines) == 1
    return str(caught.value)


def test_a_child_returns_what_json_can_spell_and_leaves_no_child_behind() -> None:
    parent = os.getpid()
    rows, process = in_child(lambda: [{"rows": 3, "text": "å\n"}, os.getpid()], AMPLE, "the source")
    assert rows == {"rows": 3, "text": "å\n"}
    assert process != parent == os.getpid()
    with pytest.raises(ChildProcessError):  # other tests of this process may have children of their own
        os.waitpid(process, os.WNOHANG)


def test_an_answer_longer_than_a_pipe_holds_arrives_whole() -> None:
    assert in_child(lambda: "x" * 1_000_000, AMPLE, "the source") == "x" * 1_000_000


def test_the_child_s_own_refusal_keeps_its_lines() -> None:
    with pytest.raises(HeirloomError) as caught:
        in_child(refused, AMPLE, "the source")
    assert caught.value.lines == ("source.paths: a.txt is empty", "source.paths: b.txt is empty")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGSEGV, "signal 11 (SIGSEGV): it is damaged, or the library that reads it has a fault"),
        (signal.SIGABRT, "signal 6 (SIGABRT): it is damaged, or the library that reads it has a fault"),
        (signal.SIGKILL, "signal 9 (SIGKILL): memory ran out, or somebody ended it"),
    ],
)
def test_a_child_that_a_signal_ends_is_one_line_with_the_file_that_it_had_opened(number: int, words: str) -> None:
    assert message_of(partial(ended_by, number)) == f"data/strange.parquet: what read it was killed by {words}"


def test_a_child_that_takes_too_long_is_ended_in_one_line_with_the_limit_and_what_raises_it() -> None:
    start = time.monotonic()
    assert message_of(asleep, Limits(0.3, 1000)) == f"data/slow.arrow: reading it takes more than 0.3 s; {SECONDS} raises the limit"
    assert time.monotonic() - start < 5


def test_a_child_that_takes_too_much_memory_is_ended_in_one_line_with_the_limit_and_what_raises_it() -> None:
    granted = Limits(60, 400, memory_key="--max-memory")
    assert message_of(large, granted) == "data/large.gguf: reading it takes more than 400 MB of memory; --max-memory raises the limit"


def test_a_child_that_ends_without_an_answer_is_refused_by_the_name_of_the_whole() -> None:
    assert message_of(lambda: os._exit(0)) == "the source: what read it ended without an answer (status 0)"


def test_a_child_that_says_more_than_any_answer_has_is_ended() -> None:
    def flooding() -> None:
        while True:
            opening("x" * 300)

    assert message_of(flooding) == f"{'x' * 300}: what reads it says more than 16,777,216 bytes"


def test_a_child_of_a_child_is_none() -> None:
    outer, inner = in_child(lambda: [os.getpid(), in_child(os.getpid, AMPLE, "")], AMPLE, "")
    assert outer == inner


def test_temporary_files_of_a_child_go_with_it_however_it_ends(tmp_path: Path) -> None:
    note = tmp_path / "note"

    def leaves_a_file() -> None:
        note.write_text(tempfile.mkdtemp())
        os.kill(os.getpid(), signal.SIGKILL)

    message_of(leaves_a_file)
    assert not Path(note.read_text()).exists()


def test_a_fault_of_the_program_itself_ends_the_command_after_its_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        in_child(lambda: 1 / 0, AMPLE, "")
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_larger_files_are_granted_more_and_the_environment_raises_both_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(bytes(1_000_000))
    assert limits([tmp_path / "a", tmp_path / "absent"], growth=4) == Limits(610, 2004)
    monkeypatch.setenv(SECONDS, "1")
    monkeypatch.setenv(MEGABYTES, "5000")
    assert limits([tmp_path / "a"], growth=40) == Limits(11, 5040)
    monkeypatch.setenv(MEGABYTES, "much")
    with pytest.raises(HeirloomError, match="HEIRLOOM_FILE_MB is a number of megabytes from 0, not 'much'"):
        limits([], growth=1)
