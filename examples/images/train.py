"""Train: read images, fit a model, write it into a new folder. Here a normal distribution along the directions that vary most."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

rows_file, checkpoint, settings_file = map(Path, sys.argv[1:])
directions = json.loads(settings_file.read_text())["directions"]
pixels = np.stack(pq.read_table(rows_file)["x"].to_numpy()) / 255  # shape (rows, pixels of an image)
mean = pixels.mean(axis=0)
_, spreads, axes = np.linalg.svd(pixels - mean, full_matrices=False)
checkpoint.mkdir()
np.savez(checkpoint / "model.npz", mean=mean, spreads=spreads[:directions] / len(pixels) ** 0.5, axes=axes[:directions])
print(f"fitted to {len(pixels)} images")
