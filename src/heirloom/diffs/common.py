"""What two sides have in common, and so what can be compared at all: the kind of data, the columns that make a row, the words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.data import arrow_columns
from heirloom.data.columns import BOOKKEEPING, CONTENT, PROMPT
from heirloom.diffs.sides import Side
from heirloom.errors import HeirloomError, listed

if TYPE_CHECKING:
    from heirloom.diffs.result import Kind
    from heirloom.diffs.words import Lexicon

_NUMBERS = {"whole", "float", "decimal"}


@dataclass(frozen=True)
class Common:
    """What is compared.

    Parameters
    ----------
    data
        The columns of content, whose bytes make a row; none in a table without text, tokens or vectors.
    others
        The further columns of data that both sides have; a table's rows are compared by these.
    only_a, only_b
        The columns of data that one side lacks.
    by_value
        Whether content has other types on the two sides, so that its values are compared and not its bytes.
    keys
        The columns that name a row; none where rows are matched by what they hold.
    notes
        For the reader.
    """

    kind: Kind
    data: tuple[str, ...]
    windows: bool
    notes: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    by_value: bool = False
    keys: tuple[str, ...] = ()

    def lexicon(self) -> Lexicon:
        """Return an empty lexicon: of words where both sides have text, else of token ids."""
        from heirloom.diffs.words import TokenLexicon, WordLexicon  # and with them the package regex

        return WordLexicon(windows=self.windows) if self.kind == "text" else TokenLexicon()


def common(a: Side, b: Side, keys: tuple[str, ...] = ()) -> Common:
    """Return what can be compared: content, and every other column that is data.

    A column is no data where each side that has it was written by Heirloom and it tells of ancestry. Tokens that such a side alone
    has spell its text, and are none either.

    Parameters
    ----------
    keys
        The columns that name a row.

    Raises
    ------
    HeirloomError
        If the sides have no column of data in common, a column of text is no text on one side, or a key is not on both sides.
    """
    _check_keys(a, b, keys)
    shared = replace(_content(a, b), keys=keys)
    if a.is_ours and b.is_ours and shared.data:
        return shared
    data_names = _data_names(a, shared) | _data_names(b, shared)
    names = dict.fromkeys([*a.schema.names, *b.schema.names])
    further = [name for name in names if name in data_names and name not in shared.data]
    others = tuple(name for name in further if a.has(name) and b.has(name))
    if not (shared.data or others):
        raise HeirloomError(f"{a.name} and {b.name} cannot be compared: {_holds(a)}, {_holds(b)}")
    only_a = tuple(name for name in further if not b.has(name))
    only_b = tuple(name for name in further if not a.has(name))
    by_value = any(_shape_of_values(a, name) != _shape_of_values(b, name) for name in shared.data)
    return replace(shared, others=others, only_a=only_a, only_b=only_b, by_value=by_value)


def _check_keys(a: Side, b: Side, keys: tuple[str, ...]) -> None:
    """Refuse a key that a side lacks, or whose values cannot be equal."""
    for key, side in product(keys, (a, b)):
        if not side.has(key):
            raise HeirloomError(f"--on {key}: {side.name} has no such column; it has {listed(side.schema.names)}")
    for key in keys:
        type_a, type_b = a.schema.field(key).type, b.schema.field(key).type
        shapes = {arrow_columns.shape(type_a), arrow_columns.shape(type_b)} - {"nothing"}
        if len(shapes) > 1 and not shapes <= _NUMBERS:
            raise HeirloomError(f"--on {key}: {type_a} in {a.name} and {type_b} in {b.name}; no value of one equals one of the other")


def _data_names(side: Side, shared: Common) -> set[str]:
    """Return the names of a side's columns that are data."""
    names = set(side.schema.names)
    if not side.is_ours:
        return names
    spelling = {"tokens"} if "text" in shared.data else set()
    return names - BOOKKEEPING - spelling


def _content(a: Side, b: Side) -> Common:
    """Return which content is compared; of files that are not ours perhaps none."""
    shared = [column for column in CONTENT if _is_content(a, b, column)]
    if "x" in shared:
        return Common("vectors", ("x",), windows=False)
    tokenizers = {_tokenizer(a), _tokenizer(b)}
    unlike = len(tokenizers) > 1 and None not in tokenizers
    if "text" in shared:
        notes = ("the tokenizers differ: rows are compared as text",) if unlike else ()
        data = ("text",) if unlike else tuple(shared)
        return Common("text", data, windows="tokens" in shared and PROMPT not in shared, notes=notes)
    if "tokens" in shared and not unlike:
        return Common("tokens", ("tokens",), windows=False)
    if not shared and (_are_tables(a, b) or not (a.is_ours or b.is_ours)):
        return Common("table", (), windows=False)
    why = "their tokenizers differ and there is no text" if shared else f"{_holds(a)}, {_holds(b)}"
    raise HeirloomError(f"{a.name} and {b.name} cannot be compared: {why}")


def _are_tables(a: Side, b: Side) -> bool:
    """Return whether neither side has any content but columns of its own: rows of a table."""
    return not any(side.has(column) for side in (a, b) for column in CONTENT)


def _is_content(a: Side, b: Side, column: str) -> bool:
    """Return whether both sides have a column that holds what its name says.

    Raises
    ------
    HeirloomError
        If it is text on one side alone: then the files mean other things by it.
    """
    if not (a.has(column) and b.has(column)):
        return False
    fits = [_has_its_type(side, column) for side in (a, b)]
    if column == "text" and any(fits) and not all(fits):
        side = (a, b)[fits.index(False)]
        column_type = side.schema.field(column).type
        raise HeirloomError(
            f"{side.name}: column {column} holds {column_type}; allowed is {arrow_columns.TEXT_TYPES}, as on the other side"
        )
    return all(fits)


def _has_its_type(side: Side, column: str) -> bool:
    """Return whether a column holds what its name promises: `text` texts, `tokens` and `prompt` whole numbers, `x` lists of numbers."""
    column_type = side.schema.field(column).type
    if column == "text":
        return arrow_columns.is_text(column_type)
    return arrow_columns.is_list_of_numbers(column_type, only_whole=column in ("tokens", PROMPT))


def _shape_of_values(side: Side, column: str) -> str | None:
    column_type = arrow_columns.bare_type(side.schema.field(column).type)
    return arrow_columns.shape(column_type if column == "text" else column_type.value_type)


def _tokenizer(side: Side) -> str | None:
    """Return the fingerprint of the tokenizer that made the tokens, where it is known."""
    tokenizers = side.inputs("tokenizer")
    if tokenizers:
        return tokenizers[0].sha256
    wildcards = kinds.REAL_FOLDER.wildcards(side.path_here) or kinds.LINEAGE.wildcards(side.path_here)
    if not wildcards:
        return None
    tokenizer = kinds.TOKENIZER.path(wildcards["experiment"])
    return recorded_sha256(tokenizer) if Path(paths.fingerprint(tokenizer)).is_file() else None


def _holds(side: Side) -> str:
    content = [column for column in CONTENT if side.has(column)]
    return f"{side.name} has {listed(content or side.schema.names)}"
