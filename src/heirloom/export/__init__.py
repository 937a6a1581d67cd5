"""Export: what others open without Heirloom. A crate describes a run; a hub folder holds one dataset or checkpoint."""
