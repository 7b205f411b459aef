"""Where the work is done: device, precision, memory format, and gradients over processes."""

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gantlet.config import ConfigError
from gantlet.types import Scalars

PRECISIONS = ("float32", "bfloat16", "float64")


def best_device() -> str:
    """CUDA before MPS before the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def opened(name: str) -> torch.device:
    """The device of that name, if the machine has it."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device = 'cuda': no CUDA GPU is usable here; see `gantlet doctor`")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device = 'mps': no Apple GPU is usable here; see `gantlet doctor`")
    if name == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(name)


def placed(network: nn.Module, device: torch.device, precision: str) -> nn.Module:
    """The network on its device, channels last: measured a tenth faster on a CPU as well."""
    dtype = torch.float64 if precision == "float64" else torch.float32
    return network.to(device, dtype).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - torch's overloads lack it


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """bfloat16 where it was asked for; weights and optimizer stay float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


class World(NamedTuple):
    """The processes that train together, one a device, as torchrun starts them."""

    rank: int = 0
    size: int = 1

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Every gradient summed over the processes, in one message."""
        if self.size == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(flat)
        for gradient, part in zip(
            gradients, flat.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))

    def mean(self, scalars: Scalars) -> Scalars:
        """Every scalar averaged over the processes."""
        if self.size == 1 or not scalars:
            return scalars
        stacked = torch.stack([value.double() for value in scalars.values()])
        dist.all_reduce(stacked)
        return dict(zip(scalars, stacked / self.size, strict=True))

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()

    def agreed(self, value: float) -> float:
        """Process 0's value, in all of them."""
        if self.size == 1:
            return value
        box = torch.tensor([value], dtype=torch.float64)
        if dist.get_backend() == "nccl":
            box = box.cuda()
        dist.broadcast(box, 0)
        return box.item()


def joined() -> World:
    """The world that torchrun's environment describes; alone without it."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World()
    if not dist.is_initialized():
        dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return World(dist.get_rank(), size)
