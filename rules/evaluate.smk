# Evaluate. Needs: the generation's checkpoint, training and synthetic set, held-out and original real rows, and the origin's checkpoint.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/metrics.json, {measure: number}.


rule evaluate:
    """Measure the model and the synthetic set of a generation."""
    input:
        unpack(files(evaluate_artefacts)),
        fingerprints=fingerprints(evaluate_artefacts),
    output:
        metrics=paths.METRICS,
        manifest=paths.manifest(paths.METRICS),
        fingerprint=paths.fingerprint(paths.METRICS),
    log:
        paths.log("evaluate", paths.METRICS),
    group:
        grouped
    threads: CONFIG.num_threads
    resources:
        **asked("evaluate"),
    params:
        slice=step_slice(slices.evaluate),
    shell:
        "heirloom evaluate --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train} --synthetic '{input.synthetic}'"
        " --held-out {input.held_out} --original {input.original} --origin {input.origin} --metrics {output.metrics} 2> {log}"
