"""Export: what others open without Heirloom: a crate says how all was made; a hub folder holds one dataset or checkpoint."""
