"""What `make env` hands from pip's configuration to uv."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]

PIP_CONFIG = """\
:env:.find-links='/wheels/a /wheels/b'
global.cert='/etc/certificates.crt'
global.constraint='/etc/pip/first.txt\\n/etc/pip/second.txt'
global.extra-index-url='file:///mirror/simple file:///other/simple'
global.find-links='/wheels/old'
global.index-url='https://first.example/simple'
install.index-url='https://second.example/simple'
user.name='nobody'
"""


def test_uv_is_told_each_setting_of_pip_and_the_stronger_section_wins(install: ModuleType) -> None:
    assert install.uv_environment(install.pip_settings(PIP_CONFIG)) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PRERELEASE": "if-necessary-or-explicit",
        "UV_DEFAULT_INDEX": "https://second.example/simple",
        "UV_INDEX": "file:///mirror/simple file:///other/simple",
        "UV_FIND_LINKS": "/wheels/a,/wheels/b",
        "UV_CONSTRAINT": "/etc/pip/first.txt /etc/pip/second.txt",
        "SSL_CERT_FILE": "/etc/certificates.crt",
    }


def test_a_machine_without_an_index_keeps_uv_off_the_network(install: ModuleType) -> None:
    assert install.uv_environment(install.pip_settings("install.no-index='true'\n"))["UV_NO_INDEX"] == "1"
    assert "UV_NO_INDEX" not in install.uv_environment(install.pip_settings("install.no-index='false'\n"))


def test_another_build_of_torch_than_pip_takes_ends_the_installation(install: ModuleType) -> None:
    install.refuse_another_torch("2.13.0+cpu", "2.13.0+cpu", Path(".venv"))
    install.refuse_another_torch("2.13.0", "", Path(".venv"))
    with pytest.raises(SystemExit, match=r"^tools/install.py: uv has installed torch 2.13.0, where pip takes 2.13.0\+cpu: remove .venv "):
        install.refuse_another_torch("2.13.0", "2.13.0+cpu", Path(".venv"))


def test_an_unknown_installer_is_one_line() -> None:
    command = [sys.executable, "tools/install.py", ".venv", "conda"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert process.returncode == 1
    assert process.stderr == "tools/install.py: INSTALLER is 'conda'; it may be uv or pip\n"
