"""Settings: strict, layered, described, and the same after a round trip."""

import json
from dataclasses import dataclass, replace
from typing import Any

import pytest

from gantlet.config import (
    ConfigError,
    assign,
    build,
    described,
    layered,
    plain,
    read,
    setting,
)
from gantlet.engine.schedule import OptimizationSettings
from gantlet.labels import LabelSettings
from gantlet.networks import NETWORKS
from gantlet.run import NetworkSettings, Run


@dataclass(frozen=True, kw_only=True)
class Optim:
    lr: float = setting(0.1, "rate")
    warm: bool = setting(False, "whether it warms up")


@dataclass(frozen=True, kw_only=True)
class Example:
    name: str = setting(doc="what it is called")
    kind: str = setting("a", "which one", one_of=("a", "b"))
    size: tuple[int, int] = setting((1, 2), "height and width")
    sides: tuple[float, ...] = setting((), "any number of lengths")
    steps: int | None = setting(None, "how many, none: no end")
    weights: dict[str, float] = setting({}, "weight of each")
    anything: Any = setting(None, "whatever")
    optim: Optim = Optim()


def example(**values: Any) -> Example:
    return build(Example, {"name": "x", **values})


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant():
    with pytest.raises(ConfigError) as refusal:
        example(optim={"lrr": 1})
    assert str(refusal.value) == "unknown setting 'optim.lrr'; did you mean 'optim.lr'?"


def test_an_unknown_setting_like_no_other_is_refused_with_all_that_there_are():
    with pytest.raises(ConfigError, match=r"'optim\.zzz'; there are: optim\.lr, optim\.warm"):
        example(optim={"zzz": 1})


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("optimization.lrr=1", "optimization.lr_G"),
        ("objective.los=hinge", "objective.loss"),
        ("optim.lr_G=1", "optimization"),
        ("objective.labels.flp=1", "objective.labels.flip"),
        ("sed=1", "seed"),
    ],
)
def test_a_misspelt_setting_of_a_run_is_recognised(text, meant):
    with pytest.raises(ConfigError, match=rf"did you mean '{meant}'\?"):
        build(Run, assign([text]))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": 3}, "name = 3: str is wanted, not int"),
        ({"kind": "c"}, "kind = 'c': choose one of a, b"),
        ({"size": [1]}, r"size = \[1\]: tuple\[int, int\] is wanted, not list"),
        ({"size": [1, 2.5]}, "size = 2.5: int is wanted, not float"),
        ({"steps": "many"}, "steps = 'many': int or none is wanted, not str"),
        ({"steps": True}, "steps = True"),
        ({"weights": {"r1": "x"}}, r"weights\.r1 = 'x': float is wanted"),
        ({"optim": 3}, "optim = 3: a group of settings is wanted here"),
        ({"optim": {"lr": True}}, r"optim\.lr = True: float is wanted, not bool"),
        ({"optim": {"lr": "none"}}, r"optim\.lr = 'none': float is wanted"),
        ({"optim": {"warm": 1}}, r"optim\.warm = 1: bool is wanted, not int"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_path_value_and_what_is_wanted(values, message):
    with pytest.raises(ConfigError, match=message):
        example(**values)


def test_a_missing_setting_without_a_default_is_named():
    with pytest.raises(ConfigError, match="setting 'name' is missing"):
        build(Example, {})


def test_values_that_mean_the_same_are_taken():
    taken = example(size=[3, 4.0], sides=[1, 2], steps="none", optim={"lr": 1}, weights={"r1": 2})
    assert taken.size == (3, 4)
    assert taken.sides == (1.0, 2.0)
    assert taken.steps is None
    assert isinstance(taken.optim.lr, float)
    assert isinstance(taken.weights["r1"], float)


def test_a_setting_made_of_a_mutable_default_is_not_shared():
    first, second = example(), example()
    first.weights["r1"] = 1.0
    assert second.weights == {}


def test_assignments_nest_by_their_dots_and_read_values_as_toml_or_else_as_text():
    texts = ["a.b=1", "a.c = true", "d=[1, 2]", "e=hinge", 'f="1"', "g=1e-3", "h=a=b", "i={x=1}"]
    assert assign(texts) == {
        "a": {"b": 1, "c": True},
        "d": [1, 2],
        "e": "hinge",
        "f": "1",
        "g": 1e-3,
        "h": "a=b",
        "i": {"x": 1},
    }


@pytest.mark.parametrize("text", ["lr", "=1", " =1"])
def test_an_assignment_without_a_name_or_a_sign_is_refused(text):
    with pytest.raises(ConfigError, match="name=value"):
        assign([text])


def test_an_assignment_below_a_value_is_refused():
    with pytest.raises(ConfigError, match=r"network\.family=mlp.*'network' has a value"):
        assign(["network=mlp", "network.family=mlp"])


def test_later_layers_win_key_by_key_and_leave_the_layers_as_they_were():
    first, second = {"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 5}, "c": {"z": 1}}
    assert layered(first, second, {"b": {"w": 0}}) == {
        "a": {"x": 1, "y": 5},
        "b": {"w": 0},
        "c": {"z": 1},
    }
    assert first == {"a": {"x": 1, "y": 2}, "b": 3}


def test_layering_is_associative_and_a_layer_over_itself_changes_nothing():
    a, b, c = {"a": {"x": 1}}, {"a": {"y": 2}, "b": 1}, {"a": {"x": 3}}
    assert layered(a, layered(b, c)) == layered(layered(a, b), c) == layered(a, b, c)
    assert layered(b, b) == b


@pytest.mark.parametrize("name", ["settings.toml", "settings.json"])
def test_a_file_that_does_not_parse_is_named(name, tmp_path):
    path = tmp_path / name
    path.write_text("{{")
    with pytest.raises(ConfigError, match=rf"{name}: not valid {path.suffix[1:].upper()}"):
        read(path)


def test_toml_and_json_say_the_same(tmp_path):
    values = {"seed": 3, "optimization": {"lr_G": 0.01}, "device": "größer"}
    (tmp_path / "a.json").write_text(json.dumps(values), encoding="utf-8")
    toml = 'seed = 3\ndevice = "größer"\n[optimization]\nlr_G = 0.01\n'
    (tmp_path / "a.toml").write_text(toml, encoding="utf-8")
    assert read(tmp_path / "a.json") == read(tmp_path / "a.toml") == values


def test_a_run_is_the_same_after_json():
    labels = LabelSettings(real=0.9, flip=0.05)
    run = Run(
        seed=7,
        data={"size": [32, 32], "columns": {"a": None}},
        network=NetworkSettings(family="dcgan", options={"width": 8}),
        optimization=OptimizationSettings(micro_batch=4, lr_G=1e-4),
    )
    run = replace(run, objective=replace(run.objective, penalties={"r1": 0.5}, labels=labels))
    for kept in (Run(), run):
        assert build(Run, json.loads(json.dumps(plain(kept)))) == kept


GROUPS = [Run, *[family.settings for family in NETWORKS.values()]]


@pytest.mark.parametrize("group", GROUPS)
def test_every_setting_says_what_it_is_and_its_default_can_be_set_under_its_path(group):
    listed = list(described(group))
    assert len({item.path for item in listed}) == len(listed) > 0
    assert [item.path for item in listed if not item.doc.strip()] == []
    for item in listed:
        nested = item.default
        for part in reversed(item.path.split(".")):
            nested = {part: nested}
        assert build(group, nested) == build(group, {})


def test_described_lists_every_leaf_of_a_run():
    def leaves(values: dict, below: Any, path: str = ""):
        for key, value in values.items():
            inner = getattr(below, key)
            if isinstance(value, dict) and not isinstance(inner, dict):
                yield from leaves(value, inner, f"{path}{key}.")
            else:
                yield path + key

    assert [item.path for item in described(Run)] == list(leaves(plain(Run()), Run()))
