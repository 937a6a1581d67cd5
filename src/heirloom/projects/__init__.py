"""A new project: the folder in which `heirloom run` makes lineages, and a config that fits somebody's data."""
