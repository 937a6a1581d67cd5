"""What stays secret of a remote's address and settings, whatever program prints it."""

from __future__ import annotations

from pathlib import Path

import pytest

from heirloom import credentials


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a project with a remote whose settings hold secrets the working folder."""
    monkeypatch.chdir(tmp_path)
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("['remote \"store\"']\n    url = https://me:p%40ss/w0rd@host:80/a\n    ask_password = true\n")
    Path(".dvc/config.local").write_text("['remote \"store\"']\n    password = open sesame\n    secret_access_key = k\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get https://me:pw@host/a.dir: 401", "get https://***@host/a.dir: 401"),
        ("get https://ghp_token@github.com/me/x failed", "get https://***@github.com/me/x failed"),
        ("s3://bucket/a?sig=Ab%2F1&se=2 (403)", "s3://bucket/a?*** (403)"),
        ("URL('https://host/a?token=1')", "URL('https://host/a?***')"),
        ("p@ss/w0rd is wrong, and so is p%40ss/w0rd", "*** is wrong, and so is ***"),
        ("login failed for open sesame", "login failed for ***"),
        ("a key of k letters", "a key of *** letters"),
        ("git@host:me/x, me@example.org, https://host/@v1 stay", "git@host:me/x, me@example.org, https://host/@v1 stay"),
    ],
)
def test_passwords_tokens_and_query_values_are_hidden(text: str, shown: str) -> None:
    assert credentials.hidden(text) == shown


def test_the_first_line_of_an_error_is_enough() -> None:
    assert credentials.first_line(OSError("\nhttp://a:b@c/d\nmore")) == "http://***@c/d"
    assert credentials.first_line(TimeoutError()) == "TimeoutError"
