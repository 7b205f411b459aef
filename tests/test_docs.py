"""What the documentation says is there: settings, files, and examples that run."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gantlet.augment import AUGMENTATIONS
from gantlet.cli import main
from gantlet.config import described, layered, plain
from gantlet.losses import LOSSES
from gantlet.metrics.features import EXTRACTORS
from gantlet.modalities import MODALITIES
from gantlet.networks import NETWORKS
from gantlet.regularizers import REGULARIZERS
from gantlet.run import Run, resolved

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
SMALL = "--steps 3 --set threads=1 --set keeping.measured=60 --set optimization.batch=16"
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, *kinds: str) -> list[str]:
    """The contents of a page's code blocks of these kinds."""
    text = page.read_text(encoding="utf-8")
    return [body for kind, body in re.findall(r"```(\w*)\n(.*?)```", text, re.S) if kind in kinds]


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each gantlet command on a page, comments left out."""
    for block in blocks(page, "sh", "console", ""):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] == "gantlet" and len(words) > 1:
                yield words


def assignments(page: Path) -> Iterator[str]:
    """Every NAME=VALUE that a command on the page sets."""
    for words in commands(page):
        for flag, value in pairwise(words):
            if flag == "--set":
                yield value


def is_setting(name: str) -> bool:
    """Whether a run, or one of the groups that depend on its kind, has the setting."""
    group, _, last = name.rpartition(".")
    if group == "data":
        return any(last in named(m.settings) for m in MODALITIES.values())
    if group == "network.options":
        return any(last in named(f.settings) for f in NETWORKS.values())
    return name in named(Run) or group == "objective.penalties"


def named(settings: type) -> set[str]:
    """The names of all settings in a group."""
    return {item.path for item in described(settings)}


@every_page
def test_every_setting_that_a_command_sets_exists(page):
    for text in assignments(page):
        assert is_setting(text.partition("=")[0]), f"{page.name}: {text}"


@every_page
def test_every_setting_named_in_the_text_exists(page):
    groups = "objective|optimization|policy|augmentation|budget|keeping|network|data"
    for name in re.findall(rf"`((?:{groups})\.[\w.]+)(?:=[^`]*)?`", page.read_text("utf-8")):
        is_group = any(item.path.startswith(f"{name}.") for item in described(Run))
        assert is_group or is_setting(name), f"{page.name}: {name}"


@every_page
def test_every_setting_file_shown_is_a_run(page):
    for block in blocks(page, "toml"):
        shown = tomllib.loads(block)
        run = plain(resolved(shown))
        assert layered(run, shown) == run, f"{page.name}: a value shown does not arrive"


@every_page
def test_every_linked_file_and_heading_exists(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in link:
            continue
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if heading:
            assert heading in _headings(target), f"{page.name}: {link}"


@every_page
def test_every_command_and_its_flags_exist(page, capsys):
    for words in commands(page):
        known = _help_of(words[1], capsys)
        for flag in words[2:]:
            if flag.startswith("-") and not flag.lstrip("-").isdigit():
                assert flag in known, f"{page.name}: {' '.join(words)}: {flag}"


EXTENDING = ROOT / "docs" / "extending.md"
EXAMPLES = {
    block.partition("\n")[0].removeprefix("# "): block for block in blocks(EXTENDING, "python")
}


@pytest.fixture
def unchanged() -> Iterator[None]:
    """The dicts of choices as they were, whatever a plug-in does."""
    choices = (LOSSES, REGULARIZERS, AUGMENTATIONS, NETWORKS, MODALITIES, EXTRACTORS)
    before = [dict(choice) for choice in choices]
    yield
    for choice, entries in zip(choices, before, strict=True):
        choice.clear()
        choice.update(entries)  # pyright: ignore[reportArgumentType] - each its own


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_of_an_extension_trains_and_samples(name, tmp_path, monkeypatch, unchanged):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text(EXAMPLES[name], encoding="utf-8")
    np.save("table.npy", np.random.default_rng(0).standard_normal((200, 5)))
    command = next(words for words in commands(EXTENDING) if name in words)
    assert main([*command[1:], *shlex.split(SMALL), "--out", "run"]) == 0
    assert main(["sample", "run", "-n", "5", "--out", "samples.npy", "--load", name]) == 0
    assert np.isfinite(np.load("samples.npy")).all()


def _headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    return capsys.readouterr().out
