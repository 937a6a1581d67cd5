"""Measure: how well a logistic regression that is fitted to synthetic rows tells real wives with an affair from those without."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

*rows_files, measures_file = sys.argv[1:]
NAMES = ("age", "yrs_married", "children", "educ", "rate_marriage", "religious")


def read(file: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaled features of rows, and whether there was an affair."""
    table = pq.read_table(file)
    features = np.stack([table[name].to_numpy() for name in NAMES], axis=1) / (50, 25, 6, 20, 5, 4)
    return features, table["affairs"].to_numpy() > 0


(x, y), (real_x, real_y) = map(read, rows_files)
auc = 0.5 if y.all() or not y.any() else roc_auc_score(real_y, LogisticRegression().fit(x, y).predict_proba(real_x)[:, 1])
zero_share = float(1 - y.mean())
Path(measures_file).write_text(json.dumps({"real_auc": float(auc), "zero_share": zero_share}))
