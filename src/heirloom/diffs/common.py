"""What two sides have in common, and so what can be compared at all: the kind of data, the columns that make a row, the words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from heirloom import paths
from heirloom.diffs.result import Kind
from heirloom.diffs.sides import Side
from heirloom.diffs.words import Lexicon, TokenLexicon, WordLexicon
from heirloom.errors import HeirloomError
from heirloom.manifest import inputs, recorded_sha256


@dataclass(frozen=True)
class Common:
    """What is compared: the columns whose bytes make a row, and notes for the reader."""

    kind: Kind
    data: tuple[str, ...]
    windows: bool
    notes: tuple[str, ...] = ()

    def lexicon(self) -> Lexicon:
        """Return an empty lexicon: of words where both sides have text, else of token ids."""
        return WordLexicon(windows=self.windows) if self.kind == "text" else TokenLexicon()


def common(a: Side, b: Side) -> Common:
    """Return what can be compared.

    Raises
    ------
    HeirloomError
        If the sides have no column of data in common.
    """
    shared = [column for column in ("tokens", "text", "x") if a.has(column) and b.has(column)]
    if "x" in shared:
        return Common("vectors", ("x",), windows=False)
    unlike = _tokenizer(a) != _tokenizer(b) and None not in (_tokenizer(a), _tokenizer(b))
    if "text" in shared:
        notes = ("the tokenizers differ: rows are compared as text",) if unlike else ()
        data = ("text",) if unlike else tuple(shared)
        return Common("text", data, windows="tokens" in shared, notes=notes)
    if "tokens" in shared and not unlike:
        return Common("tokens", ("tokens",), windows=False)
    why = "their tokenizers differ and there is no text" if shared else f"{_holds(a)}, {_holds(b)}"
    raise HeirloomError(f"{a.place.name} and {b.place.name} cannot be compared: {why}")


def _tokenizer(side: Side) -> str | None:
    """Return the fingerprint of the tokenizer that made the tokens, where it is known."""
    from heirloom.lineage import folders

    tokenizers = inputs(side.place.manifest or {}, "tokenizer")
    if tokenizers:
        return tokenizers[0].sha256
    known = folders.keys(side.place.recorded or "", paths.REAL_FOLDER) or folders.keys(side.place.recorded or "", paths.LINEAGE)
    beside = paths.fill(paths.TOKENIZER, known["experiment"]) if known else ""
    return recorded_sha256(beside) if beside and Path(paths.fingerprint(beside)).is_file() else None


def _holds(side: Side) -> str:
    return f"{side.place.name} has {', '.join(column for column in ('tokens', 'text', 'x') if side.has(column))}"
