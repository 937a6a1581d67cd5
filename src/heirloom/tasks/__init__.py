"""Tasks of lm-evaluation-harness: their files, and the examination of a checkpoint by them."""
