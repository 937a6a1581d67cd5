"""Measure: the Fréchet distance of a generation's images from held-out ones (Dowson and Landau 1982), as for FID (Heusel et al. 2017).

Features are the coordinates along the 20 directions in which held-out images vary most: no network was trained for them.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

DIRECTIONS = 20

*rows_files, measures_file = sys.argv[1:]
images, real_images = (np.stack(pq.read_table(file)["x"].to_numpy()) / 255 for file in rows_files)
_, _, axes = np.linalg.svd(real_images - real_images.mean(axis=0), full_matrices=False)
features, real_features = (rows @ axes[:DIRECTIONS].T for rows in (images, real_images))
a, b = (np.cov(rows.T) for rows in (features, real_features))
values, vectors = np.linalg.eigh(a)
root = vectors @ np.diag(np.sqrt(values.clip(0))) @ vectors.T
cross = np.sqrt(np.linalg.eigvalsh(root @ b @ root).clip(0)).sum()  # the trace of the root of a b
gap = features.mean(axis=0) - real_features.mean(axis=0)
Path(measures_file).write_text(json.dumps({"frechet_distance": float(gap @ gap + np.trace(a) + np.trace(b) - 2 * cross)}))
