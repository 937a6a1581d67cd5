"""The tokenizer of a pretrained model: by which of two roads text is read, and where the other one would read it otherwise.

A folder with ``tokenizer.json`` is read by that file as it stands, whatever class its configuration names: normaliser, pre-tokenizer,
merges and post-processor are what the model was trained with. `transformers` 5 builds many classes anew from vocabulary and merges alone,
and drops the rest. Without that file the class is the road, and for GGUF what the library makes of the file. On every road a token that
``add_bos_token`` or ``add_eos_token`` asks for is put before or after each text, where the tokenizer does not put it there already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.data import tokenization
from heirloom.errors import HeirloomError
from heirloom.families import pretrained_gguf, pretrained_headers, pretrained_weights
from heirloom.families.pretrained_files import KEY, fetch_tokenizer, location, one_line_errors, options
from heirloom.specs.pretrained import Pretrained

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER = "tokenizer.json"
CONFIG = "tokenizer_config.json"
_PIECES_FILE = "tokenizer.model"
_SENTENCEPIECE = {"sentencepiece": "sentencepiece", "protobuf": "google"}
"""Package → module of those that the library needs for `_PIECES_FILE`."""
_VOCABULARY = "vocab.json"
_FILES = (TOKENIZER, _PIECES_FILE, _VOCABULARY, "vocab.txt")
_NAMES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
_PROBES = (
    "In 2003 the Queen's 12 ships didn't sail 1,000 miles; HMS Terror did.",
    " a  b   c\td\n\ne\r\n  2004",
    "Straße, naïve, cafe\u0301, Ǆ, ﬁ, ½, ٣, हिन्दी, ไทย, 北京, 🦆",
)
_PIECES, _PIECES_A_TEXT = 20_000, 50
"""Entries of the vocabulary that the roads are compared on, and how many of them make one text."""


@dataclass(frozen=True)
class Reader:
    """A model's tokenizer, and how it came about.

    Parameters
    ----------
    tokenizer
        What turns text into tokens.
    start_id
        Id of the token that begins texts, None without one.
    road
        What it was read from: ``tokenizer.json``, a class of `transformers`, or GGUF.
    names
        Role → token, such as ``bos_token`` → ``<s>``.
    chat_template
        The model's own: one template, or several by name; None without one.
    notes
        What the user is to know: where another road would read otherwise. No place is named, because a manifest holds them.
    """

    tokenizer: Tokenizer
    start_id: int | None
    road: str
    names: Mapping[str, str]
    chat_template: str | Mapping[str, str] | None
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Any]:
        """What a manifest says of it."""
        template = {} if self.chat_template is None else {"chat_template": self.chat_template}
        return {"read_by": self.road, "names": dict(self.names), "notes": list(self.notes), **template}


def read(spec: Pretrained) -> Reader:
    """Return a model's tokenizer.

    Raises
    ------
    HeirloomError
        If it cannot be had, is not one of the `tokenizers` library, or a GGUF file splits text in a way that cannot be honoured.
    """
    from transformers import AutoTokenizer

    spec, _ = fetch_tokenizer(spec)
    folder = Path(location(spec))
    if not spec.gguf and not any((folder / name).is_file() for name in _FILES):
        raise HeirloomError(f"{KEY}: {folder} holds no tokenizer ({', '.join(_FILES)}); copy the model's own there")
    if not spec.gguf and not (folder / TOKENIZER).is_file() and (folder / _PIECES_FILE).is_file():
        _need_sentencepiece(folder)
    pretrained_weights.quieten()
    if not spec.gguf:
        _check_files(folder)
    with one_line_errors(spec):
        library = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, **options(spec))
        backend = getattr(library, "backend_tokenizer", None)
        if backend is None:
            raise HeirloomError(f"{KEY}: the tokenizer of {spec.name} is not one of the `tokenizers` library, and has no {TOKENIZER}")
        library_tokenizer = _plain_tokenizer(backend.to_str())
        return _from_gguf(spec, library, library_tokenizer) if spec.gguf else _from_folder(folder, library, library_tokenizer)


def _check_files(folder: Path) -> None:
    """Refuse files of a tokenizer that are no JSON objects."""
    for name in (TOKENIZER, CONFIG, _VOCABULARY):
        if (folder / name).is_file():
            pretrained_headers.json_object(folder / name)


def _need_sentencepiece(folder: Path) -> None:
    """Name the packages that the library, which names others, lacks, and refuse a file that is of another kind or damaged."""
    packages = [package for package, module in _SENTENCEPIECE.items() if find_spec(module) is None]
    if packages:
        raise HeirloomError(
            f"{folder}: {_PIECES_FILE} without {TOKENIZER} is read by {' and '.join(packages)}: pip install {' '.join(packages)}"
        )
    from sentencepiece import SentencePieceProcessor

    try:
        SentencePieceProcessor(model_file=str(folder / _PIECES_FILE))
    except (OSError, RuntimeError):  # the library would ask for tiktoken, whatever the file holds
        raise HeirloomError(
            f"{KEY}: {folder / _PIECES_FILE} is no SentencePiece model, the only kind that is read; copy the model's own {TOKENIZER} there"
        ) from None


def _from_gguf(spec: Pretrained, library: Any, tokenizer: Tokenizer) -> Reader:
    notes = pretrained_gguf.split_as_written(tokenizer, spec)
    names = _names(library, tokenizer)
    _add(tokenizer, names, pretrained_gguf.token_flags(spec))
    return Reader(tokenizer, _start(names, tokenizer), "GGUF", names, library.chat_template, notes)


def _from_folder(folder: Path, library: Any, library_tokenizer: Tokenizer) -> Reader:
    kind = type(library).__name__
    has_file = (folder / TOKENIZER).is_file()
    text = (folder / TOKENIZER).read_text(encoding="utf-8") if has_file else library_tokenizer.to_str()
    tokenizer = _plain_tokenizer(text)
    names = _names(library, tokenizer)
    _add(tokenizer, names, _configured_flags(folder))
    road = TOKENIZER if has_file else kind
    disagreement = _disagreement(tokenizer, library_tokenizer)
    notes = (f"text is read by {road}, and {kind} of transformers would read it otherwise: {disagreement}",) if disagreement else ()
    return Reader(tokenizer, _start(names, tokenizer), road, names, library.chat_template, notes)


def _plain_tokenizer(text: str) -> Tokenizer:
    """Return a tokenizer that neither pads nor cuts, from its JSON."""
    tokenizer = tokenization.from_json(text)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _names(library: Any, tokenizer: Tokenizer) -> dict[str, str]:
    """Return role → token of those that the tokenizer has; a class brings names of its own, which a vocabulary may lack."""
    tokens = {role: library.special_tokens_map.get(role) for role in _NAMES}
    names = {role: str(token) for role, token in tokens.items() if token is not None}
    return {role: name for role, name in names.items() if tokenizer.token_to_id(name) is not None}


def _start(names: Mapping[str, str], tokenizer: Tokenizer) -> int | None:
    return tokenizer.token_to_id(names["bos_token"]) if "bos_token" in names else None


def _configured_flags(folder: Path) -> dict[str, bool]:
    """Return whether the tokenizer's configuration wants a token before and after each text."""
    file = folder / CONFIG
    if not file.is_file():
        return {}
    settings = pretrained_headers.json_object(file)
    return {name: settings.get(name) is True for name in pretrained_gguf.TOKEN_FLAGS}


def _add(tokenizer: Tokenizer, names: Mapping[str, str], flags: Mapping[str, bool]) -> None:
    """Make a tokenizer put the tokens that its configuration asks for, and that it does not put yet, before and after each text."""
    from tokenizers import processors

    tokens, text = tokenizer.encode("a").tokens, tokenizer.encode("a", add_special_tokens=False).tokens
    places = (place for place in range(len(tokens) + 1) if tokens[place : place + len(text)] == text)
    place = next(places, None)
    if place is None:
        raise HeirloomError(f"{KEY}: the tokenizer's post_processor writes 'a' as {tokens}, without the tokens of its text, {text}")
    prefix, suffix = tokens[:place], tokens[place + len(text) :]
    start, end = (names.get(role) if flags.get(f"add_{role}") else None for role in ("bos_token", "eos_token"))
    new_prefix = [start, *prefix] if start and start not in prefix else prefix
    new_suffix = [*suffix, end] if end and end not in suffix else suffix
    if (new_prefix, new_suffix) != (prefix, suffix):
        specials = dict.fromkeys([*new_prefix, *new_suffix])
        ids = [(token, tokenizer.token_to_id(token)) for token in specials]
        tokenizer.post_processor = processors.TemplateProcessing(single=[*new_prefix, "$A", *new_suffix], special_tokens=ids)


def _disagreement(tokenizer: Tokenizer, library_tokenizer: Tokenizer) -> str:
    """Return the first text, as short as it can be, that two tokenizers read otherwise, and how; nothing if there is none."""
    for text in _probes(tokenizer):
        if tokenizer.encode(text).ids != library_tokenizer.encode(text).ids:
            read_otherwise = [piece for piece in ("", *_pieces(text)) if tokenizer.encode(piece).ids != library_tokenizer.encode(piece).ids]
            short = min(read_otherwise, key=len, default=text)
            return f"{short!r} is {tokenizer.encode(short).tokens} and {library_tokenizer.encode(short).tokens}"[:300]
    return ""


def _pieces(text: str) -> Iterator[str]:
    """Yield the pieces of a text of at most eight characters."""
    for start in range(len(text)):
        for end in range(start + 1, min(start + 8, len(text)) + 1):
            yield text[start:end]


def _probes(tokenizer: Tokenizer) -> Iterator[str]:
    """Yield texts in which classes of characters, spaces and entries of the vocabulary stand side by side."""
    yield from _PROBES
    size = min(tokenizer.get_vocab_size(), _PIECES)
    for start in range(0, size, _PIECES_A_TEXT):
        yield tokenizer.decode(list(range(start, min(start + _PIECES_A_TEXT, size))), skip_special_tokens=True)
