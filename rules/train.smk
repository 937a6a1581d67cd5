# Train. Needs: the generation's training set, and the checkpoint it starts from (origin, previous, pretrained or none); where real rows choose
# the best epoch, those.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/checkpoint/, a folder of safetensors and JSON. One that `keep_checkpoints`
# does not keep goes when the last job of the run that needs it has ended; its manifest and its fingerprint stay.
# `exec`: a scheduler's SIGTERM is for the training, which saves; a shell in between would end first, and the job with it.


rule train:
    """Train the model of a generation."""
    input:
        unpack(files(train_artefacts)),
        fingerprints=fingerprints(train_artefacts),
    output:
        checkpoint=directory(paths.CHECKPOINT),
        manifest=paths.manifest(paths.CHECKPOINT),
        fingerprint=paths.fingerprint(paths.CHECKPOINT),
    log:
        paths.log("train", paths.CHECKPOINT),
    priority: PRIORITY["train"]
    group:
        grouped
    threads: threads_of("train")
    resources:
        **asked("train"),
        num_nodes=machines("train"),
    params:
        slice=step_slice(slices.train),
    shell:
        "exec heirloom train --slice {params.slice:q} --train {input.train} --start '{input.start}'"
        " --valid '{input.valid}' --checkpoint {output.checkpoint} --num-nodes {resources.num_nodes} 2> {log}"


use rule train as train_in_passing with:
    output:
        checkpoint=temp(directory(paths.CHECKPOINT)),
        manifest=paths.manifest(paths.CHECKPOINT),
        fingerprint=paths.fingerprint(paths.CHECKPOINT),
    wildcard_constraints:
        experiment=experiments_that_drop(),


ruleorder: train_in_passing > train
