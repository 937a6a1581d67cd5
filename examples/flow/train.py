"""Train: a flow-matching model of images (Lipman et al. 2023): a small network learns the velocity from noise to data.

Images are seen by their coordinates along the directions in which the training images vary most, scaled to spread 1.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from network import Velocity
from safetensors.torch import save_file

rows_file, checkpoint, settings_file, seed = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
settings = json.loads(settings_file.read_text())
pixels = np.stack(pq.read_table(rows_file)["x"].to_numpy()) / 255
mean = pixels.mean(axis=0)
_, spreads, axes = np.linalg.svd(pixels - mean, full_matrices=False)
axes = axes[: settings["directions"]]
scale = float(spreads[0] / len(pixels) ** 0.5)  # one for all directions, so that a small one stays small
data = torch.tensor((pixels - mean) @ axes.T / scale, dtype=torch.float32)
noise = torch.Generator().manual_seed(seed)
with torch.random.fork_rng():
    torch.manual_seed(seed)
    network = Velocity(data.shape[1], settings["width"])
optimiser = torch.optim.Adam(network.parameters(), lr=settings["learning_rate"])
for step in range(settings["steps"]):
    ends = data[torch.randint(len(data), (settings["batch_rows"],), generator=noise)]
    starts = torch.randn(ends.shape, generator=noise)
    times = torch.rand((len(ends), 1), generator=noise)
    velocity = network(starts + times * (ends - starts), times)
    loss = ((velocity - (ends - starts)) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if step % 500 == 0:
        print(f"step {step}: loss {loss.item():.4f}")
checkpoint.mkdir()
frame = {"mean": torch.tensor(mean), "axes": torch.tensor(axes.copy()), "scale": torch.tensor(scale)}
save_file({**network.state_dict(), **frame}, checkpoint / "model.safetensors")
(checkpoint / "settings.json").write_text(json.dumps(settings))
