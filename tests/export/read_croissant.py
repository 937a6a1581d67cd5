# mypy: ignore-errors
"""Run in the environment of mlcroissant: print what it says of a Croissant file, and the records that it reads, as JSON."""

from __future__ import annotations

import json
import sys

import mlcroissant

try:
    dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
    issues = dataset.metadata.ctx.issues
    records = {}
    for record_set in dataset.metadata.record_sets:
        rows = list(dataset.records(record_set.id))
        records[record_set.id] = [
            {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()} for row in rows
        ]
    print(json.dumps({"warnings": sorted(issues.warnings), "records": records}))
except Exception as error:  # noqa: BLE001  whatever it raises is its answer
    print(json.dumps({"refused": f"{error!r} {error.__cause__!r} {error.__context__!r}"}))
