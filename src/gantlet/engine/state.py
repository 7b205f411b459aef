"""Everything that training changes, and its exact way to tensors and JSON and back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gantlet.config import ConfigError
from gantlet.regularizers import Anchors, Moments, initial_moments

ANCHOR_MEMORY = 0.99  # of the running means of D's logits, per step.  Tseng et al. 2021


@dataclass
class TrainState:
    """Two players, the average of one, their optimizers, and where training stands."""

    G: nn.Module
    D: nn.Module
    G_ema: nn.Module
    opt_G: torch.optim.Adam
    opt_D: torch.optim.Adam
    seed: int
    origin: dict[str, Moments]
    anchors: Anchors
    step: int = 0
    images: int = 0  # reals shown to D
    clock: list[float] = field(default_factory=list)  # progress at each step done
    elapsed: float = 0.0  # seconds of the budget used up
    augment_p: float = 0.0
    lr_scale: float = 1.0  # halved at each roll-back
    rollbacks: int = 0
    micro_batch: int | None = None  # samples at once; none: the whole batch

    def __post_init__(self) -> None:
        # Walking a module tree at every step would cost a small network a quarter of its time.
        self.weights_G = [p for p in self.G.parameters() if p.requires_grad]
        self.weights_D = [p for p in self.D.parameters() if p.requires_grad]
        self._all_G, self._all_ema = list(self.G.parameters()), list(self.G_ema.parameters())
        self._noted_G, self._noted_ema = list(self.G.buffers()), list(self.G_ema.buffers())

    @property
    def device(self) -> torch.device:
        return self.weights_G[0].device

    @property
    def dtype(self) -> torch.dtype:
        return self.weights_G[0].dtype

    @property
    def progress(self) -> float:
        """Share of the budget used up, as last recorded."""
        return self.clock[-1] if self.clock else 0.0

    @property
    def is_finite(self) -> bool:
        """Whether every weight is."""
        weights = [*self.G.parameters(), *self.D.parameters(), *self.G_ema.parameters()]
        norms = torch.stack(torch._foreach_norm(weights, torch.inf))  # pyright: ignore[reportPrivateImportUsage, reportArgumentType] - torch names no public one
        return bool(torch.isfinite(norms).all())

    def average(self, keep: float) -> None:
        """G_ema ← keep · G_ema + (1 − keep) · G; buffers are copied."""
        with torch.no_grad():
            torch._foreach_lerp_(self._all_ema, self._all_G, 1 - keep)  # pyright: ignore[reportPrivateImportUsage, reportArgumentType, reportCallIssue] - torch names no public one
            if self._noted_G:
                torch._foreach_copy_(self._noted_ema, self._noted_G)  # pyright: ignore[reportPrivateImportUsage] - torch names no public one

    def remember(self, real: Tensor, fake: Tensor) -> None:
        """Moves the running means of D's logits towards this step's."""
        keep = ANCHOR_MEMORY if self.step else 0.0
        self.anchors = Anchors(
            self.anchors.real * keep + real.to(self.anchors.real) * (1 - keep),
            self.anchors.fake * keep + fake.to(self.anchors.fake) * (1 - keep),
        )

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Every tensor of the state, by file."""
        return {
            "G": self.G.state_dict(),
            "D": self.D.state_dict(),
            "G_ema": self.G_ema.state_dict(),
            "training": {
                **_optimizer_tensors("opt_G", self.opt_G),
                **_optimizer_tensors("opt_D", self.opt_D),
                "anchor_real": self.anchors.real,
                "anchor_fake": self.anchors.fake,
                "clock": torch.tensor(self.clock, dtype=torch.float64),
            },
        }

    def meta(self) -> dict[str, Any]:
        """Everything else, as JSON keeps it (floats survive exactly)."""
        return {
            "seed": self.seed,
            "step": self.step,
            "images": self.images,
            "elapsed": self.elapsed,
            "augment_p": self.augment_p,
            "lr_scale": self.lr_scale,
            "rollbacks": self.rollbacks,
            "micro_batch": self.micro_batch,
            "origin": {name: list(moments) for name, moments in self.origin.items()},
        }

    def restore(self, tensors: Mapping[str, Mapping[str, Tensor]], meta: Mapping[str, Any]) -> None:
        """The state that `tensors` and `meta` were taken from, bit for bit."""
        for name, network in (("G", self.G), ("D", self.D), ("G_ema", self.G_ema)):
            fill(network, tensors[name], "this run")
        training = tensors["training"]
        _restore_optimizer("opt_G", self.opt_G, training)
        _restore_optimizer("opt_D", self.opt_D, training)
        self.anchors = Anchors(
            training["anchor_real"].to(self.device), training["anchor_fake"].to(self.device)
        )
        self.clock = training["clock"].tolist()
        self.origin = {name: Moments(*pair) for name, pair in meta["origin"].items()}
        for name in (
            "seed", "step", "images", "elapsed", "augment_p", "lr_scale", "rollbacks",
            "micro_batch",
        ):  # fmt: skip
            setattr(self, name, meta[name])


def fill(network: nn.Module, weights: Mapping[str, Tensor], whose: str) -> None:
    """Puts a checkpoint's weights into a network.

    Raises:
        ConfigError: they are those of another network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ConfigError(
            f"{whose}: its weights do not fit its networks as this Gantlet builds them; it was "
            "made by another version, or its run.json was edited: train anew with --new, or bring "
            "that version back"
        ) from error


def started(G: nn.Module, D: nn.Module, G_ema: nn.Module, seed: int) -> TrainState:
    """The state before the first step; `G_ema` is a second G, overwritten with G's weights."""
    G_ema.load_state_dict(G.state_dict())
    G_ema.requires_grad_(False)
    some = next(G.parameters())
    return TrainState(
        G=G,
        D=D,
        G_ema=G_ema,
        opt_G=_adam(G),
        opt_D=_adam(D),
        seed=seed,
        origin=initial_moments(G),
        anchors=Anchors(some.new_zeros(()), some.new_zeros(())),
    )


def _adam(player: nn.Module) -> torch.optim.Adam:
    # Rates and betas are set before every step by the schedule; betas must both be floats.
    return torch.optim.Adam(player.parameters(), lr=1.0, betas=(0.0, 0.99), eps=1e-8, fused=True)


def _optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    entries = optimizer.state_dict()["state"]
    return {
        f"{prefix}/{index}/{name}": value
        for index, values in entries.items()
        for name, value in values.items()
    }


def _restore_optimizer(
    prefix: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    entries: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(prefix + "/"):
            _, index, name = key.split("/")
            entries.setdefault(int(index), {})[name] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": entries, "param_groups": groups})
