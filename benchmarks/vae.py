"""Training of the VAE side by side with a bare PyTorch loop: same network, images, batches and steps, one thread.

    OMP_NUM_THREADS=1 python benchmarks/vae.py [turns]

Ours is the family's `train` as a job calls it: rows from Parquet, random order and noise from named streams, deterministic kernels. The
bare loop has modules, a tensor of images in memory and torch's own random numbers. Turns alternate, and the least
disturbed of each side counts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.families import vae
from heirloom.runtime.streams import Stream
from heirloom.specs.vae import VaeTraining

IMAGES = 1024
FIT = VaeTraining(origin_epochs=1).fit_settings(0, None)


class Bare(nn.Module):
    """The publication's network in PyTorch's own modules."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 64, 4, 2, 1), nn.ReLU(), nn.Conv2d(64, 128, 4, 2, 1), nn.ReLU(), nn.Flatten())
        self.mean, self.log_variance, self.linear = nn.Linear(6272, 20), nn.Linear(6272, 20), nn.Linear(20, 6272)
        spread = [nn.ConvTranspose2d(128, 64, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(64, 1, 4, 2, 1)]
        self.decoder = nn.Sequential(nn.Unflatten(1, (128, 7, 7)), *spread, nn.Sigmoid())

    def forward(self, images: Tensor) -> Tensor:
        """Return the loss summed over the batch."""
        hidden = self.encoder(images)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        decoded = self.decoder(self.linear(mean + torch.randn_like(mean) * (log_variance / 2).exp()))
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()
        return F.binary_cross_entropy(decoded, images, reduction="sum") + divergence


def bare(images: Tensor) -> None:
    """Train for an epoch."""
    model = Bare()
    optimiser = torch.optim.Adam(model.parameters(), lr=FIT.learning_rate, weight_decay=FIT.weight_decay)
    order = torch.randperm(len(images))
    for batch in order.split(FIT.batch_rows):
        optimiser.zero_grad()
        loss = model(images[batch])
        loss.backward()
        optimiser.step()


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds that a function takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main(turns: int) -> None:
    """Print milliseconds an image on both sides, and their ratio."""
    torch.set_num_threads(1)
    pixels = Stream(("benchmark",)).generator().integers(0, 256, (1, IMAGES, 784), dtype=np.uint8)
    images = torch.from_numpy(pixels[0]).float().div(255).view(-1, 1, 28, 28)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.parquet"
        Dataset.of(vector_table(pixels)).write(file)
        pairs = []
        for _ in range(turns):
            torch.use_deterministic_algorithms(False)
            theirs = cpu_seconds(lambda: bare(images))
            pairs.append((cpu_seconds(lambda: vae.train(Dataset.open(file), FIT, None, Stream(("train",)))), theirs))
    ours, baseline = (min(seconds) * 1000 / IMAGES for seconds in zip(*pairs, strict=True))
    print(f"ours {ours:.2f} ms an image, bare loop {baseline:.2f}: {ours / baseline:.2f} of its time (least of {turns} turns, CPU time)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
