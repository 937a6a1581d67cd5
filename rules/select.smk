# Select. Needs: the generation's synthetic set, the origin's checkpoint, and for a detector the parent's.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/selected.parquet, for regimes with `select`: mix then takes it in place
# of synthetic.parquet.


rule select:
    """Keep the synthetic rows that a judge lets pass."""
    input:
        unpack(files(select_artefacts)),
        fingerprints=fingerprints(select_artefacts),
    output:
        selected=paths.SELECTED,
        manifest=paths.manifest(paths.SELECTED),
        fingerprint=paths.fingerprint(paths.SELECTED),
    log:
        paths.log("select", paths.SELECTED),
    priority: PRIORITY["select"]
    group:
        grouped
    threads: CONFIG.num_threads
    resources:
        **asked("select"),
    params:
        slice=step_slice(slices.select),
    shell:
        "heirloom select --slice {params.slice:q} --synthetic {input.synthetic} --origin {input.origin}"
        " --parent '{input.parent}' --selected {output.selected} 2> {log}"
