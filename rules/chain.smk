# Chain: a whole lineage as one job, for experiments with `granularity: chain`; or all lineages of a population, by a rule of its own.
# Needs: real rows and origin, of each member. Leaves: data/{experiment}/{regime}/seed={seed}/trajectory.parquet, and the snapshots in the
# folders of their generations. The manifest of the trajectory names them, and has the hashes of all generations.
for CHAIN in RUN.rules("chain"):

    rule:
        """Run all generations of a lineage, or of a population, in one job."""
        name:
            CHAIN.name
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
            "heirloom chain --slice {params.slice:q} --pool '{input.pool}' --held-out '{input.held_out}' --original '{input.original}'"
            " --checkpoint '{input.checkpoint}' --judges '{input.judges}' --trajectory '{output.trajectory}' 2> {log}"
