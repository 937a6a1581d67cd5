"""The profile of collapse: which of eight published meanings of the word each arm meets (Schaeffer et al. 2025, arXiv 2503.03150)."""
