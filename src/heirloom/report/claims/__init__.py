"""Claims of the literature, each tested by a declared expression over a run's measures: `claims.yaml` says what, `verdicts` decides."""
