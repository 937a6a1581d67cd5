"""The command line: one sub-command a step and a tool. Reads arguments, calls one function, turns bad input into one line."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from heirloom import cli_diff, cli_export, cli_lineage, manifest
from heirloom.errors import HeirloomError

app = typer.Typer(
    no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help="What each generation of models inherits."
)
app.add_typer(cli_lineage.app)

app.command()(cli_diff.diff)
app.command("git-diff", hidden=True)(cli_diff.git_diff)

app.add_typer(cli_export.app, name="export")

BAD_INPUT = 2

Slice = Annotated[str, typer.Option("--slice", help="The step's slice of the config, as JSON.")]
ConfigFile = Annotated[Path, typer.Option("--config", help="A config file.")]
CONFIG = Path("config.yaml")
CONFIGS = [CONFIG]


def main() -> None:
    """Run the command line; bad input ends in one line and exit code 2."""
    try:
        app()
    except HeirloomError as error:
        print(f"heirloom: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _begin(text: str, *inputs: str) -> dict[str, Any]:
    """Return the slice, fix the number of threads before a numerical library is imported, and refuse inputs that are not as recorded."""
    step: dict[str, Any] = json.loads(text)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS"):
        os.environ[variable] = str(step["num_threads"])
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
    for artefact in filter(None, inputs):
        manifest.check(artefact)
    return step


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
    step = _begin(slice_)
    from heirloom.steps import real as job

    if tokenizer:
        job.run_text(step, {"train": train, "valid": valid, "test": test}, tokenizer, documents)
    else:
        job.run_vectors(step, train, test)


@app.command()
def mix(
    slice_: Slice,
    pool: Annotated[str, typer.Option()],
    train: Annotated[str, typer.Option()],
    original: str = "",
    synthetic: Annotated[str, typer.Option(help="Synthetic sets, oldest first, separated by spaces.")] = "",
) -> None:
    """Mix a generation's training set."""
    step = _begin(slice_, pool, original, *synthetic.split())
    from heirloom.steps import mix as job

    job.run(step, pool, original or None, synthetic.split(), train)


@app.command()
def train(slice_: Slice, train: Annotated[str, typer.Option()], checkpoint: Annotated[str, typer.Option()], start: str = "") -> None:
    """Train a generation's model."""
    step = _begin(slice_, train, start)
    from heirloom.steps import train as job

    job.run(step, train, start or None, checkpoint)


@app.command()
def sample(
    slice_: Slice,
    checkpoint: Annotated[str, typer.Option()],
    train: Annotated[str, typer.Option(help="The training set of the checkpoint.")],
    synthetic: Annotated[str, typer.Option()],
    original: str = "",
    tokenizer: str = "",
) -> None:
    """Sample a generation's synthetic set from its parent's model."""
    step = _begin(slice_, checkpoint, train, original, tokenizer)
    from heirloom.steps import sample as job

    job.run(step, checkpoint, train, original or None, tokenizer or None, synthetic)


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
    step = _begin(slice_, checkpoint, train, synthetic, held_out, original, origin)
    from heirloom.steps import evaluate as job

    inputs = {
        "checkpoint": checkpoint,
        "train": train,
        "synthetic": synthetic,
        "held_out": held_out,
        "original": original,
        "origin": origin,
    }
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
    step = _begin(slice_, pool, held_out, original, checkpoint)
    from heirloom.steps import chain as job

    job.run(step, {"pool": pool, "held_out": held_out, "original": original, "checkpoint": checkpoint}, trajectory)


@app.command()
def check(
    config: ConfigFile = CONFIG,
    *,
    thorough: Annotated[bool, typer.Option("--thorough", help="Also count the rows of text sources that might be too small.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing when all is well.")] = False,
) -> None:
    """Check a config and its sources, writing nothing."""
    from heirloom import preflight
    from heirloom.config import load

    read = load(config)
    (preflight.thorough if thorough else preflight.cheap)(read)
    if not quiet:
        typer.echo(f"{config}: {len(read.experiments)} experiments, {sum(1 for _ in read.lineages())} lineages")


@app.command()
def summarise(config: ConfigFile = CONFIG) -> None:
    """Gather every generation's measures into results/metrics.parquet, metrics.json and plots/."""
    from heirloom.config import load
    from heirloom.report import tables

    tables.write(load(config))


@app.command()
def plot(config: ConfigFile = CONFIG) -> None:
    """Draw results/figures/ from results/metrics.parquet."""
    from heirloom.config import load
    from heirloom.report import figures

    figures.write(load(config))


@app.command()
def summary(config: ConfigFile = CONFIG) -> None:
    """Print what a run found, beside theory where there is one."""
    from heirloom.config import load
    from heirloom.report.summary import print_summary

    print_summary(load(config))


@app.command()
def record(
    config: ConfigFile = CONFIG,
    *,
    complete: Annotated[bool, typer.Option("--complete", help="The whole workflow has run: record its stage, too.")] = False,
    if_possible: Annotated[bool, typer.Option("--if-possible", help="Without git or DVC, say so and succeed.")] = False,
) -> None:
    """Version every dataset and checkpoint with DVC, and write results/lineage.tsv; run by Snakemake's hooks."""
    from heirloom.lineage.record import record as job

    report = job(config, complete=complete)
    if report.unrecorded and not if_possible:
        raise HeirloomError(report.unrecorded)
    typer.echo(report.line)


@app.command()
def restore() -> None:
    """Bring back the data of the commit that git has checked out, and Snakemake's records of its jobs."""
    from heirloom.lineage.restore import bring_back

    typer.echo(f"restored; Snakemake's records of {bring_back()} files were put back")


@app.command()
def prune(
    config: Annotated[list[Path], typer.Option("--config", help="What a config names, stays; may be given several times.")] = CONFIGS,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Remove what is listed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also remove what could not be brought back.")] = False,
) -> None:
    """List generations, lineages and experiments that no config names any more; with --yes, remove them."""
    from heirloom.config import load
    from heirloom.lineage import prune as job

    found = job.leftovers([load(file) for file in config])
    if yes:
        job.remove(found, force=force)
    for leftover in found:
        typer.echo(leftover.line)
    typer.echo(job.total(found, removed=yes))


@app.command()
def schema(*, fix: Annotated[bool, typer.Option("--fix", help="Write the file instead of comparing it.")] = False) -> None:
    """Compare schemas/config.schema.json with the config models, or write it."""
    from heirloom import schema as job

    job.run(fix=fix)


if __name__ == "__main__":
    main()
