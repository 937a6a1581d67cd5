# Real data. Needs: the source named in config.
# Leaves: data/{experiment}/real/{train,valid,test}.parquet, tokenizer.json and documents.parquet for text, {train,test}.parquet for vectors,
# and where rows are drawn from a law, those of each further seed in data/{experiment}/real/seed={seed}/.


rule real_text:
    """Read, divide by document, fit the tokenizer on the training split and cut rows."""
    output:
        train=paths.REAL_TRAIN,
        valid=paths.REAL_VALID,
        test=paths.REAL_TEST,
        tokenizer=paths.TOKENIZER,
        documents=paths.DOCUMENTS,
        notes=[
            note(p) for p in TEXT_FILES for note in (paths.fingerprint, paths.manifest)
        ],
    log:
        paths.log("real", paths.REAL_TRAIN),
    wildcard_constraints:
        experiment=experiments_where(is_text),
    priority: PRIORITY["real"]
    resources:
        **asked("real"),
    params:
        slice=real_slice,
    shell:
        "heirloom real --slice {params.slice:q} --train {output.train} --valid {output.valid} --test {output.test}"
        " --tokenizer {output.tokenizer} --documents {output.documents} 2> {log}"


rule real_vectors:
    """Draw the pool and the held-out rows: of a known law, or of images."""
    output:
        train=paths.REAL_TRAIN,
        test=paths.REAL_TEST,
        notes=[
            note(p)
            for p in VECTOR_FILES
            for note in (paths.fingerprint, paths.manifest)
        ],
    log:
        paths.log("real", paths.REAL_TRAIN),
    wildcard_constraints:
        experiment=experiments_where(is_vectors),
    priority: PRIORITY["real"]
    resources:
        **asked("real"),
    params:
        slice=real_slice,
    shell:
        "heirloom real --slice {params.slice:q} --train {output.train} --test {output.test} 2> {log}"


use rule real_vectors as real_vectors_of_seed with:
    output:
        train=paths.SEED_TRAIN,
        test=paths.SEED_TEST,
        notes=[
            note(p)
            for p in (paths.SEED_TRAIN, paths.SEED_TEST)
            for note in (paths.fingerprint, paths.manifest)
        ],
    log:
        paths.log("real", paths.SEED_TRAIN),
    wildcard_constraints:
        experiment=experiments_where(has_pools),
        seed="[1-9][0-9]*",
