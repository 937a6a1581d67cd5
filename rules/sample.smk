# Sample. Needs: the parent's checkpoint and training set; for text the tokenizer, the original set (prompts, or rows to edit) and the
# judge of an edit.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/synthetic.parquet. Synthetic g is sampled from model g - 1.


rule sample:
    """Sample the synthetic set of a generation from its parent."""
    input:
        unpack(files(sample_artefacts)),
        fingerprints=fingerprints(sample_artefacts),
    output:
        synthetic=paths.SYNTHETIC,
        manifest=paths.manifest(paths.SYNTHETIC),
        fingerprint=paths.fingerprint(paths.SYNTHETIC),
    log:
        paths.log("sample", paths.SYNTHETIC),
    benchmark:
        paths.benchmark("sample", paths.SYNTHETIC)
    priority: PRIORITY["sample"]
    threads: CONFIG.num_threads
    resources:
        **asked("sample"),
    params:
        slice=step_slice(slices.sample),
    shell:
        "heirloom sample --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train}"
        " --prompts '{input.prompts}' --tokenizer '{input.tokenizer}' --judge '{input.judge}'"
        " --synthetic {output.synthetic} 2> {log}"
