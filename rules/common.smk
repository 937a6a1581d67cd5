# The run: its config, read and checked, and the steps as rules see them (`heirloom.snakefile`). No rule and no function. `RUN.rule("mix")`
# has `inputs`, `outputs`, `log`, `slice`, `resources`, `group`, which follow from the step's one declaration; a rule adds its command.
from heirloom.snakefile import run

RUN = run.start(workflow)
CONFIG = RUN.config
RESULTS = CONFIG.results
CONFIG_FILE = RUN.config_file
