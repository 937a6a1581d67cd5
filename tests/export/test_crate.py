"""RO-Crates: every file is described, every link leads somewhere, nothing unknown is said; the profile's validator agrees."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.artefacts.manifest import Input, inputs, seal
from heirloom.cli import commands
from heirloom.errors import HeirloomError
from heirloom.export.crate import SMALL, CrateCounts, export
from heirloom.lineage import ledger, references
from helpers import ROOT

CONFIG = Path("config.yaml")
OUT = Path("out")
GENERATION = "data/lm/keep/seed=0/gen=1"
SYNTHETIC = f"{GENERATION}/synthetic.parquet"
pytestmark = pytest.mark.usefixtures("project")

HERE = Path(__file__).parent
VALIDATOR = Path(os.environ.get("ROCRATE_VALIDATOR", ROOT / ".venv-crate/bin/rocrate-validator"))
"""In an environment of its own, because it needs another version of rich than the rest: tests/export/validator.txt."""

Entity = dict[str, Any]


def graph(crate: Path = OUT) -> dict[str, Entity]:
    """Return id → entity of a crate, ids unquoted."""
    entities = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    return {unquote(entity["@id"]): entity for entity in entities}


def ids(value: Any) -> list[str]:
    """Return the ids that a property links to."""
    return [unquote(one["@id"]) for one in (value if isinstance(value, list) else [value])]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_crate_describes_every_file_in_it_with_size_and_sha256() -> None:
    assert export("lm/keep/0", OUT, config=CONFIG, limit=None) == CrateCounts(artefacts=9, jobs=7, copied=9)
    described = {name: entity for name, entity in graph().items() if "File" in entity["@type"]}
    written = files(OUT)
    assert set(described) == set(written) - {"ro-crate-metadata.json"}
    for name, entity in described.items():
        digest_and_size = entity["sha256"], entity["contentSize"]
        assert digest_and_size == (hashlib.sha256(written[name]).hexdigest(), str(len(written[name]))), name
    assert {"Snakefile", "config.yaml", "rules/train.smk", SYNTHETIC, f"{GENERATION}/checkpoint/model.safetensors"} < set(described)


def test_every_link_in_a_crate_leads_to_an_entity_or_out_of_it() -> None:
    export("lm", OUT, config=CONFIG)
    entities = graph()

    def links(value: Any) -> list[str]:
        if isinstance(value, list):
            return [link for one in value for link in links(one)]
        return [unquote(value["@id"])] if isinstance(value, dict) else []

    targets = {link for entity in entities.values() for value in entity.values() for link in links(value)}
    assert {link for link in targets - set(entities) if not link.startswith("https://")} == set()


def test_a_job_says_what_went_in_what_came_out_and_with_what_software() -> None:
    export("lm/keep/0", OUT, config=CONFIG, limit=None)
    entities = graph()
    job = entities[f"#job-mix/{GENERATION}"]
    settings = f"#settings-mix/{GENERATION}"
    inputs = ["data/lm/real/train.parquet", "data/lm/origin/seed=0/gen=0/train.parquet", SYNTHETIC]
    assert ids(job["object"]) == [*inputs, settings]
    assert ids(job["result"]) == [f"{GENERATION}/train.parquet"]
    train = entities[f"{GENERATION}/train.parquet"]
    assert (ids(train["wasDerivedFrom"]), ids(train["wasGeneratedBy"])) == (inputs, [job["@id"].replace("%3D", "=")])
    manifest = read_json(f"{GENERATION}/train.manifest.json")
    assert json.loads(entities[settings]["value"]) == manifest["slice"]
    (tool,) = ids(job["instrument"])
    assert entities[tool]["softwareVersion"] == f"code {manifest['slice']['code']}"
    software = {(entities[one]["name"], entities[one]["softwareVersion"]) for one in ids(entities[tool]["softwareRequirements"])}
    environment = manifest["environment"]
    assert software == {*environment["libraries"].items(), ("python", environment["python"])}


def test_jobs_stand_in_the_order_in_which_they_ran_and_the_pretrained_model_follows_the_real_data() -> None:
    checkpoint = "data/lm/real/pretrained"
    shutil.copytree(f"{GENERATION}/checkpoint", checkpoint)
    source = Input("model_file", f"me/base@{'a' * 40}/model.safetensors", "b" * 64)
    seal([checkpoint], {"slice": {"step": "pretrained"}, "inputs": [source], "environment": {}})
    export("lm", OUT, config=CONFIG)
    entities = graph()
    steps = [unquote(one["@id"]) for one in entities["./"]["mentions"] if unquote(one["@id"]).startswith("#job-")]
    assert [step.partition("/")[0].removeprefix("#job-") for step in steps] == [
        *("real", "pretrained", "mix", "train", "sample", "mix", "train", "evaluate")
    ]
    (named,) = [one for one in entities.values() if one.get("name") == source.path]
    assert (named["sha256"], named["@type"]) == (source.sha256, "CreativeWork")


def test_every_source_file_is_named_with_its_hash() -> None:
    export("lm/keep/0", OUT, config=CONFIG)
    recorded = inputs(read_json("data/lm/real/train.manifest.json"), "source")
    hashes = {one.get("name"): one.get("sha256") for one in graph().values() if "source file" in str(one.get("description"))}
    assert hashes == {source.path: source.sha256 for source in recorded}


def test_a_large_artefact_is_named_by_its_hash_and_a_small_one_copied() -> None:
    counts = export("lm/keep/0", OUT, config=CONFIG, limit=2_000)
    sha256 = read_json(f"{GENERATION}/synthetic.fingerprint.json")["sha256"]
    name = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    entity = graph()[f"ni:///sha-256;{name}?path={SYNTHETIC}"]
    assert (entity["name"], entity["sha256"], entity["alternateName"]) == ("lm/keep/0/1", sha256, SYNTHETIC)
    assert counts.copied < counts.artefacts
    assert f"{GENERATION}/synthetic.manifest.json" in files(OUT)
    assert SYNTHETIC not in files(OUT)


def test_an_equal_project_gives_an_equal_crate_dated_by_its_commit() -> None:
    export("lm", OUT, config=CONFIG)
    export("lm", Path("again"), config=CONFIG)
    assert files(OUT) == files(Path("again"))
    assert graph()["./"]["datePublished"] == "2026-01-02T03:04:05+00:00"


def test_costs_stand_beside_the_job_that_they_are_known_of_and_no_time_is_made_up() -> None:
    row = {"step": "train", "experiment": "lm", "regime": "keep", "seed": 0, "generation": 1, "seconds": 1.5, "cpu_seconds": None}
    Path("results").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist([{**row, "commit": "abc", "changes": "def"}]), "results/costs.parquet")
    export("lm/keep/0", OUT, config=CONFIG)
    entities = graph()
    job = entities[f"#job-train/{GENERATION}"]
    (cost,) = ids(job["resourceUsage"])
    properties = [entities[cost][key] for key in ("name", "value", "unitCode")]
    assert properties == ["seconds", "1.5", "SEC"]
    assert "recorded at commit abc, with changes not committed (def)" in job["description"]
    assert "resourceUsage" not in entities[f"#job-mix/{GENERATION}"]
    assert [key for entity in entities.values() for key in entity if key in ("startTime", "endTime", "agent")] == []


def test_authors_and_licence_are_the_users() -> None:
    export("lm/keep/0", OUT, config=CONFIG, authors=["Ada Lovelace <https://orcid.org/0000-0002-1825-0097>", "Bob"])
    entities = graph()
    assert ids(entities["./"]["author"]) == ["https://orcid.org/0000-0002-1825-0097", "#bob"]
    assert entities["#bob"]["name"] == "Bob"
    assert ids(entities["./"]["license"]) == ["https://spdx.org/licenses/CC-BY-4.0"]
    with pytest.raises(HeirloomError, match="--author '<me>'"):
        export("lm/keep/0", Path("other"), config=CONFIG, authors=["<me>"])
    assert not Path("other").exists()


def test_one_author_is_one_link_as_the_specification_spells_it() -> None:
    export("lm/keep/0", OUT, config=CONFIG, authors=["Bob"])
    assert graph()["./"]["author"] == {"@id": "#bob"}


def test_an_input_whose_manifest_is_not_here_is_named_by_its_hash() -> None:
    for file in Path("data/lm/origin/seed=0/gen=0").glob("checkpoint*.json"):
        file.unlink()
    export("lm/keep/0/1", OUT, config=CONFIG)
    sha256 = inputs(read_json(f"{GENERATION}/checkpoint.manifest.json"), "start")[0].sha256
    assert [entity["@type"] for entity in graph().values() if entity.get("sha256") == sha256] == ["CreativeWork"]


def test_what_the_ledger_alone_tells_of_is_named_by_its_path_and_hash() -> None:
    ledger.write(references.units(None), [])
    origin = Path("data/bell/origin/seed=0/gen=0/checkpoint")
    sha256 = recorded_sha256(origin)
    Path("data/bell/origin/seed=0.dvc").touch()  # not pulled
    shutil.rmtree("data/bell/origin")
    export("bell/keep/0", OUT, config=CONFIG)
    named = [one for one in graph().values() if one.get("name") == str(origin)]
    assert [one["sha256"] for one in named] == [sha256]
    assert "bell/origin" not in json.dumps(sorted(files(OUT)))


def test_what_is_not_there_or_not_as_recorded_is_refused_in_one_line() -> None:
    with pytest.raises(HeirloomError, match="'lm/kept/0': nothing of that name"):
        export("lm/kept/0", OUT, config=CONFIG)
    rows = Path(SYNTHETIC)
    rows.write_bytes(rows.read_bytes() + b"?")
    with pytest.raises(HeirloomError, match=f"^{SYNTHETIC}: not the bytes that "):
        export("lm/keep/0", OUT, config=CONFIG, limit=SMALL)
    shutil.rmtree(".git")
    with pytest.raises(HeirloomError, match="this folder is no git repository"):
        export("lm/keep/0", OUT, config=CONFIG)
    assert not OUT.exists()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache for the validator with RO-Crate 1.1's JSON-LD context in it, so that it needs no network.

    The context is that of rocrate's own copy (RO-Crate 1.3) with Bioschemas' terms spelled as in 1.1; the terms that crates here use
    mean the same in both.
    """
    if not VALIDATOR.exists():
        assert os.environ.get("CI") != "true", f"{VALIDATOR}: missing"
        pytest.skip("no rocrate-validator: make .venv-crate")
    folder = tmp_path_factory.mktemp("cache")
    text = importlib.resources.files("rocrate").joinpath("data/ro-crate.jsonld").read_text(encoding="utf-8")
    (folder / "context.json").write_text(text.replace("https://bioschemas.org/terms/", "https://bioschemas.org/"))
    python = VALIDATOR.with_name("python")
    subprocess.run([python, HERE / "remember_context.py", folder / "http", folder / "context.json"], check=True)
    return folder / "http"


def faults(context: Path) -> set[str]:
    """Return what the validator says of the crate: the messages of all that the profile requires and the crate lacks."""
    where = ["--cache-path", str(context), "--offline", "--profile-identifier", "provenance-run-crate"]
    how = ["--output-format", "json", "--output-file", "report.json"]
    done = subprocess.run([VALIDATOR, "--no-interactive", "validate", *where, *how, OUT], capture_output=True, text=True, check=False)
    report = json.loads(Path("report.json").read_text())
    assert (done.returncode == 0) == report["passed"], done.stdout
    return {issue["message"] for issue in report["issues"]}


@pytest.mark.slow
@pytest.mark.system
def test_the_profiles_validator_finds_no_fault(context: Path) -> None:
    export("lm/keep/0", OUT, config=CONFIG, limit=2_000, authors=["Bob"])
    assert faults(context) == set()


@pytest.mark.slow
@pytest.mark.system
def test_the_profiles_validator_finds_what_was_tampered_with(context: Path) -> None:
    export("lm/keep/0", OUT, config=CONFIG)
    metadata = OUT / "ro-crate-metadata.json"
    content = json.loads(metadata.read_text())
    for entity in content["@graph"]:
        if entity["@id"].startswith("#job-mix"):
            del entity["instrument"]
    metadata.write_text(json.dumps(content))
    (OUT / "Snakefile").unlink()
    messages = faults(context)
    assert "The Action MUST have an instrument property that references the executed tool" in messages
    assert any("Snakefile" in message for message in messages)


def test_the_command_writes_no_crate_into_a_project_of_dvc_which_would_read_its_dvc_yaml() -> None:
    command = typer.main.get_command(commands.app)
    with pytest.raises(HeirloomError, match=r"^out: lies in this project, .*; name a folder outside, such as \.\./out$"):
        command.main(["export", "crate", "lm/keep/0", "out"], standalone_mode=False)
    assert not OUT.exists()
    command.main(["export", "crate", "lm/keep/0", "../crate"], standalone_mode=False)
    assert Path("../crate/dvc.yaml").is_file()
