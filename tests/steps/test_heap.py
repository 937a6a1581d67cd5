"""Memory that a process frees and soon needs again."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import numpy as np
from heirloom.cli.steps import _begin
if sys.argv[1] == "kept":
    _begin('{"num_threads": 1}')
np.ones(4_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    np.ones(4_000_000)  # 32 MB, freed at once
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_a_step_uses_freed_memory_again_without_asking_the_kernel() -> None:
    handed_back, faults_when_kept = _faults("not"), _faults("kept")
    assert faults_when_kept < 20 < handed_back


def _faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS, how], text=True, capture_output=True, check=True).stdout)
