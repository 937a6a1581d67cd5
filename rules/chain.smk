# Chain: a whole lineage as one job, for experiments with `granularity: chain`. Needs: the real rows and the origin.
# Leaves: data/{experiment}/{regime}/seed={seed}/trajectory.parquet, and the datasets and checkpoints of the snapshots in the
# folders of their generations. The manifest of the trajectory names them, and has the hashes of all generations.
CHAIN = RUN.rule("chain")


rule chain:
    """Run all generations of a lineage in one job."""
    input:
        unpack(CHAIN.inputs),
    output:
        **CHAIN.outputs(),
    log:
        CHAIN.log,
    wildcard_constraints:
        experiment=CHAIN.experiments,
    priority: CHAIN.priority
    conda:
        CHAIN.conda
    container:
        CHAIN.container
    threads: CHAIN.threads
    resources:
        **CHAIN.resources,
    params:
        slice=CHAIN.slice,
    shell:
        "heirloom chain --slice {params.slice:q} --pool {input.pool} --held-out {input.held_out}"
        " --original {input.original} --checkpoint {input.checkpoint} --judges '{input.judges}' --trajectory {output.trajectory} 2> {log}"
