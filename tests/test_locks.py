"""What CI and the container install: each file has its hash in locks/, and the versions are those of constraints.txt."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("build", "run", "dev")
JUDGES = ("croissant", "signing", "validator")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}(?: \\)?$", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Return name → version of what a list pins."""
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in _PIN.findall(text)}


def blocks(file: Path) -> list[str]:
    """Return the lines of each package in a lock."""
    return [block for block in re.split(r"\n(?=[A-Za-z0-9])", file.read_text()) if "==" in block]


def test_each_version_of_constraints_stands_in_one_lock_and_is_the_same_there() -> None:
    parts = [pins((ROOT / f"locks/{part}.txt").read_text()) for part in PARTS]
    locked = {name: version for part in parts for name, version in part.items()}
    assert sum(map(len, parts)) == len(locked)
    constrained = pins((ROOT / "constraints.txt").read_text())
    assert {name: locked.get(name) for name in constrained} == constrained


@pytest.mark.parametrize("file", [*(f"locks/{part}.txt" for part in PARTS), *(f"tests/export/{judge}.txt" for judge in JUDGES)])
def test_each_package_of_a_lock_has_a_hash(file: str) -> None:
    found = blocks(ROOT / file)
    assert len(found) >= 10
    assert [block.partition(" ")[0] for block in found if not _HASH.search(block)] == []


def test_torch_has_the_hashes_of_pypi_and_of_its_cpu_builds_on_each_python() -> None:
    block = next(block for block in blocks(ROOT / "locks/run.txt") if block.startswith("torch=="))
    lines = (ROOT / "locks/torch-cpu.txt").read_text().splitlines()[1:]
    cpu_builds = {name: digest for digest, name in map(str.split, lines)}
    assert {re.sub(r".*-(cp3\d+)-.*", r"\1", name) for name in cpu_builds} == {"cp311", "cp312", "cp313"}
    assert all(f"sha256:{digest}" in block for digest in cpu_builds.values())
    assert len(_HASH.findall(block)) > 2 * len(cpu_builds)


def test_a_cpu_build_of_torch_is_asked_for_by_its_name_and_without_what_gpus_need(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with_gpu, without = (pins(install.requirements("image", version)) for version in ("2.13.0", "2.13.0+cpu"))
    assert (with_gpu["torch"], without["torch"]) == ("2.13.0", "2.13.0+cpu")
    assert sorted(with_gpu.keys() - without.keys()) == [
        *("cuda-bindings", "cuda-pathfinder", "cuda-toolkit", "nvidia-cublas", "nvidia-cuda-cupti", "nvidia-cuda-nvrtc"),
        *("nvidia-cuda-runtime", "nvidia-cudnn-cu13", "nvidia-cufft", "nvidia-cufile", "nvidia-curand", "nvidia-cusolver"),
        *("nvidia-cusparse", "nvidia-cusparselt-cu13", "nvidia-nccl-cu13", "nvidia-nvjitlink", "nvidia-nvshmem-cu13", "nvidia-nvtx"),
        "triton",
    ]
    assert pins(install.requirements("dev", "2.13.0")).keys() > with_gpu.keys()


def test_ci_and_the_container_install_with_hashes_alone() -> None:
    assert "export LOCKED=locked" in (ROOT / ".ci/run").read_text()
    assert "tools/install.py /usr/local pip image locked" in (ROOT / "Containerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert makefile.count("tools/install.py $(VENV) $(INSTALLER)") == makefile.count("$(LOCKED)") == 2
    assert makefile.count("pip install") == makefile.count("pip install --quiet --require-hashes")


def wheel(folder: Path, version: str) -> str:
    """Write a wheel that holds nothing, and return its hash."""
    file = folder / f"nothing-{version}-py3-none-any.whl"
    files = {"METADATA": f"Metadata-Version: 2.1\nName: nothing\nVersion: {version}\n", "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n"}
    with zipfile.ZipFile(file, "w") as archive:
        record = ""
        for name, content in files.items():
            path = f"nothing-{version}.dist-info/{name}"
            digest = base64.urlsafe_b64encode(hashlib.sha256(content.encode()).digest()).rstrip(b"=").decode()
            archive.writestr(path, content)
            record += f"{path},sha256={digest},{len(content)}\n"
        archive.writestr(f"nothing-{version}.dist-info/RECORD", f"{record}nothing-{version}.dist-info/RECORD,,\n")
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="the environment has no pip")
def test_a_file_with_another_hash_is_refused_and_either_build_of_two_is_taken(tmp_path: Path) -> None:
    hashes = [wheel(tmp_path, version) for version in ("1.0", "1.0+cpu")]

    def installed(*digests: str) -> subprocess.CompletedProcess[str]:
        wanted = tmp_path / "wanted.txt"
        wanted.write_text("nothing==1.0 " + " ".join(f"--hash=sha256:{digest}" for digest in digests))
        shutil.rmtree(tmp_path / "target", ignore_errors=True)
        options = ["--isolated", "--no-index", "--find-links", str(tmp_path), "--target", str(tmp_path / "target"), "--require-hashes"]
        command = [sys.executable, "-m", "pip", "install", *options, "--requirement", str(wanted)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)

    assert installed(*hashes).returncode == 0
    assert [place.name for place in (tmp_path / "target").iterdir()] == ["nothing-1.0+cpu.dist-info"]
    refusal = installed("0" * 64)
    assert refusal.returncode == 1
    assert "DO NOT MATCH THE HASHES" in refusal.stderr
