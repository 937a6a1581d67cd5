"""Judge: lets pass what Python can compile."""

import sys
import warnings

import pyarrow.parquet as pq


def compiles(snippet: str) -> bool:
    """Return whether a snippet is Python; it is never run."""
    warnings.simplefilter("ignore")
    try:
        compile(snippet, "row", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


if __name__ == "__main__":
    rows = pq.read_table(sys.argv[1])
    scores = [float(compiles(snippet)) for snippet in rows["completion"].to_pylist()]
    pq.write_table(rows.select(["row"]).append_column("score", [scores]), sys.argv[2])
