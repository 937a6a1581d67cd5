"""Whether the page shows the numbers that are there: a run of `snakemake` renews these and not the page, which takes longer to write."""

from __future__ import annotations

from pathlib import Path

from heirloom.results import Results


def note(results: Results) -> str:
    """Return a line on a page that is not written or is older than the table that it shows; empty where it is neither."""
    page, table = Path(results.page), Path(results.metrics)
    option = results.config_option
    if not page.is_file():
        return f"{page} is not written yet: heirloom report{option} writes it"
    if table.is_file() and page.stat().st_mtime_ns < table.stat().st_mtime_ns:
        return f"{page} shows an earlier run: heirloom report{option} renews it"
    return ""


def commands(results: Results) -> str:
    """Return what else may be asked of these results, with the config in each command."""
    option = results.config_option
    return f"heirloom summary{option} prints what was found, heirloom status{option} what is done"
