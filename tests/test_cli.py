"""The command line as a person and a machine meet it: signals, errors, exit codes, files."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import runs
from gantlet.cli import main
from gantlet.folder import Folder

SMALL = [
    "--set", "threads=1", "--set", "device=cpu", "--set", "data.count=500",
    "--set", "network.options={width=8, depth=2, waves=4, signs=1}",
    "--set", "objective.latent_dim=4", "--set", "optimization.batch=16",
    "--set", "keeping.measured=50", "--set", "keeping.preview=8",
]  # fmt: skip
ENDLESS = ["--steps", "1000000000", *SMALL]


def started(folder: Path, *arguments: object) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "gantlet", *map(str, arguments)],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        text=True, env={**os.environ, "XDG_CACHE_HOME": str(folder / "cache")},
    )  # fmt: skip


def is_under_way(process: subprocess.Popen[str], event: str = "stepped") -> None:
    """Returns once a step is done, or a job has come so far as to say so."""
    assert process.stdout is not None
    for line in process.stdout:
        if f'"event": "{event}"' in line:
            return
    raise AssertionError(process.communicate())


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory) -> Path:
    """A run of digits with classes, and one of points: as short as can be."""
    folder = tmp_path_factory.mktemp("finished")
    pictures = [
        "--steps", "2", "--set", "threads=1", "--set", "device=cpu",
        "--set", "network.options={width_G=32, width_D=8}", "--set", "optimization.batch=8",
        "--set", "keeping.measured=20", "--set", "keeping.preview=4",
        "--set", f"data.cache='{folder / 'cache'}'",
    ]  # fmt: skip
    assert main(["train", "ring", "--out", str(folder / "ring"), "--steps", "3", *SMALL]) == 0
    assert main(["train", "digits", "--out", str(folder / "digits"), *pictures]) == 0
    return folder


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
@pytest.mark.parametrize(
    ("number", "code", "name"), [(signal.SIGINT, 0, "Ctrl-C"), (signal.SIGTERM, 75, "SIGTERM")]
)
def test_a_signal_ends_a_run_after_its_step_saved_and_with_the_way_to_go_on(
    number, code, name, tmp_path
):
    process = started(tmp_path, "train", "ring", "--json", *ENDLESS)
    is_under_way(process)
    process.send_signal(number)
    _, said = process.communicate(timeout=100)
    assert process.returncode == code, said
    assert f"{name}: saved. Go on with: gantlet resume runs/ring" in said
    assert runs.meta(tmp_path / "runs" / "ring")["step"] > 0


STUBBORN = """
import signal, sys, time
from gantlet import store
from gantlet.cli import main
def slowly(*_, **__):  # a disk on which saving takes for ever
    print("SAVING", flush=True)
    time.sleep(1000)
write, asked = store.write, []
def heard(*given, **more):
    return slowly() if asked else write(*given, **more)
store.write = heard
before = signal.signal
def noted(number, handler):
    def both(n, frame):
        asked.append(n)
        handler(n, frame)
    return before(number, both if callable(handler) and not asked else handler)
signal.signal = noted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -15)])
def test_a_second_signal_ends_it_at_once(number, code, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN, "train", "ring", "--json", *ENDLESS],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    is_under_way(process)
    process.send_signal(number)
    assert process.stdout is not None
    while "SAVING" not in process.stdout.readline():
        pass
    process.send_signal(number)
    process.communicate(timeout=100)
    assert process.returncode == code
    assert Folder(tmp_path / "runs" / "ring").newest().path is not None


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
def test_ctrl_c_while_data_are_read_writes_nothing_and_says_so(tmp_path):
    rows = np.random.default_rng(0).normal(size=(300_000, 4))
    np.savetxt(tmp_path / "much.csv", rows, "%.4f", ",", header="a,b,c,d", comments="")
    process = started(tmp_path, "train", "much.csv", "--json", "--minutes", "1")
    is_under_way(process, "working")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130
    assert said == "\nCtrl-C: stopped; nothing was written\n"
    assert not (tmp_path / "runs").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
def test_ctrl_c_ends_an_evaluation_in_one_line(finished_run, tmp_path):
    process = started(tmp_path, "evaluate", finished_run / "digits", "--json", "--out", "e")
    is_under_way(process, "working")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130
    assert said.strip().startswith("Ctrl-C: the views that were done are kept. Go on with: ")
    assert "Traceback" not in said


def test_ctrl_c_before_anything_is_written_is_a_line(monkeypatch, capsys):
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gantlet.prepare.modality_of", stopped)
    assert main(["train", "ring", "--dry-run"]) == 130
    assert capsys.readouterr().err.strip() == "stopped at once; what was written before stands"


@pytest.mark.skipif(os.name == "nt", reason="signals as on Unix")
def test_ctrl_c_before_the_first_step_leaves_a_run_that_can_be_gone_on_with(tmp_path, capsys):
    script = (
        "import os, signal, sys\nfrom gantlet import commands\nfrom gantlet.cli import main\n"
        "play = commands.execute\n"
        "def early(*given, **more):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n    return play(*given, **more)\n"
        "commands.execute = early\nsys.exit(main(sys.argv[1:]))"
    )
    wish = ["train", "ring", "--out", str(tmp_path / "r"), "--steps", "3", *SMALL]
    done = subprocess.run(
        [sys.executable, "-c", script, *wish], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130, done.stderr
    assert "Ctrl-C: stopped; no step was done. Go on with: gantlet resume" in done.stderr
    assert main(["resume", str(tmp_path / "r")]) == 0
    assert "finished at step 3" in capsys.readouterr().out


def test_help_is_shown_without_torch():
    script = (
        "import sys\nfrom gantlet.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'rich', 'PIL', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for command in ("train", "resume", "sample", "bench", "doctor"):
        assert command in done.stdout


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ("optimization.lrG=1", "did you mean 'optimization.lr_G'?"),
        ("optimisation.batch=4", "did you mean 'optimization'?"),
        ("objective.loss=hing", "choose one of relativistic"),
        ("objective.penalties.r3=1", "there are: r1, r2"),
        ("optimization.batch=0", "it must be positive"),
        ("network.options.widht=9", "did you mean 'network.options.width'?"),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_do(wish, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "ring", "--steps", "3", *SMALL, "--set", wish]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_source_that_is_not_there_is_named(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "fotos/"]) == 2
    assert "fotos/: there is no such file or folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_training_where_a_run_is_says_how_to_go_on(finished_run, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run = finished_run / "ring"
    assert main(["train", "ring", "--out", str(run), *SMALL]) == 2
    assert f"Go on with `gantlet resume {run}`" in capsys.readouterr().err


def test_a_new_run_beside_an_old_one_gets_a_folder_of_its_own(finished_run, capsys):
    run = finished_run / "ring"
    assert main(["train", "ring", "--out", str(run), "--new", "--steps", "2", *SMALL]) == 0
    assert runs.meta(finished_run / "ring-2")["step"] == 2
    assert runs.meta(run)["step"] == 3


def test_resuming_what_is_no_run_says_so(tmp_path, capsys):
    assert main(["resume", str(tmp_path)]) == 2
    assert "not a run of Gantlet" in capsys.readouterr().err


@pytest.mark.parametrize(("source", "noun"), [("ring", "points"), ("photos", "images")])
def test_a_dry_run_says_what_it_would_do_and_writes_nothing(
    source, noun, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "photos").mkdir()
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 255, (20, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    before = sorted(tmp_path.rglob("*"))
    assert main(["train", source, "--dry-run", "--set", "threads=1"]) == 0
    said = capsys.readouterr().out
    for part in ("Found", "parameters in G", "MiB", f"{noun}/s", "minutes buy about"):
        assert part in said
    assert said.endswith("Nothing was written.\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_every_line_of_json_is_an_event(tmp_path, capsys):
    arguments = ["train", "ring", "--out", str(tmp_path / "run"), "--steps", "3", "--json", *SMALL]
    assert main(arguments) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    kinds = {event["event"] for event in events}
    assert {"working", "drawn", "saved", "stepped", "measured", "ended"} == kinds
    (measured,) = [event for event in events if event["event"] == "measured"]
    assert {"distance", "floor", "real_right", "health"} <= measured.keys()
    assert events[-1]["event"] == "ended"


@pytest.mark.parametrize("name", ["ring", "digits"])
def test_samples_are_written_under_the_names_that_others_build_on(name, finished_run, tmp_path):
    run, out = str(finished_run / name), tmp_path / "samples"
    for suffix in (".npz", ".npy", ".png"):
        assert main(["sample", run, "-n", "20", "--out", str(out.with_suffix(suffix))]) == 0
    with np.load(out.with_suffix(".npz")) as arrays:
        samples = arrays["samples"]
        assert arrays.files == (["samples", "labels"] if name == "digits" else ["samples"])
        if name == "digits":
            assert arrays["labels"].shape == (20,)
            assert set(arrays["labels"]) <= set(range(10))
    shape = (20, 8, 8, 1) if name == "digits" else (20, 2)
    assert samples.shape == shape
    assert samples.dtype == (np.uint8 if name == "digits" else np.float64)
    np.testing.assert_array_equal(np.load(out.with_suffix(".npy")), samples)
    with Image.open(out.with_suffix(".png")) as picture:
        assert min(picture.size) > 8


def test_points_are_written_as_a_table_and_pictures_as_files(finished_run, tmp_path, capsys):
    table, folder = tmp_path / "a.csv", tmp_path / "pictures"
    assert main(["sample", str(finished_run / "ring"), "-n", "7", "--out", str(table)]) == 0
    assert table.read_text().splitlines()[0] == "x,y"
    assert np.loadtxt(table, delimiter=",", skiprows=1).shape == (7, 2)
    assert main(["sample", str(finished_run / "digits"), "-n", "7", "--out", str(folder)]) == 0
    assert len(list(folder.rglob("*.png"))) == 7
    assert main(["sample", str(finished_run / "digits"), "--out", str(table)]) == 2
    assert "samples of this kind are written as" in capsys.readouterr().err


def test_a_seed_gives_the_same_samples_and_a_class_only_its_own(finished_run, tmp_path):
    run, out = str(finished_run / "digits"), tmp_path / "s.npz"
    drawn = []
    for seed in ("1", "1", "2"):
        assert main(["sample", run, "-n", "5", "--seed", seed, "--out", str(out)]) == 0
        drawn.append(np.load(out)["samples"])
    assert (drawn[0] == drawn[1]).all()
    assert (drawn[0] != drawn[2]).any()
    assert main(["sample", run, "-n", "5", "--class", "7", "--out", str(out)]) == 0
    assert np.load(out)["labels"].tolist() == [7] * 5


OWN = """
from gantlet.losses import LOSSES, Loss, midway, raising, wasserstein_discriminator
LOSSES["mine"] = Loss(wasserstein_discriminator, raising, midway)
"""


def test_a_loss_of_ones_own_is_loaded_by_its_file(tmp_path):
    (tmp_path / "mine.py").write_text(OWN)
    process = started(
        tmp_path, "train", "ring", "--load", "mine.py", "--set", "objective.loss=mine",
        "--steps", "2", *SMALL,
    )  # fmt: skip
    _, said = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert Folder(tmp_path / "runs" / "ring").facts()["run"]["objective"]["loss"] == "mine"
