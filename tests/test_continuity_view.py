"""What the report says of latent spaces that are known to be whole, torn, deaf or cut by design."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from gantlet.evaluation.continuity import continuity_of
from gantlet.evaluation.explorable import Explorable, explorable, of_stored
from gantlet.evaluation.figures import Pictures
from gantlet.evaluation.walks import near_samples, walk, within_labels
from gantlet.folder import Folder
from gantlet.modalities.base import Preview, finished
from gantlet.modalities.grids import grid_png
from gantlet.opening import of_folder
from gantlet.sampling import Conditions
from runs import begun, played
from tiny import drawn

NONE = Conditions()
LATENT, SHAPE = 5, (1, 6, 6)
WEIGHTS = drawn(LATENT, 36) / 3
SHIFT = 3 * drawn(3, 36, seed=1)


def smooth(z: Tensor, y: Tensor | None) -> Tensor:
    x = torch.tanh(z.double() @ WEIGHTS) + (0 if y is None else SHIFT[y])
    return x.unflatten(1, SHAPE)


def torn(z: Tensor, y: Tensor | None) -> Tensor:
    return smooth(z, y) + (z[:, :1, None, None] > 0)


def deaf(z: Tensor, y: Tensor | None) -> Tensor:
    return smooth(1e-4 * z, y)


def decode(samples: Tensor) -> np.ndarray:
    pixels = (samples.numpy() * 60 + 127).clip(0, 255).astype(np.uint8)
    return pixels.transpose(0, 2, 3, 1)


def of(G, conditions: Conditions = NONE) -> Explorable:
    return Explorable(
        generator=G, latent_dim=LATENT, conditions=conditions, decode=decode,
        preview=lambda rows: Preview("image/png", grid_png(rows)),
    )  # fmt: skip


def judged(it: Explorable):
    real = it.generator(it.latents(100, 9, "real"), it.labels(100, 9, "real"))
    found = finished(continuity_of(it, real))
    return {figure.name: figure for figure in found.view.figures}, found


def test_a_smooth_generator_is_called_continuous_and_raises_nothing():
    figures, found = judged(of(smooth))
    assert found.view.answer.startswith("Yes: none of 96 paths jumps")
    assert not found.findings
    assert figures["jump_rate"].value == 0
    assert figures["jump_rate"].baseline > 0.8
    assert figures["smooth_share"].value == pytest.approx(1, abs=0.01)
    assert 1 <= figures["path_length_ratio"].value < figures["path_length_ratio"].baseline
    assert 1 < figures["local_rank"].value <= LATENT


def test_a_torn_generator_is_named():
    figures, found = judged(of(torn))
    assert [finding.kind for finding in found.findings] == ["jumps"]
    assert found.view.answer.startswith("No:")
    assert 0.25 < figures["jump_rate"].value < 0.75
    assert figures["smooth_share"].value < 0.95


def test_jumps_by_design_are_told_and_are_no_fault():
    _, found = judged(replace(of(torn), coins=1))
    assert not found.findings
    assert "by design" in found.view.answer


def test_a_generator_that_ignores_z_is_named():
    it = of(deaf)
    real = smooth(it.latents(100, 9, "real"), None)
    found = finished(continuity_of(it, real))
    assert [finding.kind for finding in found.findings] == ["latents_ignored"]


@pytest.mark.parametrize(("hidden", "kind"), [(True, "group"), (False, "class")])
def test_between_labels_there_is_a_step_that_is_no_jump(hidden, kind):
    figures, found = judged(of(smooth, Conditions((0.2, 0.3, 0.5), hidden)))
    assert figures["jump_rate"].value == 0
    assert figures["label_step"].value > 0.3
    assert f"From one {kind} to another there is a step by construction" in found.view.answer
    assert not found.findings


def test_strips_are_one_row_of_frames_for_each_of_three_paths():
    _, found = judged(of(smooth))
    (pictures,) = [panel for panel in found.view.panels if isinstance(panel, Pictures)]
    assert len(pictures.rows) == 3
    for (strip,) in pictures.rows:
        with Image.open(io.BytesIO(strip.content)) as opened:
            assert opened.width > 8 * opened.height


def test_the_trivial_generator_knows_its_samples_only():
    it = of(smooth)
    made = of_stored(it, 0).generator(it.latents(500, 1, "many"), None)
    assert len(torch.unique(made.flatten(1), dim=0)) <= 64
    assert walk(of_stored(it, 0).generator, within_labels(it, 10, 0)).is_torn.all()


def test_near_samples_are_nearer_than_random_ones():
    it = of(smooth)
    near, random = finished(near_samples(it, 20, 0)), within_labels(it, 20, 0)
    assert walk(smooth, near).straight.mean() < 0.6 * walk(smooth, random).straight.mean()


def test_the_same_seed_gives_the_same_view():
    assert judged(of(torn))[1].view == judged(of(torn))[1].view


def test_a_trained_generator_of_points_is_walked_and_its_coins_are_told(tmp_path):
    played(begun(tmp_path / "run"), tmp_path / "run")
    gan = of_folder(Folder(tmp_path / "run"))
    it = explorable(gan)
    assert it.coins == 1
    figures, found = judged(it)
    assert "by their sign alone" in found.view.answer
    assert figures["local_rank"].value <= 2
