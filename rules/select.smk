# Select. Needs: the generation's synthetic set, and what its judges look at: the origin's checkpoint, the parent's, those of other
# experiments, the origin's training set.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/selected.parquet, for regimes with `select`. Mix then takes it
# instead of synthetic.parquet.
SELECT = RUN.rule("select")


rule select:
    """Keep the synthetic rows that the judges let pass."""
    input:
        unpack(SELECT.inputs),
    output:
        **SELECT.outputs(),
    log:
        SELECT.log,
    priority: SELECT.priority
    group:
        SELECT.group
    threads: SELECT.threads
    resources:
        **SELECT.resources,
    params:
        slice=SELECT.slice,
    shell:
        "heirloom select --slice {params.slice:q} --synthetic {input.synthetic} --origin '{input.origin}'"
        " --parent '{input.parent}' --judges '{input.judges}' --original '{input.original}' --selected {output.selected} 2> {log}"
