#!/usr/bin/env bash
# pyarrow 26.0: a cast from list_view to large_list returns an array that is not valid, and no error.
#
# Three rows, [1, 2], null and [2, 1], are a valid list_view. One would expect the same three rows as a large_list. Its last
# offset is 0 where 4 is due, which validate(full=True) says and the cast does not. flatten() and list_value_length()
# give what the right rows are made of. Exits 1 if the behaviour has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import pyarrow as pa
import pyarrow.compute as pc

rows = [[1, 2], None, [2, 1]]
views = pa.array(rows, pa.list_view(pa.int64()))
views.validate(full=True)
print("pyarrow", pa.__version__, "rows of the list_view, which is valid:", views.to_pylist())

lists = views.cast(pa.large_list(pa.int64()))
print("offsets after the cast:", lists.offsets.to_pylist(), "and those that are right: [0, 2, 2, 4]")
try:
    lists.validate(full=True)
except pa.ArrowInvalid as error:
    print("validate(full=True):", error)
else:
    sys.exit("changed: the array after the cast is valid")

lengths = pc.fill_null(pc.list_value_length(views), 0).to_pylist()
print("list_value_length:", lengths, "flatten:", views.flatten().to_pylist())
if (lengths, views.flatten().to_pylist()) != ([2, 0, 2], [1, 2, 2, 1]):
    sys.exit("changed: list_value_length or flatten")
PYTHON
