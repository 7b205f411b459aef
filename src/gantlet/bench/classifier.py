"""A small classifier of grey pictures, trained where it is needed, as judge and as features."""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

Grey = UInt8[np.ndarray, "n h w"]
BATCH = 128
AT_ONCE = 1_000
RATE = 2e-3


class Classifier(nn.Module):
    """Three convolutions and two linear maps; the last hidden layer has 128 features."""

    def __init__(self, side: int, classes: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(48, 96, 3, padding=1), nn.BatchNorm2d(96), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(96 * (side // 4) ** 2, 128), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(128, classes)

    def forward(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b classes"]:
        return self.head(self.body(x))


def trained(x: Grey, y: Int[np.ndarray, "n"], *, epochs: int, seed: int = 0) -> Classifier:
    """A classifier of x by y, its rate falling to nought over the epochs."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Classifier(x.shape[1], int(y.max()) + 1)
        steps = epochs * (len(x) // BATCH)
        optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=steps)
        for _ in range(epochs):
            for rows in torch.randperm(len(x))[: len(x) // BATCH * BATCH].view(-1, BATCH):
                loss = cross_entropy(net(_encoded(x[rows.numpy()])), torch.from_numpy(y[rows]))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
    return net.eval()


def predicted(net: Classifier, x: Grey) -> Int[np.ndarray, "n"]:
    """The most likely class of each picture."""
    with torch.no_grad():
        parts = [net(_encoded(part)).argmax(1) for part in _parts(x)]
    return torch.cat(parts).numpy()


def features(net: Classifier, x: Grey) -> Float[np.ndarray, "n 128"]:
    """The last hidden layer's activations, float64."""
    with torch.no_grad():
        parts = [net.body(_encoded(part)).double() for part in _parts(x)]
    return torch.cat(parts).numpy()


def accuracy(net: Classifier, x: Grey, y: Int[np.ndarray, "n"]) -> float:
    """Share of pictures whose class is predicted right."""
    return float((predicted(net, x) == y).mean())


def _parts(x: Grey) -> list[np.ndarray]:
    return [x[start : start + AT_ONCE] for start in range(0, len(x), AT_ONCE)]


def _encoded(x: Grey) -> Float[Tensor, "b 1 h w"]:
    return torch.from_numpy(x.astype(np.float32))[:, None] / 127.5 - 1
