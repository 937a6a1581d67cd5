# Sample. Needs: the parent's checkpoint and training set. For text it needs the tokenizer, the original set (prompts, or rows to
# edit) and the judge of an edit. Where the rows are divided into shards, it needs the markers of the shards.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/synthetic.parquet. Synthetic g is sampled from model g - 1.
from heirloom.artefacts import paths

SAMPLE = RUN.rule("sample")


rule sample_shard:
    """Sample a shard's rows of a synthetic set, and leave them in its resume state for the job that gathers."""
    input:
        unpack(SAMPLE.inputs),
    output:
        done=temp(touch(paths.SHARD)),
    log:
        paths.log("sample_shard", paths.SHARD),
    priority: SAMPLE.priority
    threads: SAMPLE.threads
    resources:
        **SAMPLE.resources,
        num_processes=SAMPLE.processes,
    params:
        slice=SAMPLE.slice,
        shards=SAMPLE.num_shards,
        synthetic=SAMPLE.main_output,
    shell:
        "heirloom sample --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train}"
        " --prompts '{input.prompts}' --tokenizer '{input.tokenizer}' --judge '{input.judge}' --synthetic {params.synthetic}"
        " --num-processes {resources.num_processes} --shard {wildcards.shard} --shards {params.shards} 2> {log}"


rule sample:
    """Sample the synthetic set of a generation from its parent, or gather what its shards have sampled."""
    input:
        unpack(SAMPLE.inputs),
        shards=SAMPLE.shards,
    output:
        **SAMPLE.outputs(),
    log:
        SAMPLE.log,
    priority: SAMPLE.priority
    group:
        SAMPLE.group
    conda:
        SAMPLE.conda
    container:
        SAMPLE.container
    threads: SAMPLE.threads
    resources:
        **SAMPLE.resources,
        num_processes=SAMPLE.gatherers,
        num_nodes=SAMPLE.machines,
    params:
        slice=SAMPLE.slice,
    shell:
        "heirloom sample --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train}"
        " --prompts '{input.prompts}' --tokenizer '{input.tokenizer}' --judge '{input.judge}' --synthetic {output.synthetic}"
        " --num-processes {resources.num_processes} --num-nodes {resources.num_nodes} 2> {log}"
