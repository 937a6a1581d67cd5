"""Whether a worker can be what a job's own process would be, and how it becomes that: program, code, environment, limits, threads."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

from heirloom import slice_arguments
from heirloom.artefacts import manifest, paths
from heirloom.cli import client
from heirloom.errors import HeirloomError
from heirloom.runtime import device, processes
from heirloom.specs.family import SPECS, families_with

_OF_SHELL = {"_", "SHLVL", "PWD", "OLDPWD"}
_OF_THREADS = {f"{name}_NUM_THREADS" for name in ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")} | {"VECLIB_MAXIMUM_THREADS"}
"""Variables that may differ between jobs, because each step sets them before its libraries load."""
_NO_THREADS = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""Variables under which numpy and pyarrow start no thread when they are imported."""
_OFTEN_IMPORTED = ("email.parser", "numpy.random", "pyarrow.compute", "pyarrow.parquet", "threadpoolctl", "typer._adapters")
"""What nearly every job imports on its way; no library among them that a manifest would name beside numpy and pyarrow."""
_REPORT = {
    "diff": (
        *("heirloom.diffs.engine", "heirloom.diffs.dependence", "heirloom.diffs.distribution", "heirloom.diffs.render.html"),
        *("heirloom.diffs.render.terminal", "heirloom.lineage.trace", "pandas", "pyarrow.dataset", "rapidfuzz", "rich.console"),
    ),
    "report": (
        *("heirloom.report.files", "heirloom.report.figures.draw", "heirloom.report.page.build"),
        *("altair", "pandas", "pyarrow.dataset", "scipy.special"),
    ),
}
"""What jobs of the report import on their way: those that compare, and all others."""
_PACKAGE = Path(__file__).parents[1]

Sent = dict[str, Any]
"""What a client sends of a job: ``arguments``, ``folder``, ``environment``, ``circumstances``."""
Code = list[tuple[str, int, int]]


def stages(sent: Sent, num_threads: int) -> tuple[str, ...] | None:
    """Return what the process of a job imports, in order, beside what all import: a family, and what `_REPORT` names.

    Parameters
    ----------
    num_threads
        Threads of numerical work in a step, from which libraries take their number when they are imported.

    Returns
    -------
    None where a job always starts for itself: on a GPU, by several processes, with other threads, or to say what is wrong with it
    """
    if processes.LAUNCHED in sent["environment"]:
        return None
    options = dict(pairwise(sent["arguments"]))
    try:
        return _stages_of_step(options, num_threads) if "--slice" in options else _stages_of_report(options)
    except HeirloomError:
        return None


def _stages_of_step(options: Mapping[str, str], num_threads: int) -> tuple[str, ...] | None:
    fields = slice_arguments.read(options["--slice"])
    num_processes = int(options.get("--num-processes", fields.get("num_processes", 1)))
    if num_processes > 1 or fields["num_threads"] != num_threads or _may_use_gpu(fields):
        return None
    return (fields["family"],) if fields.get("family") else ()


def _stages_of_report(options: Mapping[str, str]) -> tuple[str, ...] | None:
    """Return the stages of a command of the report; a diff of text has the origin's model judge it, whose family imports torch."""
    if "diff" not in options:
        return ("report",)
    fields = _slice_of(options["diff"])
    spec = SPECS.get(fields.get("family", ""))
    if spec is None or not (spec.is_text and spec.needs_torch):
        return ("diff",)
    return None if _may_use_gpu(fields) else (fields["family"], "diff")


def _slice_of(dataset: str) -> dict[str, Any]:
    """Return the slice of the step that has made a dataset; an empty one where nobody knows."""
    try:
        fields: dict[str, Any] = manifest.read(paths.manifest(dataset)).get("slice", {})
    except HeirloomError:
        return {}
    return fields


def _may_use_gpu(fields: Mapping[str, Any]) -> bool:
    can_use_gpu = fields.get("family") in families_with("gpu") and fields.get("device", "auto") != "cpu"
    return can_use_gpu and any(driver.exists() for driver in device.GPU_DRIVERS)


def fault_of_process(sent: Sent) -> str:
    """Return in what this process differs from a job's own, of all that it cannot take on; empty if in nothing."""
    own = client.circumstances()
    names = [name for name, value in own.items() if sent["circumstances"].get(name) != value]
    return f"the run's worker differs in {', '.join(names)}" if names else ""


def fault_of_imports(sent: Sent, first: Sent, code: Code) -> str:
    """Return why what was imported for the first job is not what a job would import; empty if it is.

    Parameters
    ----------
    first
        The job in whose environment modules were imported.
    code
        The state of the code at that time.
    """
    its, own = sent["environment"], first["environment"]
    names = sorted(name for name in {*its, *own} - _OF_SHELL - _OF_THREADS if its.get(name) != own.get(name))
    if names:
        return f"the run's worker has another {', '.join(names)}"
    return "" if code == code_state() else "the code is no longer what the run's worker has read"


def code_state() -> Code:
    """Return path, time in nanoseconds and size of each module of the package and each folder that libraries are imported from."""
    files = [entry for folder, _, _ in os.walk(_PACKAGE) for entry in os.scandir(folder) if entry.name.endswith(".py")]
    folders = [Path(path) for path in sys.path]
    states = [(entry.path, entry.stat()) for entry in files] + [(str(path), path.stat()) for path in folders if path.exists()]
    return sorted((path, state.st_mtime_ns, state.st_size) for path, state in states)


def is_single_thread() -> bool:
    """Return whether this process has one thread, so that it can be forked."""
    return len([*Path("/proc/self/task").iterdir()]) == 1


def import_steps(num_threads: int) -> None:
    """Import what all jobs need, and start no thread."""
    from heirloom.cli import commands, steps
    from heirloom.workflow.steps import STEPS

    steps.settle(num_threads)
    os.environ.update(_NO_THREADS)
    commands.tree()
    for step in STEPS.values():
        step.load()
    for name in _OFTEN_IMPORTED:
        import_module(name)
    gc.freeze()


def import_stage(name: str) -> None:
    """Import what all jobs of a family need, or all of a part of the report."""
    from heirloom.families import family

    for module in _REPORT.get(name, ()):
        import_module(module)
    if name not in _REPORT:
        family(name)
    gc.freeze()


def become(sent: Sent, num_threads: int) -> None:
    """Give this process, which a worker has forked, a job's environment and arguments, and a step its number of threads."""
    client.set_environment(sent["environment"])
    sys.argv[:] = sent["arguments"]
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=os.isatty(1) and not sys.stdout.write_through)
    if num_threads > 1 and "--slice" in sent["arguments"]:  # OpenBLAS was told of one when it was imported
        from threadpoolctl import threadpool_limits

        threadpool_limits(num_threads, "blas")
