"""The largest sizes that a config may ask for: far above every use, and small enough that all arithmetic on them ends at once.

A run that fits them may still be too large for a machine; `heirloom plan` says what it takes.
"""

from __future__ import annotations

MOST_ROWS = 1_000_000_000
"""Rows of a dataset, a replica; also documents, and words of a paragraph."""
MOST_NUMBERS = 100_000_000_000
"""Numbers (or tokens) of a dataset, all replicas together."""
MOST_GENERATIONS = 100_000
MOST_STEP_GENERATIONS = 4_000
"""Generations of a lineage whose every step is a job: Snakemake builds their graph by recursion (`sys.setrecursionlimit` in Snakefile)."""
MOST_JOBS = 1_000_000
"""Generations of all lineages together, those that shards share out counted a shard."""
MOST_EXPERIMENTS = 5_000
"""Experiments of a config, each variant of a grid counted as one."""
MOST_SEED = 2**53 - 1
"""The largest integer that every reader of our tables and pages tells from its neighbours."""
MOST_REPLICAS = 1_000_000
MOST_MEMBERS = 64
"""Members of a population: the jobs of a generation take the rows of all."""
MOST_DIMENSIONS = 10_000
"""Numbers of a row, components of a mixture, dimensions of a latent space: their squares fit into memory."""
MNIST_PIXELS = 28 * 28
"""Numbers of an image of handwritten digits."""
MOST_TYPES = 10_000_000
"""Types of a categorical law."""
MOST_TOKENS = 1_000_000
"""Entries of a vocabulary, and tokens of a row."""
MOST_BATCH_ROWS = 1_000_000
"""Rows that are held together: a batch, a chunk."""
MOST_EPOCHS = 100_000
MOST_ITERATIONS = 1_000_000
MOST_LAYERS = 1_000
"""Layers and attention heads of a model; beams of a search."""
MOST_WIDTH = 65_536
"""Numbers in a layer of a model, channels of a convolution, rank of an adapter."""
MOST_PROCESSES = 4_096
"""Processes, machines, accelerators of one job."""
MOST_SHARDS = 10_000
MOST_RATE = 1e15
"""Mean of a Poisson law, whose counts are 64-bit integers."""
