# Evaluate. Needs: the generation's checkpoint, training set and synthetic set, the held-out and the original real rows, and the
# origin's checkpoint; where rows are a prompt and its completion, the tokenizer; where a column of text tells groups, the index of
# documents.
# Leaves: data/{experiment}/{regime}/seed={seed}/gen={generation}/metrics.json, {measure: number}.
EVALUATE = RUN.rule("evaluate")


rule evaluate:
    """Measure the model and the synthetic set of a generation."""
    input:
        unpack(EVALUATE.inputs),
    output:
        **EVALUATE.outputs(),
    log:
        EVALUATE.log,
    group:
        EVALUATE.group
    conda:
        EVALUATE.conda
    container:
        EVALUATE.container
    threads: EVALUATE.threads
    resources:
        **EVALUATE.resources,
    params:
        slice=EVALUATE.slice,
    shell:
        "heirloom evaluate --slice {params.slice:q} --checkpoint {input.checkpoint} --train {input.train} --synthetic '{input.synthetic}'"
        " --held-out {input.held_out} --original {input.original} --origin {input.origin} --tokenizer '{input.tokenizer}'"
        " --documents '{input.documents}' --metrics {output.metrics} 2> {log}"
