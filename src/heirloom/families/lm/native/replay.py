"""Work on a GPU that is launched once and replayed: a CUDA graph of kernels that find their inputs where they found them before."""

from __future__ import annotations

from collections.abc import Callable

import torch

Work = Callable[[], None]

WARM_UPS = 3  # libraries choose their kernels and take their memory in the first calls, which a capture forbids


def captured(work: Work) -> Work:
    """Return what does ``work`` again by replaying it, some microseconds for any number of kernels.

    As torch's notes on CUDA graphs ask for: the work is run on a side stream first, reads and writes tensors that stay where they are, has
    the same shapes every time, and never waits for the GPU. Here and in the capture it is run, so what it changes must not matter yet.
    """
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()

    def replay() -> None:
        graph.replay()

    return replay
