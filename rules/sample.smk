# Sample. Needs: the parent's checkpoint and training set; for text the tokenizer, the original set (prompts, or rows to edit) and the
# judge of an edit; the markers of the shards, where the rows are shared out.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/synthetic.parquet. Synthetic g is sampled from model g - 1.


rule sample_shard:
    """Sample a shard's rows of a synthetic set, and leave them in its resume state for the job that gathers."""
    input:
        unpack(files(sample_artefacts)),
        fingerprints=fingerprints(sample_artefacts),
    output:
        done=temp(touch(paths.SHARD)),
    log:
        paths.log("sample_shard", paths.SHARD),
    priority: PRIORITY["sample"]
    threads: threads_of("sample")
    resources:
        **asked("sample"),
        num_processes=num_processes,
    params:
        slice=step_slice(slices.sample),
        shards=num_shards,
        synthetic=synthetic_of_shard,
    shell:
        "heirloom sample --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train}"
        " --prompts '{input.prompts}' --tokenizer '{input.tokenizer}' --judge '{input.judge}' --synthetic {params.synthetic}"
        " --num-processes {resources.num_processes} --shard {wildcards.shard} --shards {params.shards} 2> {log}"


rule sample:
    """Sample the synthetic set of a generation from its parent, or gather what its shards have sampled."""
    input:
        unpack(files(sample_artefacts)),
        fingerprints=fingerprints(sample_artefacts),
        shards=shard_markers,
    output:
        synthetic=paths.SYNTHETIC,
        manifest=paths.manifest(paths.SYNTHETIC),
        fingerprint=paths.fingerprint(paths.SYNTHETIC),
    log:
        paths.log("sample", paths.SYNTHETIC),
    priority: PRIORITY["sample"]
    group:
        grouped
    threads: threads_of("sample")
    resources:
        **asked("sample"),
        num_processes=num_writers,
        num_nodes=machines("sample"),
    params:
        slice=step_slice(slices.sample),
    shell:
        "heirloom sample --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train}"
        " --prompts '{input.prompts}' --tokenizer '{input.tokenizer}' --judge '{input.judge}' --synthetic {output.synthetic}"
        " --num-processes {resources.num_processes} --num-nodes {resources.num_nodes} 2> {log}"
