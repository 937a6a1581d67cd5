# Wildcards → paths and slices: every input and params function of the workflow, and no rule.
#
# An artefact goes into a job twice: its fingerprint (small JSON, compared by checksum) is what the job depends on, and the
# artefact itself is `ancient`, so that time stamps scrambled by git or DVC rerun nothing. See docs/design/0002-rerun.md.
import atexit
import os
from functools import cache

from heirloom import config as configuration
from heirloom import (
    command_line,
    errors,
    failed_jobs,
    paths,
    preflight,
    sealed_steps,
    slice_arguments,
    slices,
    variables,
)
from heirloom.report import figures, tables
from heirloom.report.page import build as page
from heirloom.lineage import ending, layout, unrecorded
from heirloom.lineage.restore import restore
from heirloom.planning import accounting, estimate, slurm
from heirloom.planning.jobs import Job

try:
    if workflow.config_settings.config or len(workflow.configfiles) != 1:
        raise errors.HeirloomError(command_line.ONE_FILE)
    CONFIG_FILE = str(workflow.configfiles[0])
    # not Snakemake's `config`, in which the last of two equal keys wins
    CONFIG = configuration.load(CONFIG_FILE)
    CHEAP_SECONDS = variables.seconds(slurm.GROUP_SECONDS, 1800)
    preflight.cheap(CONFIG)
    if workflow.is_main_process:
        layout.check(CONFIG)
        for line in preflight.notes(CONFIG):
            print(errors.line(line), file=sys.stderr)
        restore()  # Snakemake's records follow the data that git and DVC have brought
        # the last to be called, because the first to be registered: nothing comes after the cause of a failure
        atexit.register(failed_jobs.tell, failed_jobs.listen(workflow))
        atexit.register(ending.after_nothing, workflow, CONFIG, CONFIG_FILE)
except errors.HeirloomError as error:
    print(*errors.printed(error), sep="\n", file=sys.stderr)
    sys.exit(errors.BAD_INPUT)

if workflow.remote_exec:
    os.environ[sealed_steps.SUBMITTED] = "1"
    atexit.register(sealed_steps.drop_finished, workflow)


TEXT_FILES = (
    paths.REAL_TRAIN,
    paths.REAL_VALID,
    paths.REAL_TEST,
    paths.TOKENIZER,
    paths.DOCUMENTS,
)
VECTOR_FILES = (paths.REAL_TRAIN, paths.REAL_TEST)


# What later generations wait for goes first; measures, which only tables wait for, fill the gaps.
PRIORITY = {
    "real": 40,
    "pretrained": 40,
    "mix": 30,
    "train": 30,
    "sample": 30,
    "select": 30,
    "chain": 10,
}


def experiments_where(condition):
    """A wildcard constraint: the names of the experiments for which the condition holds, or one that nothing matches."""
    names = [
        name for name, experiment in CONFIG.experiments.items() if condition(experiment)
    ]
    return "|".join(names) or "(?!)"


def is_text(experiment):
    return experiment.is_text


def is_vectors(experiment):
    return not experiment.is_text


def has_pools(experiment):
    return experiment.has_pools


def is_pretrained(experiment):
    return experiment.pretrained is not None


def is_chain(experiment):
    return experiment.granularity == "chain"


def experiments_that_drop():
    """The same for a checkpoint's path: experiments followed by a generation whose checkpoint does not stay."""
    rest = paths.CHECKPOINT.partition("{experiment}")[2]
    found = []
    for name, chosen in CONFIG.experiments.items():
        dropped = [
            g for g in range(chosen.generations + 1) if not chosen.keeps_checkpoint(g)
        ]
        if dropped:
            numbers = "|".join(map(str, dropped))
            path = rest.format(
                regime=paths.NAME, seed=paths.NUMBER, generation=f"(?:{numbers})"
            )
            found.append(f"{name}(?={path})")
    return "|".join(found) or "(?!)"


def files(artefacts):
    """An input function that gives a role's artefacts without making their time stamps count."""

    def given(wildcards):
        return {
            role: [ancient(path) for path in paths_]
            for role, paths_ in artefacts(wildcards).items()
        }

    return given


def fingerprints(artefacts):
    """An input function that gives the fingerprints of the same artefacts: what the job really depends on."""

    def given(wildcards):
        return [
            paths.fingerprint(path)
            for paths_ in artefacts(wildcards).values()
            for path in paths_
        ]

    return given


def step_slice(step):
    """A params function: the step's slice of the config, and the hash of its code, as JSON."""

    def given(wildcards):
        key = (
            wildcards.experiment,
            wildcards.regime,
            int(wildcards.seed),
            int(wildcards.generation),
        )
        return slice_arguments.write(step(CONFIG, *key))

    return given


def asked(step):
    """What a job of this step asks a scheduler for; the machine at hand is asked for nothing."""

    def asks(wildcards, attempt):
        numbers = {
            name: int(wildcards[name])
            for name in ("seed", "generation")
            if name in wildcards.keys()
        }
        job = Job(step, wildcards.experiment, wildcards.get("regime", None), **numbers)
        return slurm.resources(estimate.request(CONFIG, job, attempt))

    def resource(name):
        def given(wildcards, attempt):
            return asks(wildcards, attempt).get(name)

        return given

    return {name: resource(name) for name in slurm.RESOURCES}


@cache
def is_cheap(experiment, regime, seed):
    chosen = CONFIG.experiments[experiment]
    on_one_machine = chosen.shards == 1 and chosen.num_nodes == 1
    return (
        on_one_machine
        and estimate.lineage_seconds(CONFIG, experiment, regime, seed) < CHEAP_SECONDS
    )


def grouped(wildcards):
    """The group that a scheduler is given as one job: a whole lineage if it is cheap. Local runs know no groups.

    All of a lineage or nothing: a costly step between grouped ones would make the group wait for itself.
    """
    experiment, regime, seed = wildcards.experiment, wildcards.regime, wildcards.seed
    cheap = is_cheap(experiment, regime, int(seed))
    return f"{experiment}_{regime}_{seed}" if cheap else None


def real_slice(wildcards):
    seed = int(wildcards.get("seed", 0))
    return slice_arguments.write(slices.real(CONFIG, wildcards.experiment, seed))


def chain_slice(wildcards):
    return slice_arguments.write(
        slices.chain(
            CONFIG, wildcards.experiment, wildcards.regime, int(wildcards.seed)
        )
    )


def at(pattern, wildcards, generation):
    """The artefact of another generation of the same lineage; generation 0 is the origin's."""
    return paths.fill(
        pattern, wildcards.experiment, wildcards.regime, wildcards.seed, generation
    )


def real(pattern, wildcards):
    """The real data that a lineage is given: those that its seed drew, where each seed draws its own."""
    pool = CONFIG.experiments[wildcards.experiment].pool_of(int(wildcards.seed))
    return paths.real(pattern, wildcards.experiment, pool)


def pretrained_slice(wildcards):
    return slice_arguments.write(slices.pretrained(CONFIG, wildcards.experiment))


def mix_artefacts(wildcards):
    """The real pool; after generation 0, the original set and the synthetic sets that the regime asks for, oldest first."""
    generation = int(wildcards.generation)
    pool = real(paths.REAL_TRAIN, wildcards)
    if (
        generation == 0
    ):  # the empty case: nobody ever asks to sample generation 0, so the recursion ends by itself
        return {"pool": [pool], "original": [], "synthetic": []}
    first = {"latest": generation, "all": 1, "none": generation + 1}[
        CONFIG.regimes[wildcards.regime].synthetic
    ]
    offered = (
        paths.SELECTED if CONFIG.regimes[wildcards.regime].select else paths.SYNTHETIC
    )
    synthetic = [at(offered, wildcards, g) for g in range(first, generation + 1)]
    return {
        "pool": [pool],
        "original": [at(paths.TRAIN, wildcards, 0)],
        "synthetic": synthetic,
    }


def train_artefacts(wildcards):
    """The training set, the checkpoint whose weights the training begins from, and the real rows that choose the best epoch."""
    generation = int(wildcards.generation)
    experiment = CONFIG.experiments[wildcards.experiment]
    start = experiment.family.training.begins_from
    begun = {"origin": 0, "previous": generation - 1}.get(start) if generation else None
    if begun is not None:
        given = [at(paths.CHECKPOINT, wildcards, begun)]
    else:  # a pretrained model gives its architecture, too, where weights are new
        given = [at(paths.PRETRAINED, wildcards, 0)] if experiment.pretrained else []
    return {
        "train": [at(paths.TRAIN, wildcards, generation)],
        "start": given,
        "valid": (
            [at(paths.REAL_VALID, wildcards, 0)] if experiment.family.validates else []
        ),
    }


def sample_artefacts(wildcards):
    """The parent's checkpoint and training set; for text the tokenizer, the original set where rows are continued or edited, and who
    judges an edit."""
    experiment = CONFIG.experiments[wildcards.experiment]
    parent = int(wildcards.generation) - 1
    edits = CONFIG.regimes[wildcards.regime].edit is not None
    reads = edits or experiment.continues_rows
    tokenizer = paths.fill(paths.TOKENIZER, wildcards.experiment)
    return {
        "checkpoint": [at(paths.CHECKPOINT, wildcards, parent)],
        "train": [at(paths.TRAIN, wildcards, parent)],
        "prompts": [at(paths.TRAIN, wildcards, 0)] if reads else [],
        "tokenizer": [tokenizer] if experiment.is_text else [],
        "judge": [at(paths.CHECKPOINT, wildcards, 0)] if edits else [],
    }


def shard_markers(wildcards):
    """What the jobs leave that a synthetic set is shared out to, if it is."""
    experiment = CONFIG.experiments[wildcards.experiment]
    key = (
        wildcards.experiment,
        wildcards.regime,
        wildcards.seed,
        wildcards.generation,
    )
    return paths.shards(*key, experiment.shards)


def synthetic_of_shard(wildcards):
    return at(paths.SYNTHETIC, wildcards, wildcards.generation)


def num_shards(wildcards):
    return CONFIG.experiments[wildcards.experiment].shards


def num_processes(wildcards):
    return CONFIG.experiments[wildcards.experiment].num_processes


def num_writers(wildcards):
    """Processes of a job that writes a whole synthetic set; where its shards have written it, one gathers."""
    return num_processes(wildcards) if num_shards(wildcards) == 1 else 1


def machines(step):
    """How many machines share a job of this step: one, where Snakemake runs it itself, though it be in a Slurm job of its user."""

    def given(wildcards):
        if workflow.is_main_process and workflow.local_exec:
            return 1
        return estimate.machines(CONFIG.experiments[wildcards.experiment], step)

    return given


def threads_of(step):
    """Threads of a job's processes on one machine."""

    def given(wildcards):
        experiment = CONFIG.experiments[wildcards.experiment]
        return CONFIG.num_threads * estimate.processes_on_a_machine(experiment, step)

    return given


def select_artefacts(wildcards):
    """The synthetic set and the origin that judges it; for a detector the parent, too."""
    parent = at(paths.CHECKPOINT, wildcards, int(wildcards.generation) - 1)
    compares = CONFIG.regimes[wildcards.regime].select.by == "detector"
    return {
        "synthetic": [at(paths.SYNTHETIC, wildcards, wildcards.generation)],
        "origin": [at(paths.CHECKPOINT, wildcards, 0)],
        "parent": [parent] if compares else [],
    }


def evaluate_artefacts(wildcards):
    """Model, training and synthetic set of the generation, held-out and original rows, and the origin's model."""
    generation = int(wildcards.generation)
    return {
        "checkpoint": [at(paths.CHECKPOINT, wildcards, generation)],
        "train": [at(paths.TRAIN, wildcards, generation)],
        "synthetic": [at(paths.SYNTHETIC, wildcards, generation)] if generation else [],
        "held_out": [real(paths.REAL_TEST, wildcards)],
        "original": [at(paths.TRAIN, wildcards, 0)],
        "origin": [at(paths.CHECKPOINT, wildcards, 0)],
    }


def chain_artefacts(wildcards):
    """Real rows, and the origin that the lineage starts from."""
    return {
        "pool": [real(paths.REAL_TRAIN, wildcards)],
        "held_out": [real(paths.REAL_TEST, wildcards)],
        "original": [at(paths.TRAIN, wildcards, 0)],
        "checkpoint": [at(paths.CHECKPOINT, wildcards, 0)],
    }


def every_measure(wildcards):
    """What the config asks for: every generation's metrics, or a whole lineage's trajectory and its origin's metrics."""
    return [paths.fingerprint(path) for path in measure_files(wildcards)]


def every_page(wildcards):
    return [page.PAGE, *figures.pages(CONFIG)]


def measure_files(wildcards):
    return [path for _, path in tables.measure_files(CONFIG)]


def compared(wildcards):
    """The first and the last synthetic set of an arm's first seed."""
    experiment = CONFIG.experiments[wildcards.experiment]
    key = (wildcards.experiment, wildcards.regime, experiment.seeds[0])
    return [paths.fill(paths.SYNTHETIC, *key, g) for g in (1, experiment.generations)]


def compared_fingerprints(wildcards):
    return [paths.fingerprint(path) for path in compared(wildcards)]
