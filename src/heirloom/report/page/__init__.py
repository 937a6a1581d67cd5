"""The page: `results/report.html`, one file that opens from disk; each module turns what a run has left into plain data for a section."""
