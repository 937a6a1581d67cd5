"""Authors, as the command line takes them: ``Name`` or ``Name <URL>``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from heirloom.errors import HeirloomError


class Author(NamedTuple):
    """A name, and the address that stands for the person: what was given, or a name inside the document."""

    name: str
    address: str


def author(text: str) -> Author:
    """Return the author that a text names.

    Raises
    ------
    HeirloomError
        If the text has no name, or its address is no URL.
    """
    name, _, address = text.partition("<")
    name, address = name.strip(), address.strip().removesuffix(">")
    if not name or (address and not address.startswith(("https://", "http://"))):
        raise HeirloomError(f"--author {text!r}: expected 'Name' or 'Name <https://orcid.org/…>'")
    return Author(name, address or "#" + "-".join(name.lower().split()))


def creators(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return authors as schema.org's persons; errors as for `author`."""
    authors = [author(text) for text in texts]
    return [{"@type": "sc:Person", "@id": address, "name": name} for name, address in authors]
