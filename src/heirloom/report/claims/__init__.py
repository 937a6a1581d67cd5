"""Claims of the literature, each tested by a declared expression over the measures of a run: `claims.yaml` says what, `verdicts` decides."""
