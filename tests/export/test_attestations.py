"""Attestations: one statement per artefact, all of it from the manifest; and a signature that the reference tool's own command verifies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.export import attestations, huggingface
from helpers import ROOT, run_in

OUT = Path("out")
GENERATION = "data/lm/keep/seed=0/gen=1"
PYTHON = Path(os.environ.get("SIGNING_PYTHON", ROOT / ".venv-signing/bin/python"))
"""Of an environment that has model-signing: tests/export/signing.txt."""
pytestmark = pytest.mark.usefixtures("project")


def statement(path: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((OUT / f"{path}{attestations.SUFFIX}").read_text())
    return content


def test_a_statement_says_what_the_manifest_says_with_integers_as_strings() -> None:
    assert attestations.export("lm/keep/0", OUT) == 4
    content = statement(f"{GENERATION}/train.parquet")
    manifest = read_json(f"{GENERATION}/train.manifest.json")
    assert (content["_type"], content["subject"]) == (
        "https://in-toto.io/Statement/v1",
        [{"name": f"{GENERATION}/train.parquet", "digest": {"sha256": recorded_sha256(f"{GENERATION}/train.parquet")}}],
    )
    predicate = content["predicate"]
    assert (predicate["step"], predicate["environment"]) == ("mix", manifest["environment"])
    assert predicate["slice"]["generation"] == "1"
    assert predicate["slice"]["mixing"] == manifest["slice"]["mixing"]
    named = {(one["role"], one["name"], *one["digest"].values()) for one in predicate["materials"]}
    assert named == {(one["role"], one["path"], one["sha256"]) for one in manifest["inputs"]}


def test_a_folder_has_the_digest_that_says_so() -> None:
    attestations.export("lm/keep/0/1:checkpoint", OUT)
    (subject,) = statement(f"{GENERATION}/checkpoint")["subject"]
    assert subject["digest"] == {"heirloomFolderSha256": recorded_sha256(f"{GENERATION}/checkpoint")}


def test_every_process_writes_the_same_text_and_nothing_under_data() -> None:
    before = sorted(Path("data").rglob("*"))
    attestations.export("lm", OUT)
    run_in(Path.cwd(), sys.executable, "-m", "heirloom", "export", "attestations", "lm", "again")
    texts = [{file.relative_to(top): file.read_bytes() for file in Path(top).rglob("*.json")} for top in ("out", "again")]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 11
    assert sorted(Path("data").rglob("*")) == before


def test_what_is_not_there_is_refused_in_a_line() -> None:
    with pytest.raises(HeirloomError, match=r"^'lm/kept': nothing of that name"):
        attestations.export("lm/kept", OUT)


@pytest.fixture
def key() -> Path:
    """Return a new private key, with its public one beside it; skip without the tool, and fail where tests must have all their tools."""
    if not PYTHON.exists():
        assert os.environ.get("CI") != "true", f"{PYTHON}: missing"
        pytest.skip("no model-signing: make validator")
    code = (
        "from cryptography.hazmat.primitives.asymmetric import ec; from cryptography.hazmat.primitives import serialization as s;"
        "from pathlib import Path; k = ec.generate_private_key(ec.SECP256R1());"
        "Path('key').write_bytes(k.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, s.NoEncryption()));"
        "Path('key.pub').write_bytes(k.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo))"
    )
    subprocess.run([PYTHON, "-c", code], check=True)
    return Path("key")


def sign(folder: Path, key: Path) -> None:
    command: list[str | Path] = [PYTHON, "-m", "model_signing", "sign", "key", folder, "--private_key", key, "--signature", "model.sig"]
    subprocess.run(command, check=True, capture_output=True)


def is_verified(folder: Path) -> bool:
    command: list[str | Path] = [
        PYTHON,
        "-m",
        "model_signing",
        "verify",
        "key",
        folder,
        "--public_key",
        "key.pub",
        "--signature",
        "model.sig",
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.system
def test_a_signed_export_is_verified_by_the_reference_tools_command_line_until_a_byte_changes(key: Path) -> None:
    huggingface.export("lm/keep/0/1:checkpoint", OUT, Path("config.yaml"))
    sign(OUT, key)
    assert is_verified(OUT)
    first = Path("model.sig").read_bytes()
    sign(OUT, key)
    assert Path("model.sig").read_bytes() != first  # each signing gives another file
    shutil.copytree(OUT, "moved")
    assert is_verified(Path("moved"))
    with (OUT / "README.md").open("a") as file:
        file.write(" ")
    assert not is_verified(OUT)


@pytest.mark.slow
@pytest.mark.system
def test_a_checkpoint_signed_in_its_place_fails_without_snakemakes_time_stamp(key: Path) -> None:
    checkpoint = Path(GENERATION, "checkpoint")
    (checkpoint / ".snakemake_timestamp").touch()
    sign(checkpoint, key)
    assert is_verified(checkpoint)
    (checkpoint / ".snakemake_timestamp").unlink()  # as dvc pull leaves it
    assert not is_verified(checkpoint)
