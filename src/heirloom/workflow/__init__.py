"""The workflow as it is declared: its steps, what each takes and makes, and where that lies.

`steps` holds `STEPS`, `step` says what a step is, `inputs` finds what a step takes, `jobs` lists the jobs of a config, `folders` tells
lineages and units by their paths. What Snakemake's rules ask of that is in `heirloom.snakefile`.
"""
