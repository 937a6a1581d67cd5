"""Which regular expressions may separate documents: those whose search of a line does not take for ever.

Python's engine goes back and tries again. A look-around, a reference back, or a repeat of a group that repeats itself can take a time
that doubles with each character of a line of somebody else's text; without them, a line takes at most a power of its length.
"""

from __future__ import annotations

import re

_PIECES = re.compile(
    r"""
    (?P<backward>\\[1-9]|\(\?P=|\(\?\()      # a group again, by number or name, or a branch by a group
    | (?P<around>\(\?<?[=!])                 # what follows or precedes
    | (?P<escape>\\.)
    | (?P<class>\[\^?\]?(?:\\.|[^\]\\])*\])
    | (?P<opening>\()
    | (?P<closing>\))
    | (?P<repeat>[*+]|\{\d*,\d*\}|\{[1-9]\d+\})
    """,
    re.VERBOSE | re.DOTALL,
)


def fault(pattern: str) -> str | None:
    """Return what a regular expression has that may take for ever, in words; None for one that may separate documents."""
    repeats: list[bool] = [False]  # of each open group, whether something in it repeats
    after_group: int | None = None
    for piece in _PIECES.finditer(pattern):
        match piece.lastgroup:
            case "backward":
                return f"a reference back ({piece.group()})"
            case "around":
                return f"a look-around ({piece.group()})"
            case "opening":
                repeats.append(False)
            case "closing" if len(repeats) > 1:
                inner = repeats.pop()
                repeats[-1] |= inner
                after_group = piece.end() if inner else None
            case "repeat":
                if piece.start() == after_group:
                    return f"a repeat of a group that repeats ({pattern[: piece.end()][-20:]})"
                repeats[-1] = True
    return None
