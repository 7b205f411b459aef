"""What the engine costs beside a bare loop with the same networks, loss, penalties and optimizer.

    python benchmarks/overhead.py                       # some 10 minutes on one idle core
    python benchmarks/overhead.py --pairs 7 --seconds 60

Each pair runs the bare loop and then `gantlet.fit` with all it does (measuring, previews,
checkpoints), both on one thread, for the same steps; both are counted in images per CPU-second,
the time before the first step left out. Beside it: the loader alone on a packed memory map, and
the wall time of `gantlet --help`.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import softplus

import gantlet
from gantlet import store
from gantlet.config import layered
from gantlet.engine.noise import Rows
from gantlet.events import Ended, Stepped
from gantlet.feed import Feed
from gantlet.folder import Folder
from gantlet.modalities import MODALITIES
from gantlet.modalities.base import Codec, finished
from gantlet.networks import Task
from gantlet.run import Run, players, resolved

TARGET = 0.95
GAME: dict[str, Any] = {  # one that is written down in a screen, for the bare loop's sake
    "threads": 1, "device": "cpu", "workers": 0, "policy": {"simultaneous": True},
    "objective": {"anchor": 0.0},
}  # fmt: skip


def sources() -> dict[str, Any]:
    """Random arrays: the shapes count, not what is on them.

    As many as are trained on without augmentation, of which the bare loop knows nothing.
    """
    rng = np.random.default_rng(0)
    return {
        "points": rng.standard_normal((20_000, 2)),
        "pictures 28x28x1": rng.integers(0, 256, (20_000, 28, 28), dtype=np.uint8),
        "pictures 32x32x3": rng.integers(0, 256, (20_000, 32, 32, 3), dtype=np.uint8),
    }


def engine(source: Any, steps: int, scratch: Path) -> tuple[float, Folder]:
    """Images per CPU-second of `gantlet.fit` after its first step, and the folder it made."""
    folder = Path(tempfile.mkdtemp(dir=scratch)) / "run"
    settings = layered(GAME, {"budget": {"steps": steps}})
    began = images = 0.0
    for event in gantlet.fit(source, out=folder, settings=settings):
        if isinstance(event, Stepped) and not began:
            began, images = time.process_time(), -event.tick.images
        if isinstance(event, Ended):
            images += resolved(Folder(folder).facts()["run"]).optimization.batch * steps
    return images / (time.process_time() - began), Folder(folder)


def bare(source: Any, folder: Folder, steps: int) -> float:
    """The same of a loop that does nothing but play."""
    facts = folder.facts()
    run, modality = resolved(facts["run"]), MODALITIES[facts["run"]["modality"]]
    raw = finished(modality.load(source, modality.settings()))
    codec = modality.codec(folder.codec())
    shape, classes = tuple(facts["task"]["shape"]), facts["task"]["classes"]
    G, D, G_ema = players(run.network, Task(shape, classes, run.objective.latent_dim), run.seed)
    state = _loaded(folder)
    G.load_state_dict(state["G"])
    order = torch.randperm(len(raw.rows)).numpy()
    labels = torch.randint(max(1, classes), (len(raw.rows),))
    began, images = 0.0, 0
    for step in _bare_steps(G, D, G_ema, raw.rows, order, labels if classes else None, codec, run):
        if step == 0:
            began = time.process_time()
            continue
        images += run.optimization.batch
        if step == steps - 1:
            break
    return images / (time.process_time() - began)


def _bare_steps(  # one long function: that is what a bare loop is
    G: nn.Module,
    D: nn.Module,
    G_ema: nn.Module,
    rows: Any,
    order: np.ndarray,
    labels: torch.Tensor | None,
    codec: Codec,
    run: Run,
) -> Iterator[int]:
    """Relativistic pairing with R1 and R2 and simultaneous moves, as one would write it down."""
    batch, stride = run.optimization.batch, run.objective.penalty_stride
    weights = run.objective.penalties or {}
    opt_G, opt_D = (
        torch.optim.Adam(player.parameters(), 1e-4, (0.0, 0.99), fused=True) for player in (G, D)
    )
    G_ema.requires_grad_(False)
    of_G, of_D, of_ema = (list(player.parameters()) for player in (G, D, G_ema))
    step = 0
    while True:
        start = step * batch % (len(order) - batch)
        picked = np.sort(order[start : start + batch])
        real = codec.encode(rows[picked]).requires_grad_()
        y = None if labels is None else labels[picked]
        made = G(torch.randn(batch, run.objective.latent_dim), y)
        fake = made.detach().requires_grad_()
        on_real, on_fake = D(real, y), D(fake, y)
        chosen, y_chosen = slice(None, None, stride), None if y is None else y[::stride]
        x, x_fake = real, fake
        s_real, s_fake = on_real, on_fake
        if stride > 1:
            x, x_fake = (t[chosen].detach().requires_grad_() for t in (real, fake))
            s_real, s_fake = D(x, y_chosen), D(x_fake, y_chosen)
        slope_real, slope_fake = torch.autograd.grad(
            s_real.sum() + s_fake.sum(), [x, x_fake], create_graph=True
        )
        penalty = weights.get("r1", 0.0) * slope_real.square().flatten(1).sum(1).mean() / 2
        penalty = (
            penalty + weights.get("r2", 0.0) * slope_fake.square().flatten(1).sum(1).mean() / 2
        )
        loss = softplus(on_fake - on_real).mean() + penalty
        opt_D.zero_grad()
        loss.backward(inputs=of_D, retain_graph=True)
        pull = torch.autograd.grad(softplus(on_real.detach() - on_fake).mean(), fake)[0]
        opt_G.zero_grad()
        made.backward(pull, inputs=of_G)
        opt_D.step()
        opt_G.step()
        with torch.no_grad():
            torch._foreach_lerp_(of_ema, of_G, 0.01)
        yield step
        step += 1


def _loaded(folder: Folder) -> dict[str, dict[str, torch.Tensor]]:
    path = folder.newest().path
    assert path is not None
    return store.read(path).tensors


def loader(scratch: Path) -> float:
    """Images per CPU-second of the feed alone, from a memory map as the cache is one."""
    path = scratch / "packed.npy"
    np.save(path, sources()["pictures 32x32x3"])
    modality = MODALITIES["image"]
    raw = finished(modality.load(path, modality.settings()))
    feed = Feed(
        raw.rows, modality.fit(raw), np.arange(len(raw.rows)), None, 0,
        torch.device("cpu"), torch.float32,
    )  # fmt: skip
    began, images = time.process_time(), 0
    while time.process_time() - began < 2:
        images += len(feed(images // 64, Rows(0, 64, 64)).x)
    return images / (time.process_time() - began)


def help_seconds(times: int) -> float:
    """Median wall time of `gantlet --help`."""
    command = [
        shutil.which("gantlet", path=str(Path(sys.executable).parent)) or "gantlet",
        "--help",
    ]
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append(time.perf_counter() - began)
    return median(taken)


def main() -> int:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    parser = argparse.ArgumentParser(description=f"{__doc__}".split("\n\n")[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each half of a pair")
    arguments = parser.parse_args()
    worst = 1.0
    print("| images per CPU-second | bare loop | gantlet.fit | ratio, median of pairs | pairs |")
    print("| --- | ---: | ---: | ---: | --- |")
    with tempfile.TemporaryDirectory() as scratch:
        for name, source in sources().items():
            _, folder = engine(source, 3, Path(scratch))  # shapes, settings, codec
            batch = resolved(folder.facts()["run"]).optimization.batch
            steps = max(20, int(bare(source, folder, 20) / batch * arguments.seconds))
            pairs = []
            for _ in range(arguments.pairs):
                simple = bare(source, folder, steps)
                pairs.append((simple, engine(source, steps, Path(scratch))[0]))
            ratios = [ours / simple for simple, ours in pairs]
            each = " ".join(f"{ratio:.3f}" for ratio in ratios)
            plain, ours = (median(rates) for rates in zip(*pairs, strict=True))
            print(f"| {name} | {plain:,.0f} | {ours:,.0f} | {median(ratios):.3f} | {each} |",
                  flush=True)  # fmt: skip
            worst = min(worst, median(ratios))
        print(f"| loader alone, 32x32x3 | | {loader(Path(scratch)):,.0f} | | |")
    print(f"\n`gantlet --help`: {help_seconds(7):.2f} s (median of 7; wanted ≤ 0.3)")
    print(f"worst ratio {worst:.3f}, wanted ≥ {TARGET}")
    return int(worst < TARGET)


if __name__ == "__main__":
    sys.exit(main())
