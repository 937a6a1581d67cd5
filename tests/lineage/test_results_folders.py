"""The records of results, in the folder of each config: verified, and put back, each for itself."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from damage import flip_a_bit
from heirloom import digests, results
from heirloom.lineage import provenance, restore, verify_records

TABLE = pa.table({"value": [1.0, 2.0]})
RECORD = {"rule": "summarise", "input": [], "shellcmd": "heirloom summarise"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def finish(folder: str) -> str:
    """Leave a table, and what Snakemake and Heirloom have noted of the job that made it; return the table's path."""
    table = results.in_folder(folder).metrics
    digests.write_parquet(TABLE, table)
    provenance.write(folder, {table: provenance.kept_record(table, RECORD)})
    return table


def test_a_damaged_table_of_another_config_is_named_with_the_command_that_repairs_it() -> None:
    for folder in ("results", "results/lm"):
        finish(folder)
    assert verify_records.results_mismatches() == []
    flip_a_bit(Path("results/lm/metrics.parquet"))
    (mismatch,) = verify_records.results_mismatches()
    assert str(mismatch) == (
        "results/lm/metrics.parquet: not the bytes that results/lm/metrics.fingerprint.json records;"
        " heirloom summarise --config lm.yaml writes it again"
    )
    Path("results/lm/provenance.jsonl").write_text("{}\n")
    assert str(verify_records.results_mismatches()[1]) == (
        "results/lm/provenance.jsonl: not as it was written; git checkout -- results/lm/provenance.jsonl repairs it"
    )


@pytest.mark.parametrize("name", ["metrics", "onset", "theory", "profile", "groups", "ranking", "tasks", "costs"])
def test_a_table_whose_digest_is_gone_is_named(name: str) -> None:
    finish("results")
    table = results.DEFAULT.metrics if name == "metrics" else f"results/{name}.{'parquet' if name == 'costs' else 'csv'}"
    if name != "metrics":
        digests.write_parquet(TABLE, table)
    assert verify_records.results_mismatches() == []
    Path(f"results/{name}.fingerprint.json").unlink()
    way_back = "delete it, and heirloom record gathers it again" if name == "costs" else "heirloom summarise writes it again"
    (mismatch,) = verify_records.results_mismatches()
    assert str(mismatch) == f"{table}: its digest results/{name}.fingerprint.json is missing; {way_back}"


def test_a_clone_knows_the_jobs_of_every_config() -> None:
    tables = [finish(folder) for folder in ("results", "results/lm")]
    assert restore.restore() == 2
    assert set(provenance.live()) == {"results", "results/lm"}
    assert [provenance.live()[folder][table]["rule"] for folder, table in zip(results.folders(), tables, strict=True)] == ["summarise"] * 2
    assert restore.restore() == 0


def test_a_copy_of_a_folder_of_results_puts_back_nothing() -> None:
    table = finish("results")
    Path("results/copy").mkdir()
    line = json.loads(Path("results/provenance.jsonl").read_text())
    old = {key: value for key, value in line.items() if key != "digest"} | {"shellcmd": "an earlier command"}
    Path("results/copy/provenance.jsonl").write_text(provenance.text({table: old}))
    assert restore.restore() == 1
    assert provenance.live()["results"][table]["shellcmd"] == RECORD["shellcmd"]
