# What exists in the end, and where to read on. Generations: rules/; what runs: config.yaml; machine facts: profiles/.
#
#   snakemake                                      the default experiments of config.yaml
#   snakemake -n                                   what would run, and why
#   snakemake --configfile configs/lm.yaml         a preset replaces the default, it never merges with it
#
# Data:    data/{experiment}/{regime}/seed={seed}/gen={generation}/{synthetic.parquet,train.parquet,checkpoint/,metrics.json}
#          data/{experiment}/real/{train.parquet,test.parquet,…}; pools of seeds from 1 on, where rows are drawn from a law: real/seed={seed}/
# Results: results/{metrics.parquet,metrics.json,plots/,figures/}
import sys

from snakemake.utils import min_version

from heirloom import paths

min_version("9.27")
sys.setrecursionlimit(
    60_000
)  # building the DAG of a chain recurses once a step: 1,000 generations need about 10,000 frames, 13,000 with `select`

if len(workflow.included_stack) > 1:
    sys.exit(
        "heirloom: this Snakefile is imported by another one (`module` or `include`), where its onstart, onsuccess and onerror"
        " do not run or can be replaced, so that nothing would be checked before the run or recorded after it; a config is one"
        " file, too, which git can keep: run `snakemake --snakefile` with this file itself, and `--configfile` with yours"
    )

# Snakemake's own statement `configfile:` would read the default before us and end in a traceback on YAML that PyYAML refuses;
# rules/common.smk reads it. What --configfile names is read by Snakemake before this file: the profiles look at it first.
if not workflow.configfiles:
    workflow.configfiles.append("config.yaml")


wildcard_constraints:
    experiment=paths.NAME,
    regime=paths.NAME,
    seed=paths.NUMBER,
    generation=paths.NUMBER,
    shard=paths.NUMBER,


report: "docs/report/workflow.rst"


include: "rules/common.smk"


localrules:
    all,
    pages,


rule all:
    input:
        every_measure,
        "results/metrics.json",
        "results/figures/index.json",


rule pages:
    """What `make report` shows beside the figures: pages that are made from the data again at any time, and not kept in git."""
    input:
        every_page,


include: "rules/real.smk"
include: "rules/pretrained.smk"
include: "rules/mix.smk"
include: "rules/train.smk"
include: "rules/sample.smk"
include: "rules/select.smk"
include: "rules/evaluate.smk"
include: "rules/chain.smk"
include: "rules/report.smk"


onstart:
    atexit.unregister(ending.after_nothing)
    unrecorded.mark()
    if workflow.local_exec:
        # Snakemake 9.27 looks at the whole queue again a second after each finished job, and from then on every second: 40 % of a core
        # after a hundred jobs (docs/log.md). Jobs on this machine need no limit to how fast they are started.
        workflow.scheduler.job_rate_limiter = None
    if sealed_steps.is_forced(workflow.dag_settings):
        sealed_steps.empty()
    if workflow.executor_plugin.name == "slurm":
        accounting.check(workflow.executor_settings)
    ending.check(CONFIG_FILE)


onsuccess:
    sealed_steps.empty()
    ending.record_complete(CONFIG_FILE)
    atexit.register(ending.name_missing, CONFIG)


onerror:
    executor = getattr(workflow.scheduler, "_executor", None)
    run_id = getattr(executor, "run_uuid", None)
    if run_id:
        # Interrupted while it asks after its jobs, Slurm's plugin (2.8) cancels none of them; all bear the name of this run.
        shell("scancel --name {run_id:q} || true")
    ending.record(CONFIG_FILE)
