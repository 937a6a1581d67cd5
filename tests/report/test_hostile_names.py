"""Names of groups come from data: the summary shows them as text, whatever is in them."""

from __future__ import annotations

from io import StringIO

import pandas as pd
import pytest
from rich.console import Console

from heirloom.report import group_table
from heirloom.report.summary_tables import groups_table


@pytest.mark.parametrize(
    ("group", "shown"), [("[/b]", "[/b]"), ("[red]x", "[red]x"), ("\x1b[2J", "␛[2J"), ("=1+1", "=1+1"), ("a\nb", "a⏎b")]
)
def test_a_group_is_shown_as_it_is_called_with_signs_for_control_characters(group: str, shown: str) -> None:
    entry = dict.fromkeys(group_table.COLUMNS, 0.5) | {"group": group, "regime": "replace"}
    console = Console(file=StringIO(), width=120, color_system=None)
    console.print(groups_table(pd.DataFrame([entry]), "e"))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert text.splitlines()[-2].split()[0] == shown
    assert "\x1b" not in text
