"""Network families by name."""

from gantlet.networks.base import Family, Task, task_of
from gantlet.networks.chain import CHAIN
from gantlet.networks.course import COURSE
from gantlet.networks.dcgan import DCGAN
from gantlet.networks.mlp import MLP
from gantlet.networks.resnet import RESNET
from gantlet.networks.swift import SWIFT

NETWORKS: dict[str, Family] = {
    "mlp": MLP,
    "dcgan": DCGAN,
    "resnet": RESNET,
    "swift": SWIFT,
    "chain": CHAIN,
    "course": COURSE,
}

__all__ = ["NETWORKS", "Family", "Task", "task_of"]
