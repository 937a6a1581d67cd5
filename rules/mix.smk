# Mix. Needs: the real pool; after generation 0 also the original set and the synthetic sets of the regime.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/train.parquet. Model g is trained on train g.


rule mix:
    """Mix the training set of a generation."""
    input:
        unpack(files(mix_artefacts)),
        fingerprints=fingerprints(mix_artefacts),
    output:
        train=paths.TRAIN,
        manifest=paths.manifest(paths.TRAIN),
        fingerprint=paths.fingerprint(paths.TRAIN),
    log:
        paths.log("mix", paths.TRAIN),
    priority: PRIORITY["mix"]
    group:
        grouped
    resources:
        **asked("mix"),
    params:
        slice=step_slice(slices.mix),
    shell:
        "heirloom mix --slice {params.slice:q} --pool {input.pool} --original '{input.original}'"
        " --synthetic '{input.synthetic}' --train {output.train} 2> {log}"
