"""A model of `transformers` in training on several processes, each of which holds a part of every weight (FSDP2).

Weights, gradients and AdamW's averages are divided; a block's whole weights exist in a process only while the block computes. Zhao et al.
(2023), "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel", by `torch.distributed.fsdp.fully_shard`.

All processes must make the same forward and backward passes, because each pass brings the parts of the weights together. A process that
has no rows left computes a row whose loss counts nothing (`loop`, `rows`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from heirloom.families.lm.library.learner import Learner
from heirloom.families.lm.library.model import CausalLM
from heirloom.families.lm.network import Batch
from heirloom.runtime import device, processes
from heirloom.runtime.streams import Stream
from heirloom.specs.causal_lm import CausalTraining


@dataclass(frozen=True)
class Shards:
    """The parts that each process holds of the parameters of a sharded module; a `layout.Layout`."""

    parameters: Mapping[str, DTensor]

    is_sharded = True

    def add_up(self, weights: Mapping[str, Tensor], loss: Tensor) -> None:
        """Sum the loss over all processes; the gradients are summed already."""
        processes.add_up([loss])

    def norm(self, norm: Tensor) -> Tensor:
        """Return the root of the sum of squares over all processes."""
        square = norm.square()
        processes.add_up([square])
        return square.sqrt()

    def num_passes(self, num_rows: int, at_once: int) -> int:
        """Return how many forward passes the process with the most rows makes: at least one, and as many as all the others."""
        return math.ceil(math.ceil(num_rows / processes.count()) / at_once)

    def whole(self, name: str, part: Tensor) -> Tensor:
        """Return the whole of what all processes hold parts of, in the host's memory; a number is whole already."""
        if part.ndim == 0:
            return part
        parameter = self.parameters[name]
        mesh, placements, stride = parameter.device_mesh, parameter.placements, parameter.stride()
        parts = DTensor.from_local(part, mesh, placements, run_check=False, shape=parameter.shape, stride=stride)
        whole: Tensor = parts.full_tensor()
        return whole.cpu()

    def part(self, name: str, whole: Tensor) -> Tensor:
        """Return the part of the whole that this process holds; a number is in all of them."""
        if whole.ndim == 0:
            return whole
        parameter = self.parameters[name]
        return _local(distribute_tensor(whole.to(parameter.device), parameter.device_mesh, parameter.placements, src_data_rank=None))


def _local(sharded: Any) -> Tensor:
    """Return the part of a sharded tensor that this process holds, in the same memory."""
    part: Tensor = sharded.detach().to_local()
    return part


@dataclass(frozen=True)
class ShardedLearner:
    """A learner whose weights are divided over all processes; a `network.Learner`.

    Parameters
    ----------
    learner
        Its module is sharded in place.
    unsharded
        The module as it was before, in the host's memory: what is saved has its form.
    weights
        The parts of the weights that learn which this process holds, by name.
    layout
        Which parts they are.
    """

    learner: Learner
    unsharded: Any
    weights: Mapping[str, Tensor]
    layout: Shards

    @classmethod
    def of(cls, start: CausalLM, fit: CausalTraining, stream: Stream) -> ShardedLearner:
        """Return a learner apart from ``start``, whose weights move to the host's memory; ``stream`` draws new weights."""
        start.module.cpu()
        learner = Learner.of(start, fit, stream)
        module = learner.pupil.module.cpu()
        unsharded = copy.deepcopy(module)
        _shard(module)
        parameters = {name: cast("DTensor", weight) for name, weight in module.named_parameters()}
        weights = {name: _local(weight) for name, weight in parameters.items() if weight.requires_grad}
        return cls(learner, unsharded, weights, Shards(parameters))

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.learner.device

    @property
    def network(self) -> CausalLM:
        """The model as its weights are now, which all processes must call together."""
        return self.learner.network

    def noise(self, stream: Stream) -> AbstractContextManager[None]:
        """Let dropout draw from a stream."""
        return self.learner.noise(stream)

    def add_gradients(self, batch: Batch) -> Tensor:
        """Add the gradients of the batches of all processes to those of the parts; return this process's part of the loss."""
        parameters = self.layout.parameters
        for name, weight in self.weights.items():
            if weight.grad is None:
                parameters[name].grad = None
        loss = self.learner.add_gradients(batch)
        for name, weight in self.weights.items():
            gradient = parameters[name].grad
            weight.grad = None if gradient is None else _local(gradient)
        return loss

    def apart(self) -> Learner:
        """Return a learner of this process alone, with the whole weights in the host's memory."""
        module = copy.deepcopy(self.unsharded)
        with torch.no_grad():
            for name, weight in module.named_parameters():
                weight.copy_(self.layout.whole(name, _local(self.layout.parameters[name])))
        return replace(self.learner, pupil=CausalLM(module, self.learner.pupil.folder))

    def trained(self) -> CausalLM:
        """Return the whole model as it is saved, in the host's memory."""
        return self.apart().trained()


def _shard(module: Any) -> None:
    """Divide a module's parameters over all processes, each block by itself and what is left together; they move to their devices."""
    processes.wait_for_all()  # which makes them known to each other
    mesh = init_device_mesh(device.current().type, (processes.count(),))
    for block in _blocks(module):
        block.register_forward_hook(_cloned)
        fully_shard(block, mesh=mesh)
    fully_shard(module, mesh=mesh)
    for part in module.modules():
        if isinstance(part, FSDPModule):
            part.set_gradient_divide_factor(1.0)  # a step's loss is a sum over processes, not a mean
            part.set_force_sum_reduction_for_comms(True)


def _cloned(_module: torch.nn.Module, _inputs: Any, output: Any) -> Any:
    """Return what a block gives back as a tensor of its own: whoever wrote into a view of another would lose the block's gradient."""
    return output.clone() if isinstance(output, Tensor) else output


def _blocks(module: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Yield the blocks that a model is a stack of: the members of its outermost lists of modules."""
    for child in module.children():
        if isinstance(child, torch.nn.ModuleList):
            yield from child
        else:
            yield from _blocks(child)
