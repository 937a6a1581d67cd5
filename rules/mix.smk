# Mix. Needs: the real pool, and after generation 0 also the original set and the synthetic sets of the regime.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/train.parquet. Model g is trained on train g.
MIX = RUN.rule("mix")


rule mix:
    """Mix the training set of a generation."""
    input:
        unpack(MIX.inputs),
    output:
        **MIX.outputs(),
    log:
        MIX.log,
    priority: MIX.priority
    group:
        MIX.group
    resources:
        **MIX.resources,
    params:
        slice=MIX.slice,
    shell:
        "heirloom mix --slice {params.slice:q} --pool {input.pool} --original '{input.original}'"
        " --synthetic '{input.synthetic}' --train {output.train} 2> {log}"
