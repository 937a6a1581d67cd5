"""What the Snakefile and ``rules/`` call.

`run` is the start and the end of a run, `rule` what a rule asks of its step, `private` all that is not documented of Snakemake.
"""
