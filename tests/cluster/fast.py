"""Snakemake, whose Slurm plugin looks at its jobs twice a second instead of every ten seconds and more: for tests alone.

It asks all the time and is answered slowly. Interrupted between two questions the plugin cancels its jobs by itself; the worse case is
in the middle of one, where it cancels none of them.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import snakemake_executor_plugin_slurm as plugin
from snakemake.cli import main

QUERY = plugin.query_job_status


async def _sleep(_: plugin.Executor) -> None:
    """Do not wait between two questions."""


async def _query(*arguments: Any) -> Any:
    await asyncio.sleep(0.5)
    return await QUERY(*arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # children of a shell in the background would ignore it
    plugin.Executor.sleep = _sleep
    plugin.query_job_status = _query
    sys.exit(main())
