"""The commands that Snakemake's jobs run: one a step. Each takes the step's slice of the config, and paths."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from heirloom import device, manifest, paths, processes, sealed_steps, slice_arguments, usage
from heirloom.manifest import dumps, write_text
from heirloom.steps.heap import keep_freed_memory

app = typer.Typer()

NumNodes = Annotated[int, typer.Option(min=1, help="Machines that the processes are spread over, in a Slurm job of so many.")]
Slice = Annotated[str, typer.Option("--slice", help="The step's slice of the config, as JSON, or @ and a file of it.")]


Inputs = Mapping[str, str | Sequence[str]]
"""Role → path, or paths, of the artefacts that go into a step; empty where it has none."""


def _begin(text: str) -> dict[str, Any]:
    """Return the slice, settle memory, threads, device and log before numerical libraries load."""
    processes.forget_foreign_launchers()
    step = slice_arguments.read(text)
    keep_freed_memory()
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[variable] = str(step["num_threads"])
    os.environ[device.VARIABLE] = step.get("device", "auto")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    if not sys.stderr.isatty():
        os.environ["TQDM_DISABLE"] = "1"  # libraries' bars are for terminals, not for logs
    level = logging.WARNING if processes.rank() else logging.INFO  # the first of several processes speaks for all
    logging.basicConfig(format="%(message)s", level=level, stream=sys.stderr)
    return step


@contextmanager
def _job(cost: str, text: str, inputs: Inputs, artefact: str = "") -> Iterator[dict[str, Any]]:
    """Yield the slice of a step, as `_begin` returns it, and write at the end what the job has used, unless it fails.

    Inputs that are not as recorded are refused. A step that can belong to a group names its artefact: if an earlier attempt of the
    group has made the same, it is taken, and the job ends. Where several processes share the job, ``torchrun`` writes what they have
    used, and not they.
    """
    os.environ[usage.FILE] = cost
    step, shares_job = _begin(text), processes.is_launched()
    if artefact and not shares_job and sealed_steps.take(step, inputs, artefact):
        raise typer.Exit
    for several in inputs.values():
        for path in filter(None, [several] if isinstance(several, str) else several):
            manifest.check(path)
    yield step
    if not shares_job:
        write_text(cost, dumps(usage.measure()))
    if artefact and processes.rank() == 0:
        sealed_steps.keep(artefact)


@app.command()
def real(
    slice_: Slice,
    train: Annotated[str, typer.Option()],
    test: Annotated[str, typer.Option()],
    valid: str = "",
    tokenizer: str = "",
    documents: str = "",
) -> None:
    """Make an experiment's real data: pool and held-out rows, and for text the tokenizer and the index of documents."""
    with _job(paths.cost("real", train), slice_, {}) as step:
        from heirloom.steps import real as job

        if tokenizer:
            job.run_text(step, {"train": train, "valid": valid, "test": test}, tokenizer, documents)
        else:
            job.run_vectors(step, train, test)


@app.command()
def pretrained(slice_: Slice, checkpoint: Annotated[str, typer.Option()]) -> None:
    """Fetch the pretrained model that an experiment begins from."""
    with _job(paths.cost("pretrained", checkpoint), slice_, {}, checkpoint) as step:
        from heirloom.steps import pretrained as job

        job.run(step, checkpoint)


@app.command()
def mix(
    slice_: Slice,
    pool: Annotated[str, typer.Option()],
    train: Annotated[str, typer.Option()],
    original: str = "",
    synthetic: Annotated[str, typer.Option(help="Synthetic sets, oldest first, separated by spaces.")] = "",
) -> None:
    """Mix a generation's training set."""
    inputs = {"pool": pool, "original": original, "synthetic": synthetic.split()}
    with _job(paths.cost("mix", train), slice_, inputs, train) as step:
        from heirloom.steps import mix as job

        job.run(step, pool, original or None, synthetic.split(), train)


@app.command()
def train(
    slice_: Slice,
    train: Annotated[str, typer.Option()],
    checkpoint: Annotated[str, typer.Option()],
    start: str = "",
    valid: Annotated[str, typer.Option(help="Real rows that choose the epoch whose weights are kept.")] = "",
    num_nodes: NumNodes = 1,
) -> None:
    """Train a generation's model."""
    inputs = {"train": train, "start": start, "valid": valid}
    with _job(paths.cost("train", checkpoint), slice_, inputs, checkpoint) as step:
        processes.launch(step.get("num_processes", 1), num_nodes, step["num_threads"])
        from heirloom.steps import train as job

        job.run(step, train, start or None, checkpoint, valid or None)


@app.command()
def sample(
    slice_: Slice,
    checkpoint: Annotated[str, typer.Option()],
    train: Annotated[str, typer.Option(help="The training set of the checkpoint.")],
    synthetic: Annotated[str, typer.Option()],
    prompts: Annotated[str, typer.Option(help="Real rows to continue or to edit.")] = "",
    tokenizer: str = "",
    judge: Annotated[str, typer.Option(help="The checkpoint that says which tokens are too easy, where rows are edited.")] = "",
    shard: Annotated[int | None, typer.Option(min=0, help="Write this shard's rows only, and leave them for the job that gathers.")] = None,
    shards: Annotated[int, typer.Option(min=1, help="Shards that the rows are divided into.")] = 1,
    num_processes: Annotated[int, typer.Option(min=1, help="Processes that share the rows of this job.")] = 1,
    num_nodes: NumNodes = 1,
) -> None:
    """Sample a generation's synthetic set from its parent's model."""
    shard_cost = paths.part(paths.cost("sample_shard", synthetic), f"shard={shard}")
    cost = paths.cost("sample", synthetic) if shard is None else shard_cost
    inputs = {"checkpoint": checkpoint, "train": train, "prompts": prompts, "tokenizer": tokenizer, "judge": judge}
    with _job(cost, slice_, inputs, synthetic if shard is None else "") as step:
        processes.launch(num_processes, num_nodes, step["num_threads"])
        from heirloom.steps import sample as job

        job.run(step, inputs, synthetic, None if shard is None else (shard, shards))


@app.command()
def select(
    slice_: Slice,
    synthetic: Annotated[str, typer.Option()],
    origin: Annotated[str, typer.Option()],
    selected: Annotated[str, typer.Option()],
    parent: str = "",
) -> None:
    """Keep the rows of a synthetic set that a judge lets pass."""
    inputs = {"synthetic": synthetic, "origin": origin, "parent": parent}
    with _job(paths.cost("select", selected), slice_, inputs, selected) as step:
        from heirloom.steps import select as job

        job.run(step, synthetic, origin, parent or None, selected)


@app.command()
def evaluate(
    slice_: Slice,
    checkpoint: Annotated[str, typer.Option()],
    train: Annotated[str, typer.Option()],
    held_out: Annotated[str, typer.Option()],
    original: Annotated[str, typer.Option()],
    origin: Annotated[str, typer.Option()],
    metrics: Annotated[str, typer.Option()],
    synthetic: str = "",
) -> None:
    """Measure a generation's model and synthetic set."""
    inputs = {
        "checkpoint": checkpoint,
        "train": train,
        "synthetic": synthetic,
        "held_out": held_out,
        "original": original,
        "origin": origin,
    }
    with _job(paths.cost("evaluate", metrics), slice_, inputs, metrics) as step:
        from heirloom.steps import evaluate as job

        job.run(step, inputs, metrics)


@app.command()
def chain(
    slice_: Slice,
    pool: Annotated[str, typer.Option()],
    held_out: Annotated[str, typer.Option()],
    original: Annotated[str, typer.Option()],
    checkpoint: Annotated[str, typer.Option()],
    trajectory: Annotated[str, typer.Option()],
) -> None:
    """Run a whole lineage in one job."""
    inputs = {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}
    with _job(paths.cost("chain", trajectory), slice_, inputs) as step:
        from heirloom.steps import chain as job

        job.run(step, inputs, trajectory)
