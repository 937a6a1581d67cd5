# Real data. Needs: the source that the config names.
# Leaves: data/{experiment}/real/{train,valid,test}.parquet, tokenizer.json and documents.parquet for text; {train,test}.parquet
# for vectors. Where rows are drawn from a law, those of each further seed are in data/{experiment}/real/seed={seed}/.
REAL = RUN.rule("real")


rule real_text:
    """Read, divide by document, fit the tokenizer on the training split and cut rows."""
    output:
        **REAL.outputs(),
    log:
        REAL.log,
    wildcard_constraints:
        experiment=RUN.text_experiments,
    priority: REAL.priority
    resources:
        **REAL.resources,
    params:
        slice=REAL.slice,
    shell:
        "heirloom real --slice {params.slice:q} --train {output.train} --valid {output.valid} --test {output.test}"
        " --tokenizer {output.tokenizer} --documents {output.documents} 2> {log}"


rule real_vectors:
    """Draw the pool and the held-out rows: of a known law, or of images."""
    output:
        **REAL.outputs("train", "test"),
    log:
        REAL.log,
    wildcard_constraints:
        experiment=RUN.vector_experiments,
    priority: REAL.priority
    resources:
        **REAL.resources,
    params:
        slice=REAL.slice,
    shell:
        "heirloom real --slice {params.slice:q} --train {output.train} --test {output.test} 2> {log}"


use rule real_vectors as real_vectors_of_seed with:
    output:
        **REAL.outputs("train", "test", of_seed=True),
    log:
        REAL.log_of_seed,
    wildcard_constraints:
        experiment=RUN.pool_experiments,
        seed="[1-9][0-9]*",
