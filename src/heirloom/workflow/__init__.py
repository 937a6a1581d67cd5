"""The workflow as it is declared: its steps, what each takes and makes, and what the rules of Snakemake ask of that.

`steps` holds `STEPS`, `step` says what a step is, `inputs` finds what a step takes, `jobs` lists the jobs of a config, `snakefile` is what
``rules/`` call, `private_snakemake` all that is not documented of Snakemake.
"""
