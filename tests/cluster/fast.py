"""Snakemake, whose Slurm plugin looks at its jobs twice a second instead of every ten seconds and more: for tests alone."""

from __future__ import annotations

import asyncio
import signal
import sys

import snakemake_executor_plugin_slurm as plugin
from snakemake.cli import main


async def _sleep(_: plugin.Executor) -> None:
    await asyncio.sleep(0.5)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children of a shell in the background would ignore it
    plugin.Executor.sleep = _sleep
    sys.exit(main())
