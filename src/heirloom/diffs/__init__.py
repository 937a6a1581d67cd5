"""What changed between two datasets: `engine.diff` asks one module a section, `result` is the answer, `render` shows it."""
