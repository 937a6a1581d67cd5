#!/usr/bin/env bash
# datasets 5.2: of two Parquet files whose column has two types, the numbers of the second become text, without a word.
#
# The first file holds text, the second whole numbers, under one name. One would expect the refusal that another order of the
# same two files gets. The reader takes the first file's schema for all and casts: text is not cast to
# numbers, numbers are cast to text. Exits 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet datasets==5.2.0 pyarrow==26.0.1
HF_HOME="$folder/home" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

datasets.disable_progress_bars()
folder = Path(sys.argv[1])
pq.write_table(pa.table({"text": ["a river", "a castle"]}), folder / "words.parquet")
pq.write_table(pa.table({"text": pa.array([5, 6])}), folder / "numbers.parquet")


def read(*names: str) -> list[object] | str:
    files = [str(folder / name) for name in names]
    try:
        return datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder / "cache"))["text"][:]
    except datasets.exceptions.DatasetGenerationError as error:
        return f"{type(error).__name__}, because of {type(error.__cause__).__name__}"


print("datasets", datasets.__version__, "pyarrow", pa.__version__)
rows, other_order = read("words.parquet", "numbers.parquet"), read("numbers.parquet", "words.parquet")
print("words.parquet, numbers.parquet:", rows)
print("numbers.parquet, words.parquet:", other_order)
if rows != ["a river", "a castle", "5", "6"]:
    sys.exit("changed: the numbers are not read as text")
if not isinstance(other_order, str):
    sys.exit("changed: the other order is read")
PYTHON
