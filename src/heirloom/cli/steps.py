"""The commands that Snakemake's jobs run: one per step, made from its declaration. Each takes the step's slice of the config, and paths."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any

import typer

from heirloom import sealed_steps, slice_arguments
from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import dumps, write_text
from heirloom.runtime import device, processes, program, usage
from heirloom.runtime.heap import keep_freed_memory
from heirloom.workflow.step import Step
from heirloom.workflow.steps import STEPS

app = typer.Typer()

_SLICE = Annotated[str, typer.Option("--slice", help="The step's slice of the config, as JSON, or @ and a file of it.")]
_SPREAD: dict[str, dict[str, tuple[Any, Any]]] = {
    "machines": {
        "num_nodes": (
            Annotated[int, typer.Option(min=1, help="Machines that the processes are spread over, in a Slurm job of so many.")],
            1,
        )
    },
    "processes": {"num_processes": (Annotated[int, typer.Option(min=1, help="Processes that share the rows of this job.")], 1)},
    "shards": {
        "shard": (Annotated[int | None, typer.Option(min=0, help="Write this shard alone, and leave it for the job that gathers.")], None),
        "shards": (Annotated[int, typer.Option(min=1, help="Shards that the rows are divided into.")], 1),
    },
}
"""What a step's work can be divided among → the options of its command: name → type and default."""


def settle(num_threads: int) -> None:
    """Settle memory, threads and what libraries read of the environment when they are imported, the same for all steps of a config."""
    processes.forget_foreign_launchers()
    keep_freed_memory()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[variable] = str(num_threads)
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # libraries' bars are for terminals, not for logs


def _begin(text: str) -> dict[str, Any]:
    """Return the slice, settle memory, threads, device and log before numerical libraries load."""
    fields = slice_arguments.read(text)
    settle(fields["num_threads"])
    os.environ[device.VARIABLE] = fields.get("device", "auto")
    level = logging.WARNING if processes.rank() else logging.INFO  # the first of several processes speaks for all
    logging.basicConfig(format="%(message)s", level=level, stream=sys.stderr)
    return fields


@contextmanager
def _job(cost: str, text: str, inputs: Mapping[str, Sequence[str]], artefact: str = "") -> Iterator[dict[str, Any]]:
    """Yield the slice of a step, as `_begin` returns it, and write at the end what the job has used, unless it fails.

    Inputs that are not as recorded are refused. A step that leaves one artefact names it: if an earlier attempt of its group has made the
    same, it is taken, and the job ends. Where several processes share the job, ``torchrun`` writes what they have used, and not they.
    """
    os.environ[usage.FILE] = cost
    fields, shares_job = _begin(text), processes.is_launched()
    if artefact and not shares_job and sealed_steps.take(fields, inputs, artefact):
        raise typer.Exit
    for input_paths in inputs.values():
        for path in input_paths:
            manifest.check(path)
    yield fields
    if not shares_job:
        write_text(cost, dumps(usage.measure()))
    if artefact and processes.rank() == 0:
        sealed_steps.keep(artefact)


def _run(step: Step, options: Mapping[str, Any]) -> None:
    """Do a job of a step with the options of its command."""
    outputs = {role: options[role] for role in step.makes if options[role]}
    inputs = {role: _paths(options[role], declaration.is_many) for role, declaration in step.takes.items()}
    main, shard = next(iter(outputs.values())).split()[0], options.get("shard")
    artefact = main if step.leaves_one and shard is None else ""
    key = kinds.key_of(main)
    program.limit_job(key.experiment if key else "")
    with _job(_cost_path(step, main, shard), options["slice_"], inputs, artefact) as fields:
        if "machines" in step.spread:
            num_processes = options.get("num_processes", fields.get("num_processes", 1))
            processes.launch(num_processes, options["num_nodes"], fields["num_threads"])
        share = {} if shard is None else {"shard": (shard, options["shards"])}
        joined_inputs = {role: " ".join(input_paths) for role, input_paths in inputs.items()}
        module = step.load()
        work = partial(module.run, module.Slice.model_validate(fields), joined_inputs, outputs, **share)
        if step.takes:
            work()
        else:  # what has no ancestor comes from files of others
            from heirloom.sources import strangers  # which imports numpy

            strangers.guarded(work, [fields.get("source")], [fields.get("model")])
        processes.leave()


def _cost_path(step: Step, artefact: str, shard: int | None) -> str:
    """Return where a job writes what it has used; a shard's job has a file of its own."""
    if shard is None:
        return paths.cost(step.name, artefact)
    return paths.part(paths.cost(f"{step.name}_shard", artefact), f"shard={shard}")


def _paths(option: str, is_many: bool) -> list[str]:
    """Return the paths of an input: one, or those between blanks; none where the option is empty."""
    if is_many:
        return option.split()
    return [option] if option else []


def _command(step: Step) -> Any:
    """Return the function of a step's command; its parameters are the roles of what the step takes and makes."""

    def command(**options: Any) -> None:
        _run(step, options)

    options_of: dict[str, tuple[Any, Any]] = {"slice_": (_SLICE, inspect.Parameter.empty)}
    for role, declaration in step.takes.items():
        options_of[role] = _option(declaration.words, declaration.is_needed)
    for role, kind in step.makes.items():
        options_of[role] = _option(f"Where to write: {kind.word}.", role not in step.optional)
    for division in sorted(step.spread & _SPREAD.keys()):
        options_of |= _SPREAD[division]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = []
    for name, (annotation, default) in options_of.items():
        parameters.append(inspect.Parameter(name, keyword, default=default, annotation=annotation))
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    command.__doc__ = step.words
    return command


def _option(words: str, is_needed: bool) -> tuple[Any, Any]:
    """Return type and default of an option of paths; empty text stands for one that is left out."""
    default = inspect.Parameter.empty if is_needed else ""
    return Annotated[str, typer.Option(help=words)], default


for _step in STEPS.values():
    app.command(_step.name, hidden=True)(_command(_step))
