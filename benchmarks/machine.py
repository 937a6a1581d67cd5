"""The machine on which a benchmark runs: its processor, and the limits that speeds are compared with."""

from __future__ import annotations

import platform
import re
from functools import partial
from pathlib import Path

import torch
from sides import seconds


def processor() -> tuple[str, bool]:
    """Return the processor's name, and whether it multiplies bfloat16 by itself; as Linux tells them."""
    source = Path("/proc/cpuinfo")
    text = source.read_text() if source.exists() else ""
    name = re.search(r"^model name\s*: (.*)$", text, re.MULTILINE)
    return name[1] if name else platform.processor(), "avx512_bf16" in text


def limits() -> dict[str, float]:
    """Return the machine's best floating-point operations a second by precision, and bytes a second copied."""
    peak = {}
    for precision in ("float32", "bfloat16"):
        a = torch.randn(1024, 1024).to(getattr(torch, precision))
        peak[precision] = 2 * 1024**3 / min(seconds(partial(torch.mm, a, a)) for _ in range(20))
    x, y = torch.zeros(2**25), torch.zeros(2**25)
    peak["bytes"] = 2 * x.nbytes / min(seconds(lambda: y.copy_(x)) for _ in range(10))
    return peak
