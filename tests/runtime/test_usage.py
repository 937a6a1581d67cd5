from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from heirloom.runtime import usage

HOLDS_200_MB = "held = b'x' * 200_000_000; print(flush=True); input()"


@pytest.mark.parametrize("tells_private_pages", [True, False])
def test_the_memory_of_a_process_counts_where_the_system_tells_private_pages_and_where_it_does_not(
    tells_private_pages: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not tells_private_pages:
        monkeypatch.setattr(usage, "_PROCESSES", tmp_path)
    with subprocess.Popen([sys.executable, "-c", HOLDS_200_MB], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        assert 200_000_000 <= usage.private_bytes(process.pid) < 300_000_000
        process.communicate(b"\n")
    assert usage.private_bytes(process.pid) == 0
