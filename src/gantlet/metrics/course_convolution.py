"""A small convolution over series, their steps and what is missing, as one of two judges."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from gantlet.metrics.courses import Set, Windows, carried

WIDTH = 32
BATCH = 128
UPDATES = 400
RATE, DECAY = 3e-3, 1e-2
FAR = 8.0  # standard deviations


class Convolution(nn.Module):
    """Three convolutions along time, then the mean and the largest of each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inner, stride in ((channels, 1), (WIDTH, 2), (WIDTH, 2)):
            layers += [nn.Conv1d(inner, WIDTH, 3, stride, padding=1), nn.LeakyReLU(0.1)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(2 * WIDTH, WIDTH), nn.LeakyReLU(0.1), nn.Dropout(0.2), nn.Linear(WIDTH, 1)
        )

    def forward(self, x: Float[Tensor, "b c t"]) -> Float[Tensor, "b"]:
        seen = self.body(x)
        return self.head(torch.cat([seen.mean(2), seen.amax(2)], 1))[:, 0]


def convolution_logits(
    train: Windows, is_real: Bool[np.ndarray, "n"], others: Sequence[Set], seed: int
) -> list[Float64[np.ndarray, "m"]]:
    """Above 0 where a convolution, trained on the first, takes a series of the others for real.

    Both kinds are drawn equally often. The random state outside is left as it is.
    """
    x = _channels(train)
    mean, scale = x.mean((0, 2), keepdims=True), x.std((0, 2), keepdims=True) + 1e-9
    given = _tensor((x - mean) / scale)
    rng = np.random.default_rng(seed)
    kinds = [np.flatnonzero(is_real), np.flatnonzero(~is_real)]
    truth = torch.arange(BATCH).lt(BATCH // 2).float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = Convolution(x.shape[1])
        optimizer = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
        rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=UPDATES)
        for _ in range(UPDATES):
            places = np.concatenate([rng.choice(kind, BATCH // 2) for kind in kinds])
            loss = binary_cross_entropy_with_logits(net(given[places]), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            rates.step()
    net.eval()
    with torch.inference_mode():
        return [net(_tensor((_channels(part) - mean) / scale)).double().numpy() for part in others]


def _channels(values: Windows) -> Float64[np.ndarray, "n k t"]:
    """Values, values less their mean, steps, steps of steps, and which are missing."""
    x = carried(values)
    first = np.diff(x, axis=1, prepend=x[:, :1])
    second = np.diff(first, axis=1, prepend=first[:, :1])
    parts = [x, x - x.mean(1, keepdims=True), first, second, (~np.isfinite(values)).astype(float)]
    return np.concatenate(parts, axis=2).transpose(0, 2, 1)


def _tensor(x: Float64[np.ndarray, "n k t"]) -> Tensor:
    return torch.from_numpy(np.clip(x, -FAR, FAR).astype(np.float32))
