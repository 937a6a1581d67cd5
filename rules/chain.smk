# Chain: a whole lineage as one job, for experiments with `granularity: chain`. Needs: the real rows and the origin.
# Leaves: data/{experiment}/{regime}/seed={seed}/trajectory.parquet, and the datasets and checkpoints of the snapshots in their
# generations' folders (named in the trajectory's manifest, hashes of all generations too).


rule chain:
    """Run all generations of a lineage in one job."""
    input:
        unpack(files(chain_artefacts)),
        fingerprints=fingerprints(chain_artefacts),
    output:
        trajectory=paths.TRAJECTORY,
        manifest=paths.manifest(paths.TRAJECTORY),
        fingerprint=paths.fingerprint(paths.TRAJECTORY),
    log:
        paths.log("chain", paths.TRAJECTORY),
    wildcard_constraints:
        experiment=experiments_where(is_chain),
    priority: PRIORITY["chain"]
    threads: CONFIG.num_threads
    resources:
        **asked("chain"),
    params:
        slice=chain_slice,
    shell:
        "heirloom chain --slice {params.slice:q} --pool {input.pool} --held-out {input.held_out}"
        " --original {input.original} --checkpoint {input.checkpoint} --trajectory {output.trajectory} 2> {log}"
