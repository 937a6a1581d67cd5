"""Descendants: what was made from an artefact, and what carries a row, counted as a loop over all rows counts it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage.descendants import FORMATS, Descendants, check_format, descendants
from heirloom.lineage.row_shares import RowKey, Shares, count

pytestmark = pytest.mark.usefixtures("made_project")

ORIGINAL = "data/text/origin/seed=0/gen=0/train.parquet"


def shares(result: Descendants) -> dict[str, Shares | None]:
    return {one.artefact.name: one.shares for one in result.all}


def rows_of(path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def test_all_that_was_made_from_a_model_follows_it_in_the_order_of_making() -> None:
    names = [*shares(descendants("text/replace/0/1:checkpoint"))]
    assert names == [f"text/replace/0/{generation}{name}" for generation in (2, 3) for name in ("", ":train", ":checkpoint")]


def test_a_real_row_is_counted_as_text_in_prompts_and_by_model() -> None:
    synthetic = rows_of("data/text/accumulate/seed=0/gen=1/synthetic.parquet")
    row = synthetic[4]["parent"]
    carriers = shares(descendants(f"text/real:train#0/{row}"))
    prompts = sum(one["parent"] == row for one in synthetic)
    assert prompts >= 1
    assert carriers["text/accumulate/0/1"] == Shares(20, 0, prompts, 20)
    assert carriers["text/origin/0/0"] == Shares(40, 1, 0, 0)
    training = rows_of("data/text/accumulate/seed=0/gen=3/train.parquet")
    writers = {recorded_sha256(f"data/text/{place}/checkpoint") for place in ("origin/seed=0/gen=0", *_generations("accumulate", 3))}
    expected = Shares(
        total=len(training),
        text=sum(one["kind"] == "real" and one["row"] == row for one in training),
        prompts=sum(one["parent"] == row for one in training),
        by_model=sum(one["model"] in writers for one in training),
    )
    assert carriers["text/accumulate/0/3:train"] == expected
    assert carriers["text/origin/0/0:checkpoint"] is None
    assert "text/real:tokenizer" in carriers


def _generations(regime: str, number: int) -> list[str]:
    return [f"{regime}/seed=0/gen={generation}" for generation in range(1, number)]


def test_a_row_that_no_model_was_trained_on_stays_in_the_pool() -> None:
    used = {one["row"] for one in rows_of(ORIGINAL)}
    unused = next(row for row in range(1000) if row not in used)
    assert [*shares(descendants(f"text/real:train#0/{unused}"))] == ["text/real:train", "text/real:tokenizer"]


def test_a_synthetic_row_is_followed_within_its_own_lineage() -> None:
    carriers = shares(descendants("text/replace/0/1#1/3"))
    assert carriers["text/replace/0/1"] == Shares(20, 1, 0, 0)
    assert carriers["text/replace/0/2"] == Shares(20, 0, 0, 20)
    assert not any("accumulate" in name or "origin" in name for name in carriers)


def test_a_chains_models_count_as_carriers_where_the_model_it_began_with_is_one() -> None:
    first = rows_of("data/normal/origin/seed=0/gen=0/train.parquet")[0]
    carriers = shares(descendants(f"normal/real:train#0/{first['row']}/{first['replica']}"))
    found = carriers["normal/keep/0/3"]
    assert found is not None
    assert found.by_model == found.total == 30
    assert carriers["normal/keep/0:trajectory"] is None


def test_a_count_reads_every_row_group_once_that_may_hold_the_row(tmp_path: Path) -> None:
    table = pq.read_table("data/text/accumulate/seed=0/gen=3/train.parquet")
    pq.write_table(table, tmp_path / "groups.parquet", row_group_size=7)
    one, other = Path("data/text/accumulate/seed=0/gen=3/train.parquet"), tmp_path / "groups.parquet"
    for row in table.to_pylist()[::9]:
        key = RowKey(row["row"], row["born"])
        assert count(one, key, None) == count(other, key, None)
        assert count(one, key, set()).text >= 1


def test_both_formats_say_the_same_and_another_is_refused() -> None:
    result = descendants("text/replace/0/1#1/3")
    content = json.loads(FORMATS["json"](result))
    assert [one["reference"] for one in content["descendants"]] == [*shares(result)]
    assert FORMATS["table"](result).splitlines()[-1] == "text/replace/0/1#1/3: 6 datasets, 3 models, 0 other artefacts"
    with pytest.raises(HeirloomError, match=r"^--format dot: allowed are table, json$"):
        check_format("dot")


def test_a_dataset_that_must_be_read_and_is_not_here_is_named() -> None:
    shutil.move("data/text/replace/seed=0/gen=1/synthetic.parquet", "elsewhere.parquet")
    row = rows_of(ORIGINAL)[0]["row"]
    with pytest.raises(HeirloomError, match=r"^text/replace/0/1: recorded, but not here; fetch it with dvc pull"):
        descendants(f"text/real:train#0/{row}")
