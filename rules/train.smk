# Train. Needs: the generation's training set, and the checkpoint from which it starts (origin, previous, pretrained or none). Where
# real rows choose the best epoch, it needs those rows, too.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/checkpoint/, a folder of safetensors and JSON. One that
# `keep_checkpoints` does not keep is deleted after the last job of the run that needs it. Its manifest and fingerprint stay.
# `exec`: a scheduler's SIGTERM must reach the training, which saves. A shell in between would end first, and end the job with it.
TRAIN = RUN.rule("train")


rule train:
    """Train the model of a generation."""
    input:
        unpack(TRAIN.inputs),
    output:
        **TRAIN.outputs(),
    log:
        TRAIN.log,
    priority: TRAIN.priority
    group:
        TRAIN.group
    conda:
        TRAIN.conda
    container:
        TRAIN.container
    threads: TRAIN.threads
    resources:
        **TRAIN.resources,
        num_nodes=TRAIN.machines,
    params:
        slice=TRAIN.slice,
    shell:
        "exec heirloom train --slice {params.slice:q} --train {input.train} --start '{input.start}'"
        " --valid '{input.valid}' --checkpoint {output.checkpoint} --num-nodes {resources.num_nodes} 2> {log}"


use rule train as train_in_passing with:
    output:
        **TRAIN.outputs(is_kept=False),
    wildcard_constraints:
        experiment=RUN.dropped_models(kinds.CHECKPOINT),


ruleorder: train_in_passing > train
