"""The one exception that means bad input rather than a bug, and the one place that gives its lines the shape in which they are printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

BAD_INPUT = 2
"""Exit code of a command that was given bad input."""
LONGEST_LINE = 1_000
"""Characters of a printed line."""
MOST_LINES = 20
"""Faults of one input that are printed; the number of the others is said."""
NAME = "heirloom: "
"""What every printed line begins with."""

_LONGEST_NAME = 200

_TAIL = 200
"""Characters that a cut line keeps of its end, where a message says how to repair."""


class HeirloomError(Exception):
    """Bad input: the message says what was given, what is allowed and which key or file holds it.

    The command line prints each line of it and exits with a non-zero status, without a traceback.

    Parameters
    ----------
    *lines
        What is wrong, one line per fault; most errors have one.
    """

    @property
    def lines(self) -> tuple[str, ...]:
        """All faults, one line each."""
        return tuple(str(line) for line in self.args)

    def __str__(self) -> str:
        return first_of(self.lines, " [and {} more]") if self.lines else ""


def printed(error: HeirloomError) -> list[str]:
    """Return the lines in which an error is printed: at most `MOST_LINES` faults, each shaped by `line`."""
    lines = [line(text) for text in error.lines[:MOST_LINES]]
    remainder = len(error.lines) - MOST_LINES
    return [*lines, f"{NAME}and {remainder} more"] if remainder > 0 else lines


def first_of(items: Sequence[object], note: str = " (and {} more)") -> str:
    """Return the first of some items as a message names it, with a note on the number of the others."""
    remainder = len(items) - 1
    return f"{items[0]}{note.format(remainder)}" if remainder else str(items[0])


def listed(names: Iterable[object], most: int = 10) -> str:
    """Return names as a message lists them: with commas between them, each as `short` quotes it, and how many more there are."""
    spelled = [short(str(name), _LONGEST_NAME) for name in names]
    remainder = len(spelled) - most
    return ", ".join(spelled) if remainder <= 0 else f"{', '.join(spelled[:most])} and {remainder:,} more"


def line(text: str) -> str:
    """Return a message as one printed line: the program's name first, at most `LONGEST_LINE` characters, none of them a control.

    What cannot be printed, such as an end of line or a lone surrogate, is spelled as Python spells it in quotes. A line that is
    too long loses its middle.
    """
    visible = _visible(_without_middle(NAME + text, LONGEST_LINE))
    return _without_middle(visible, LONGEST_LINE)


def short(text: str, longest: int = 60) -> str:
    """Return a name or value as a message quotes it: whole, or its first characters and how many there are."""
    return text if len(text) <= longest else f"{text[:longest]} [{len(text):,} characters]"


def _without_middle(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters: where it has more, a note stands for its middle, and its last `_TAIL` stay.

    The note says by how many characters the text is too long. More than that are left out, because the note itself takes room.
    """
    if len(text) <= longest:
        return text
    note = f" [{len(text) - longest:,} characters and more left out] "
    return text[: longest - _TAIL - len(note)] + note + text[-_TAIL:]


def _visible(text: str) -> str:
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode() for letter in text)
