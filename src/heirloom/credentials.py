"""Credentials: what a remote's address or settings keep secret is taken out of any text that another program gave.

Heirloom asks for no password and keeps none. But a DVC remote's URL may hold one, and DVC's and its libraries' messages print that URL.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

HIDDEN = "***"

_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#'\"<>]*@")
_QUERY = re.compile(r"(?P<address>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s?'\"<>]*\?)[^\s'\"<>)\]]+")
_SECRET_KEY = re.compile("pass|token|secret|credential|connection_string|account_key|access_key|sas|auth_header|custom_auth", re.IGNORECASE)
_PORT = re.compile(r"\d+/")
_SHORTEST = 4
"""Letters from which a secret is searched for inside words, too."""


def hidden(text: str) -> str:
    """Return a text without user names and passwords in addresses, values of their queries, and secrets of DVC's settings."""
    for secret in sorted(_secrets(), key=len, reverse=True):
        pattern = re.escape(secret) if len(secret) >= _SHORTEST else rf"(?<!\w){re.escape(secret)}(?!\w)"
        text = re.sub(pattern, HIDDEN, text)
    text = _USERINFO.sub(rf"\g<scheme>{HIDDEN}@", text)
    return _QUERY.sub(rf"\g<address>{HIDDEN}", text)


def first_line(error: BaseException) -> str:
    """Return the first line of another program's error, without secrets; its type where it says nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return hidden(lines[0]) if lines else type(error).__name__


def _secrets() -> set[str]:
    """Return the secrets that DVC's settings hold, as they are written and as an address spells them."""
    spellings: set[str] = set()
    for secret in _settings_secrets():
        spellings |= {secret, unquote(secret), quote(secret, safe="")}
    return spellings - {""}


def _settings_secrets() -> Iterator[str]:
    for file in _settings_files():
        settings = configparser.RawConfigParser(strict=False)
        try:
            settings.read_string(file.read_text(encoding="utf-8", errors="replace"))
        except (OSError, configparser.Error):
            continue
        for section in settings.sections():
            for key, value in settings.items(section):
                if key == "url":
                    yield from _address_secrets(value)
                elif _SECRET_KEY.search(key) and value.lower() not in ("true", "false"):
                    yield value


def _address_secrets(address: str) -> Iterator[str]:
    location = address.partition("://")[2]
    user, colon, password = location.rpartition("@")[0].partition(":")
    if colon and "/" not in user and not _PORT.match(password):  # a password may hold what an address should spell otherwise
        yield password
    query = location.partition("?")[2]
    yield from (pair.partition("=")[2] for pair in query.split("&"))


def _settings_files() -> list[Path]:
    """Return the files in which DVC keeps its settings: the project's, and those of the user and the system."""
    places = [Path(".dvc/config"), Path(".dvc/config.local")]
    try:
        from dvc.config import Config
    except ImportError:
        return places
    return [*places, *(Path(Config.get_dir(level), "config") for level in ("global", "system"))]
