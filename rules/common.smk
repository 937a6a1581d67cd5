# The run: its config, read and checked, and what the rules ask of their steps (`heirloom.snakefile`). No rule and no function.
# `RUN.rule("mix")` is the step `mix` of `heirloom.workflow.steps` as its rule sees it: `inputs`, `outputs`, `log`, `slice`,
# `resources`, `group` follow from the step's one declaration. A rule says what command is run, and what is particular to it.
from heirloom.snakefile import run

RUN = run.start(workflow)
CONFIG = RUN.config
RESULTS = CONFIG.results
CONFIG_FILE = RUN.config_file
