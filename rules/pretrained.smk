# Pretrained. Needs: the model that the config names, on the hub, in a local folder or in an installed package.
# Leaves: data/{experiment}/real/pretrained/, a folder of safetensors and JSON: the weights that generation 0 begins from.
PRETRAINED = RUN.rule("pretrained")


rule pretrained:
    """Fetch the pretrained model that an experiment begins from."""
    output:
        **PRETRAINED.outputs(),
    log:
        PRETRAINED.log,
    wildcard_constraints:
        experiment=PRETRAINED.experiments,
    priority: PRETRAINED.priority
    threads: PRETRAINED.threads
    resources:
        **PRETRAINED.resources,
    params:
        slice=PRETRAINED.slice,
    shell:
        "heirloom pretrained --slice {params.slice:q} --checkpoint {output.checkpoint} 2> {log}"
