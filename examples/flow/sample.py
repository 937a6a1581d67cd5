"""Sample: follow the velocity from noise to an image, in Euler's steps."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from network import Velocity
from safetensors.torch import load_file

EULER_STEPS = 40

checkpoint, num_rows, rows_file, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
settings = json.loads((checkpoint / "settings.json").read_text())
tensors = load_file(checkpoint / "model.safetensors")
mean, axes, scale = (tensors.pop(name) for name in ("mean", "axes", "scale"))
network = Velocity(len(axes), settings["width"])
network.load_state_dict(tensors)
places = torch.randn((num_rows, len(axes)), generator=torch.Generator().manual_seed(seed))
with torch.no_grad():
    for step in range(EULER_STEPS):
        places = places + network(places, torch.full((num_rows, 1), step / EULER_STEPS)) / EULER_STEPS
pixels = (mean + scale * places.double() @ axes).numpy()
pq.write_table(pa.table({"x": list(np.clip(255 * pixels, 0, 255).round().astype(np.uint8))}), rows_file)
