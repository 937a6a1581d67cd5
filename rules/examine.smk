# Examine. Needs: the checkpoint and the tokenizer. Leaves: task_items.parquet and task_scores.json beside the checkpoint.
EXAMINE = RUN.rule("examine")


rule examine:
    """Put the tasks of an experiment to the model of a generation."""
    input:
        unpack(EXAMINE.inputs),
    output:
        **EXAMINE.outputs(),
    log:
        EXAMINE.log,
    threads: EXAMINE.threads
    resources:
        **EXAMINE.resources,
    params:
        slice=EXAMINE.slice,
    shell:
        "heirloom examine --slice {params.slice:q} --checkpoint {input.checkpoint} --tokenizer {input.tokenizer}"
        " --task-items {output.task_items} --task-scores {output.task_scores} 2> {log}"
