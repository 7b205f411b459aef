"""Who stands where when samples are judged: sides that are equal, disjoint and repeatable."""

from dataclasses import replace

import numpy as np
import pytest

from gantlet.config import ConfigError
from gantlet.evaluation.subject import Beside, Subject, named_source, of_run, of_samples, sides
from gantlet.feed import Split
from gantlet.folder import Folder
from gantlet.modalities.base import finished
from runs import begun, cloud, played


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Folder:
    folder = tmp_path_factory.mktemp("run")
    np.save(folder / "cloud.npy", cloud(400))
    played(begun(folder / "run", folder / "cloud.npy"), folder / "run")
    return Folder(folder / "run")


@pytest.fixture(scope="module")
def subject(run) -> Subject:
    return finished(of_run(run, 100, None, 0))


def test_sides_are_equal_disjoint_and_take_held_out_rows_for_the_stand_in_first(subject):
    chosen = sides(subject)
    assert len(chosen.reference) == len(chosen.stand_in) == len(subject.fake) == 100
    assert not set(chosen.reference) & set(chosen.stand_in)
    assert set(chosen.reference) <= set(subject.split.train)
    assert set(subject.split.held_out) <= set(chosen.stand_in)


def test_sides_follow_from_the_seed(subject):
    assert all(map(np.array_equal, sides(subject), sides(subject)))
    other = sides(replace(subject, seed=1))
    assert not np.array_equal(sides(subject).reference, other.reference)


def test_half_of_the_real_rows_is_the_most_that_a_side_can_hold(subject):
    many = replace(subject, fake=np.repeat(subject.fake, 10, axis=0))
    chosen = sides(many)
    assert len(chosen.reference) == len(chosen.stand_in) == 200


def test_too_few_rows_to_judge_by_are_refused(subject):
    with pytest.raises(ConfigError, match="too few"):
        sides(replace(subject, fake=subject.fake[:10]))


def test_no_more_rows_are_generated_than_can_be_held_against_real_ones(run, tmp_path):
    assert len(finished(of_run(run, 5_000, None, 0)).fake) == 200
    np.save(tmp_path / "few.npy", cloud(90))
    played(begun(tmp_path / "run", tmp_path / "few.npy"), tmp_path / "run")
    said = []
    with pytest.raises(ConfigError, match="90 real"):
        said.extend(of_run(Folder(tmp_path / "run"), None, None, 0))
    assert not any("generating" in progress.what for progress in said)


def test_data_brought_to_judge_against_are_the_reference(run, tmp_path):
    np.save(tmp_path / "other.npy", cloud(150, seed=1))
    subject = finished(of_run(run, 100, tmp_path / "other.npy", 0))
    chosen = sides(subject)
    assert set(chosen.reference) <= set(subject.split.held_out)
    assert set(chosen.stand_in) & set(subject.split.train)
    assert np.allclose(subject.rows[subject.split.held_out[:5]], cloud(150, seed=1)[:5])


def test_samples_of_anyone_are_judged_without_a_generator(tmp_path):
    np.save(tmp_path / "samples.npy", cloud(300, seed=2))
    np.save(tmp_path / "real.npy", cloud(400))
    np.save(tmp_path / "kept.npy", cloud(100, seed=3))
    subject = finished(
        of_samples(tmp_path / "samples.npy", tmp_path / "real.npy", tmp_path / "kept.npy", 120, 0)
    )
    assert subject.gan is None
    assert len(subject.fake) == 120
    assert np.array_equal(subject.rows[subject.split.held_out], cloud(100, seed=3))


def test_rows_of_two_sources_come_in_the_order_asked_for():
    both = Beside(np.arange(5.0)[:, None], np.arange(10.0, 13.0)[:, None])
    assert len(both) == 8
    assert both[np.array([6, 0, 5, 4, 0])].ravel().tolist() == [11, 0, 10, 4, 0]
    assert both[np.array([7])].ravel().tolist() == [12]


def test_a_split_without_held_out_rows_takes_both_sides_from_the_rest(subject):
    every = np.arange(400)
    chosen = sides(replace(subject, split=Split(every, every[:0])))
    assert not set(chosen.reference) & set(chosen.stand_in)


def test_a_target_that_is_not_there_is_named_with_the_way_out():
    with pytest.raises(ConfigError, match=r"nowhere.*--against"):
        named_source("nowhere")
