# What exists in the end, and where to read on. Generations: rules/; what runs: config.yaml; machine facts: profiles/.
# Data:    data/{experiment}/{regime}/seed={seed}/gen={generation}/{synthetic.parquet,train.parquet,checkpoint/,metrics.json}
#          data/{experiment}/real/{train.parquet,test.parquet,…}; pools of seeds from 1 on, where rows are drawn from a law: real/seed={seed}/
# Results: results/{metrics.parquet,metrics.json,plots/,figures/}; of another config than config.yaml: results/<its name>/…
from snakemake.utils import min_version

from heirloom.artefacts import kinds

min_version("9.27")


wildcard_constraints:
    **kinds.WILDCARDS,
    shard=kinds.NUMBER,


report: "docs/report/workflow.rst"


include: "rules/common.smk"


container: RUN.container


rule all:
    input:
        RUN.every_measure,
        RESULTS.headlines,
        RESULTS.figure_index,


rule pages:
    """What `make report` shows beside the figures: pages that are made from the data again at any time, and not kept in git."""
    input:
        RUN.every_page,


# one file a step, in the order of `heirloom.workflow.steps`
for name in RUN.steps:

    include: f"rules/{name}.smk"


include: "rules/report.smk"


onstart:
    RUN.on_start()


onsuccess:
    RUN.on_success()


onerror:
    RUN.on_error()
