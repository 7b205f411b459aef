"""A trained GAN: what `gantlet.train` returns and `gantlet.load` opens."""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from gantlet import package
from gantlet.conditions import Clusters
from gantlet.config import ConfigError, build, plain
from gantlet.continuing import gone_on, require_time
from gantlet.files import explained
from gantlet.imputing import imputed
from gantlet.measure import Calibration
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Codec, Narrowing, Progress
from gantlet.narrowed import narrowed
from gantlet.networks import NETWORKS, Task
from gantlet.run import Run
from gantlet.sampling import Conditions, Part, decoded, decoding, sampled, with_threads


@dataclass(frozen=True)
class Gan:
    """A generator, its discriminator, and what turns their tensors into the data's own form."""

    generator: nn.Module
    discriminator: nn.Module
    run: Run
    task: Task
    codec: Codec
    classes: tuple[str, ...]
    conditions: Conditions
    calibration: Calibration
    clusters: Clusters | None = None  # what hidden conditions are told by
    path: Path | None = None  # the run's folder or the package it was read from

    def sample(
        self,
        count: int,
        *,
        seed: int = 0,
        truncation: float = 1.0,
        label: str | int | None = None,
        where: Any = None,
        steps: int | None = None,
    ) -> Any:
        """`count` samples in the data's own form, e.g. uint8 N×H×W×C pictures.

        Args:
            truncation: 1 leaves the latents as they are; less is more typical and less varied.
            label: only this class, by name or number.
            where: only samples that fit, e.g. {"income": ">50K"} or "age >= 30" of a table.
            steps: of each series, where more are wanted than a window has: they are gone on with.
        """
        wishes = {"seed": seed, "truncation": truncation, "label": label, "where": where}
        if steps is None:
            return self.labelled(count, **wishes)[0]
        return MODALITIES[self.run.modality].handed(self._long(count, steps, **wishes))

    def labelled(self, count: int, **wishes: Any) -> tuple[Any, Int[np.ndarray, "n"] | None]:
        """Samples as `sample` gives them, and their labels where the data has classes."""
        modality = MODALITIES[self.run.modality]
        rows, labels = decoded(self.parts(count, small=True, **wishes), self.codec, modality)
        return modality.handed(rows), labels

    def parts(
        self,
        count: int,
        *,
        seed: int = 0,
        truncation: float = 1.0,
        label: str | int | None = None,
        where: Any = None,
        small: bool = False,
    ) -> Iterator[Part]:
        """The same samples, encoded and a few at a time.

        Args:
            small: in the smallest form that can be decoded: choices by number, where G can.
        """
        if count < 1:
            raise ConfigError(f"{count} samples were asked for; ask for at least 1")
        family, objective = NETWORKS[self.run.network.family], self.run.objective
        can = small and MODALITIES[self.run.modality].numbered is not None and self.task.blocks
        if where is not None:
            drawn = narrowed(
                self.generator, family.within, self.codec.decode, objective.prior,
                objective.latent_dim, self._narrowing(where), count, seed=seed, psi=truncation,
            )  # fmt: skip
            return with_threads(self.run.threads, drawn)
        drawn = sampled(
            self.generator, objective.prior, objective.latent_dim, self.conditions, count,
            seed=seed, psi=truncation, label=self._number(label), at_once=family.at_once,
            numbered=family.numbered if can else None,
        )  # fmt: skip
        return with_threads(self.run.threads, drawn)

    def _narrowing(self, where: Any) -> Narrowing:
        narrowing = MODALITIES[self.run.modality].narrowing
        if narrowing is None or self.conditions.weights:
            raise ConfigError(f"{where}: conditions are for tables; of others ask for a class")
        return narrowing(self.codec, where)

    def writing(
        self,
        path: str | Path,
        count: int,
        *,
        steps: int | None = None,
        after: Any = None,
        **wishes: Any,
    ) -> Generator[Progress, None, None]:
        """Writes samples, as `sample` gives them, where and as `path` says, a few at a time.

        A job to be iterated over. Closing it early, or an error, leaves nothing behind.

        Args:
            steps: as of `sample`, and then all are held in memory; of what follows `after`, a
                window's where it is not said.
            after: a file of series; written is what may follow each, in `count` ways.
        """
        path = Path(path)
        modality = MODALITIES[self.run.modality]
        writers = modality.writers
        if path.suffix.lower() not in writers:
            able = ", ".join(name or "a folder" for name in writers)
            raise ConfigError(f"{path}: samples of this kind are written as {able}")
        if after is not None:
            rows = yield from self._following(after, count, steps, **wishes)
            drawn, count = iter([(rows, None)]), len(rows)
        elif steps is not None:
            drawn = iter([(self._long(count, steps, **wishes), None)])
        else:
            drawn = decoding(self.parts(count, small=True, **wishes), self.codec, modality)
        classes = 0 if self.conditions.hidden else len(self.conditions.weights)
        done = 0
        with explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        with writers[path.suffix.lower()](path, count, classes) as put:
            for rows, labels in drawn:
                put(rows, labels)
                done += len(rows)
                yield Progress(done, count, "drawing samples")

    def continued(self, rows: Any, steps: int, *, seed: int = 0) -> Any:
        """What may follow these beginnings: `steps` more of each series, in the data's own form.

        Args:
            rows: one series, or several that a column `series` numbers, or an array of them; the
                last half of a window is looked at.

        Raises:
            ConfigError: this generator does not draw its samples step by step.
        """
        require_time(self.run, "continued")
        modality = MODALITIES[self.run.modality]
        taken = modality.taken(rows)
        more = gone_on(self.run, self.generator, self.codec, taken, steps, seed, whole=False)
        return modality.handed(more)

    def _long(self, count: int, steps: int, *, seed: int = 0, **wishes: Any) -> Any:
        """Samples of more steps than a window has."""
        require_time(self.run, f"steps = {steps}")
        more = steps - self.task.shape[0]
        if more < 1:
            raise ConfigError(f"steps = {steps}: a sample has {self.task.shape[0]}; ask for more")
        parts = self.parts(count, small=True, seed=seed, **wishes)
        rows, _ = decoded(parts, self.codec, MODALITIES[self.run.modality])
        return gone_on(self.run, self.generator, self.codec, rows, more, seed, whole=True)

    def _following(
        self, after: Any, ways: int, steps: int | None, *, seed: int = 0, **wishes: Any
    ) -> Generator[Progress, None, Any]:
        """What may follow the series of a file."""
        require_time(self.run, f"after = {after}")
        for name, value in wishes.items():
            if value not in (None, 1.0):
                raise ConfigError(f"{name} = {value}: what follows a beginning takes none; drop it")
        modality = MODALITIES[self.run.modality]
        assert modality.beginnings is not None, "what can be gone on with has a beginning"
        settings = build(modality.settings, self.run.data, "data.")
        rows = yield from modality.beginnings(self.codec, after, settings, ways)
        steps = self.task.shape[0] if steps is None else steps
        return gone_on(self.run, self.generator, self.codec, rows, steps, seed, whole=False)

    def realness(self, rows: Any, labels: Any = None) -> Float[np.ndarray, "n"]:
        """P(real) of each row as D judges it, in [0, 1]; 0.5 is a toss-up.

        The probability is for a fair mixture of real and generated rows. Where the data has
        classes, each row is judged under its label or, without labels, under the class that
        suits it best.
        """
        some = next(self.discriminator.parameters())
        taken = MODALITIES[self.run.modality].taken(rows)
        x = self.codec.encode(taken).to(some.device, some.dtype)
        if not self.conditions.weights:
            logits = self._logits(x, None)
        elif self.clusters is not None:
            logits = self._logits(x, self.clusters.assign(x).to(some.device))
        elif labels is not None:
            y = torch.as_tensor(np.asarray(labels), dtype=torch.int64).to(some.device)
            logits = self._logits(x, y)
        else:
            every = range(len(self.conditions.weights))
            each = [
                self._logits(x, torch.full((len(x),), label).to(some.device)) for label in every
            ]
            logits = torch.stack(each).amax(0)
        slope, offset = self.calibration
        return torch.sigmoid(slope * logits.double() + offset).cpu().numpy()

    def impute(self, rows: Any, *, seed: int = 0) -> Any:
        """The rows with each missing cell drawn by G given the row's others; no other changes.

        Identifiers and free texts are no part of what was learnt: they stay as they are.
        """
        modality, family = MODALITIES[self.run.modality], NETWORKS[self.run.network.family]
        if modality.holes is None or family.within is None or self.conditions.weights:
            raise ConfigError(
                "missing cells are filled by a generator of tables that makes its choices in turn"
                " (network.family = 'chain')"
            )
        taken = modality.taken(rows)
        holes = modality.holes(self.codec, taken)
        if not holes.size:
            return modality.handed(taken)
        objective = self.run.objective
        parts = imputed(
            self.generator, family.within, objective.prior, objective.latent_dim, holes, seed=seed
        )
        parts = with_threads(self.run.threads, parts)
        return modality.handed(holes.filled(torch.cat([part.samples for part in parts])))

    def save(self, path: str | Path) -> Path:
        """Everything that sampling and judging take, as one sealed file."""
        meta = {
            "run": plain(self.run),
            "task": self.task.plain(),
            "codec": self.codec.plain(),
            "classes": list(self.classes),
            "conditions": plain(self.conditions._asdict()),
            "calibration": list(self.calibration),
        }
        tensors = {"G": self.generator.state_dict(), "D": self.discriminator.state_dict()}
        if self.clusters is not None:
            tensors["clusters"] = self.clusters.tensors()
        return package.pack(Path(path), tensors, meta)

    def _logits(self, x: torch.Tensor, y: torch.Tensor | None) -> torch.Tensor:
        with torch.no_grad():
            return torch.cat(
                [
                    self.discriminator(x[i : i + 256], None if y is None else y[i : i + 256])
                    for i in range(0, len(x), 256)
                ]
            )

    def _number(self, label: str | int | None) -> int | None:
        if label is None:
            return None
        if not self.conditions.weights or self.conditions.hidden:
            raise ConfigError(f"class {label!r}: this generator was trained without classes")
        names = [*self.classes] or [str(i) for i in range(len(self.conditions.weights))]
        if isinstance(label, int) and 0 <= label < len(names):
            return label
        if str(label) in names:
            return names.index(str(label))
        raise ConfigError(f"class {label!r} does not exist; there are: {', '.join(names)}")
