"""CSV that people open in a spreadsheet: text that a spreadsheet would take for a formula begins with an apostrophe there.

Names of groups, tasks and files come from data. A cell ``=HYPERLINK(…)`` would be computed by whoever opens the table. Numbers stay as
they are, negative ones too, and so does a text that is a number.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(r"'*\s*[=+\-@\t\r].", re.DOTALL)
_GUARDED = re.compile(r"''*\s*[=+\-@\t\r].", re.DOTALL)


def guarded(value: Any) -> Any:
    """Return a cell with an apostrophe before it where a spreadsheet would compute it; `plain` takes it away again."""
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) and not _is_number(value) else value


def plain(value: Any) -> Any:
    """Return what a cell was before `guarded`."""
    return value[1:] if isinstance(value, str) and _GUARDED.match(value) else value


def csv_text(frame: pd.DataFrame, digits: int = 8) -> str:
    """Return a table as CSV with so many significant digits, its text and its header guarded."""
    safe = frame.rename(columns=guarded)
    for name in safe.columns:
        if not safe[name].map(guarded).equals(safe[name]):
            safe = safe.assign(**{name: safe[name].map(guarded)})
    return safe.to_csv(index=False, lineterminator="\n", float_format=f"%.{digits}g")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
