# Blend, for regimes with `repair`. Needs: the checkpoint and its base. Leaves: …/repaired/, which later steps take in its place.
BLEND = RUN.rule("blend")


rule blend:
    """Repair the model of a generation."""
    input:
        unpack(BLEND.inputs),
    output:
        **BLEND.outputs(),
    log:
        BLEND.log,
    priority: BLEND.priority
    group:
        BLEND.group
    threads: BLEND.threads
    resources:
        **BLEND.resources,
    params:
        slice=BLEND.slice,
    shell:
        "heirloom blend --slice {params.slice:q} --checkpoint {input.checkpoint} --base {input.base} --repaired {output.repaired} 2> {log}"


use rule blend as blend_in_passing with:
    output:
        **BLEND.outputs(is_kept=False),
    wildcard_constraints:
        experiment=RUN.dropped_models(kinds.REPAIRED),


ruleorder: blend_in_passing > blend
