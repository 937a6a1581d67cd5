"""Grids of images: what is shown, and how it lies in the picture."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from heirloom.artefacts import kinds
from heirloom.config import Config, load, parse
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.report import kept_rows
from heirloom.report.figures import grid, plan
from helpers import seal_alone
from report.conftest import figure_of


def digits(**keys: Any) -> Config:
    body = {"family": {"name": "vae"}, "source": {"name": "mnist"}, "regimes": ["replace"], "generations": 20, "rows": 100, **keys}
    return parse({"regimes": {"replace": {}}, "experiments": {"digits": body}})


def generations_of_grid(config: Config) -> list[int]:
    return kept_rows.generations(config.experiments["digits"], grid.MAX_PICTURES)


def test_generations_are_spaced_from_the_real_images_to_the_last_that_is_kept() -> None:
    assert generations_of_grid(digits()) == [0, 4, 8, 12, 16, 20]
    assert generations_of_grid(digits(generations=3)) == [0, 1, 2, 3]
    assert generations_of_grid(digits(granularity="chain", snapshots=[2, 7])) == [0, 2, 7]


def test_a_config_names_the_sets_that_its_grids_show_of_the_first_seed() -> None:
    artefacts = plan.artefacts(digits(generations=1, seeds=[3, 4]))
    sets = [kinds.TRAIN.path("digits", "origin", 3, 0), kinds.SYNTHETIC.path("digits", "replace", 3, 1)]
    assert artefacts == {path: path for path in sets}


def test_images_lie_row_by_row_and_missing_ones_are_black() -> None:
    tiled = grid.mosaic(np.arange(1, 13, dtype=np.uint8)[:, None].repeat(4, axis=1))
    assert tiled.shape == (20, 20)
    assert tiled[:4:2, :6:2].tolist() == [[1, 2, 3], [11, 12, 0]]
    assert np.array_equal(tiled[:2, 2:4], [[2, 2], [2, 2]])


def test_a_picture_holds_the_first_images_of_its_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = digits(generations=1)
    for number, path in enumerate(plan.artefacts(config)):
        Path(path).parent.mkdir(parents=True)
        Dataset.of(vector_table(np.full((1, 101 - 60 * number, 16), 10 + number, np.uint8))).write(path)
        seal_alone(path)
    subject = figure_of(config, "digits", "grid").subject
    table = grid.numbers(subject, pd.DataFrame())
    assert table[["regime", "generation", "images"]].to_numpy().tolist() == [["replace", 0, 100], ["replace", 1, 41]]
    for (picture, images), level in zip(table[["picture", "images"]].itertuples(index=False), (10, 11), strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(picture.partition("base64,")[2]))))
        assert pixels.shape == (40, 40)
        assert pixels.sum() == level * images * 16
    chart: dict[str, Any] = grid.draw(subject, table).to_dict()
    assert chart["facet"]["row"]["sort"] == ["replace"]
    assert chart["spec"]["encoding"]["url"]["field"] == "picture"


@pytest.mark.parametrize("name", ["vae", "vae_paper"])
def test_presets_spend_equal_steps_on_images_seen_once_and_on_images_seen_again(name: str) -> None:
    experiments = load(Path(__file__).parents[2] / f"configs/{name}.yaml").experiments.values()
    for experiment in experiments:
        training: Any = experiment.family.training
        assert experiment.rows * training.epochs == experiment.source.rows * training.origin_epochs  # type: ignore[union-attr]
