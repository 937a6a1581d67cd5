"""Two hundred single bits over every kind of file: each is named by `verify`, refused by the next reader, repaired by `repair`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from heirloom.artefacts import manifest
from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import index, ledger, pointers, provenance
from heirloom.lineage.record import RecordReport
from heirloom.lineage.repair import repair
from heirloom.lineage.verify import verify
from heirloom.runtime.streams import Stream
from heirloom.workflow import folders

ROUNDS = 7


def kind(file: Path) -> str:
    for name, suffix in (("fingerprint", ".fingerprint.json"), ("manifest", ".manifest.json"), ("pointer", ".dvc")):
        if file.name.endswith(suffix):
            return name
    return {folders.PROVENANCE: "provenance", ledger.LEDGER.name: "ledger"}.get(file.name, "artefact")


def artefact_of(file: Path) -> str:
    """Return the artefact that a file is, belongs to, or is a note of."""
    unit = folders.unit_of(file.as_posix()) or ""
    stem = folders.stem(file.as_posix().removeprefix(f"{unit}/").split("/")[0])
    return next(path.as_posix() for path in folders.fingerprinted_artefacts(unit) if folders.stem(path) == stem)


def is_refused(file: Path, artefact: str) -> bool:
    """Return whether the next reader of a file refuses it."""
    readers: dict[str, Callable[[], object]] = {
        "pointer": lambda: pointers.read(file.with_suffix("").as_posix()),
        "ledger": index.read_ledger,
        "provenance": lambda: provenance.read(file.parent.as_posix()),
    }
    try:
        readers.get(kind(file), lambda: manifest.check(artefact))()
    except HeirloomError:
        return True
    return False


def verified(file: Path) -> list[str]:
    """Return what `verify` says of a file, of the artefact that holds it, or of the lineage that it points to."""
    lines = [str(mismatch) for unit in verify() for mismatch in unit.mismatches]
    names = [file.as_posix(), file.with_suffix("").as_posix()]
    return [line for line in lines if any(name in line for name in names)]


def flip(file: Path, bit: int) -> None:
    content = bytearray(file.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def put_back(file: Path, content: bytes) -> None:
    with replacing(file) as temporary:
        temporary.write_bytes(content)


def test_two_hundred_flipped_bits_are_named_refused_and_repaired(recorded: RecordReport) -> None:
    files = sorted(path for path in Path("data").glob("*/**/*") if path.is_file() and not path.name.startswith("."))
    right = {file: file.read_bytes() for file in [*files, ledger.LEDGER]}
    artefacts = {file: artefact_of(file) for file in files if kind(file) not in ("pointer", "provenance")}
    flips: Counter[str] = Counter()
    for number in range(ROUNDS):
        draws = Stream(("flips", number)).generator()
        bits = {file: int(draws.integers(8 * len(content))) for file, content in right.items()}
        for file, bit in bits.items():
            flip(file, bit)
            assert verified(file), (file, bit)
            # a digit of a pointer or of the ledger may become another one: what these say is compared with the files, by `verify`
            assert is_refused(file, artefacts.get(file, "")) or kind(file) in ("pointer", "ledger"), (file, bit)
            put_back(file, right[file])
            flips[kind(file)] += 1
        for file, bit in bits.items():
            flip(file, bit)
        unrepaired = [outcome for outcome in repair([], Path("config.yaml")) if not outcome.road]
        assert unrepaired == []
        assert {file for file in right if file.read_bytes() != right[file]} == set()
    assert flips == {"artefact": 49, "fingerprint": 49, "manifest": 49, "provenance": 28, "pointer": 21, "ledger": 7}
