"""The command line: gantlet train | resume | sample | evaluate | compare | bench | doctor."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gantlet.bench import PROTOCOLS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return 0
    try:
        from gantlet.commands import COMMANDS

        return COMMANDS[options.command](options)
    except ValueError as error:  # every boundary raises ValueError with a way out
        if _is_ours(error):
            print(f"gantlet: {error}", file=sys.stderr)
            return 2
        raise
    except KeyboardInterrupt:
        print("\nstopped at once; what was written before stands", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def _is_ours(error: ValueError) -> bool:
    return type(error).__module__.partition(".")[0] == "gantlet"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gantlet", description="Train a generative adversarial network on your own data."
    )
    parser.add_argument("--version", action="version", version=f"gantlet {_version()}")
    commands = parser.add_subparsers(dest="command", metavar="command")
    _add_train(commands)
    _add_resume(commands)
    _add_sample(commands)
    _add_evaluate(commands)
    _add_compare(commands)
    _add_bench(commands)
    doctor = commands.add_parser("doctor", help="what is here, what is missing, how to get it")
    doctor.add_argument("--json", action="store_true", help="as JSON")
    settings = commands.add_parser("settings", help="every setting, its default and its meaning")
    settings.add_argument("pattern", nargs="?", default="", help="only names that contain this")
    return parser


def _add_train(commands: Any) -> None:
    train = commands.add_parser("train", help="train on a folder, file or built-in data set")
    train.add_argument(
        "source",
        help="folder, zip, idx, .npy, .csv, .parquet ...; or digits, ring, grid, spiral, moons",
    )
    train.add_argument("--minutes", type=float, help="time to train (default 10)")
    train.add_argument("--steps", type=int, help="end after so many steps")
    train.add_argument("--images", type=int, help="end after so many real samples")
    train.add_argument("--resolution", metavar="SIZE", help="pictures: 64, or 128x96 (W x H)")
    train.add_argument(
        "--series", dest="modality", action="store_const", const="series",
        help="a record over time, not rows that stand alone: windows of it are generated",
    )  # fmt: skip
    train.add_argument("--time", metavar="COLUMN", help="series: when each step is")
    train.add_argument("--entity", metavar="COLUMN", help="series: whose step each row is")
    train.add_argument(
        "--wide", action="store_true", default=None,
        help="series: each row is one, and columns are its steps (sold_1, sold_2, ...)",
    )  # fmt: skip
    train.add_argument("--length", type=int, help="series: steps of a sample (default: found)")
    train.add_argument("--out", type=Path, metavar="FOLDER", help="the run's folder")
    train.add_argument("--seed", type=int, help="all randomness follows from it (default 0)")
    train.add_argument("--config", type=Path, metavar="FILE", help="settings in TOML or JSON")
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="any setting; `gantlet settings` lists them",
    )  # fmt: skip
    train.add_argument(
        "--load", action="append", default=[], type=Path, metavar="FILE.py",
        help="Python that adds losses, penalties, networks or modalities of your own",
    )  # fmt: skip
    train.add_argument("--new", action="store_true", help="a new folder where a run exists")
    train.add_argument("--dry-run", action="store_true", help="say what would be done and why")
    train.add_argument("--json", action="store_true", help="events as JSON lines")


def _add_resume(commands: Any) -> None:
    resume = commands.add_parser("resume", help="go on with a run exactly where it stood")
    resume.add_argument("run", type=Path, help="the run's folder")
    resume.add_argument("--minutes", type=float, help="a new budget from here")
    resume.add_argument("--load", action="append", default=[], type=Path, metavar="FILE.py")
    resume.add_argument("--json", action="store_true", help="events as JSON lines")


def _add_sample(commands: Any) -> None:
    sample = commands.add_parser("sample", help="draw samples from a run or a .gantlet file")
    sample.add_argument("run", type=Path, help="a run's folder or a .gantlet file")
    sample.add_argument(
        "-n", type=int, help="how many (default 64; with --after ways to go on, default 1)"
    )
    sample.add_argument(
        "--out", type=Path,
        help=".npz, .npy, .csv, .parquet, .png (a grid) ..., or a folder "
        "(default samples.npz, of tables samples.csv)",
    )  # fmt: skip
    sample.add_argument("--seed", type=int, default=0)
    sample.add_argument("--truncation", type=float, default=1.0, help="below 1: more typical")
    sample.add_argument("--class", dest="label", help="only this class, by name or number")
    sample.add_argument(
        "--where", action="append", default=[], metavar="CONDITION",
        help="only rows that fit, e.g. \"income='>50K'\" or 'age >= 30'; may be repeated",
    )  # fmt: skip
    sample.add_argument(
        "--steps", type=int, help="series: so many, more than those learnt (default: as learnt)"
    )
    sample.add_argument(
        "--after", metavar="FILE", help="series: what may follow those of this file, of --steps"
    )
    sample.add_argument("--load", action="append", default=[], type=Path, metavar="FILE.py")


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser("evaluate", help="is it real, diverse, smooth, and no copy")
    evaluate.add_argument("target", help="a run's folder; or anyone's samples, with --against")
    _add_judging(evaluate)
    evaluate.add_argument(
        "--held-out", metavar="DATA", help="real data that were kept from the samples' maker"
    )
    evaluate.add_argument(
        "--out", type=Path, metavar="FOLDER", help="where report.html and metrics.json go"
    )


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser("compare", help="which run is better, and is it chance")
    compare.add_argument("targets", nargs="+", metavar="RUN", help="two or more, or sample sets")
    compare.add_argument("--out", type=Path, metavar="FILE.html", help="the comparison as a page")
    _add_judging(compare)
    compare.set_defaults(held_out=None)


def _add_judging(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--against", metavar="DATA", help="real data to judge against")
    parser.add_argument(
        "--features", metavar="NAME",
        help="what is compared: efficientnet-lite0, classifier, pixels, identity, a file "
        "(model.onnx, inception.pt) or a name from --load; default: what suits the data",
    )  # fmt: skip
    parser.add_argument("-n", type=int, help="generated samples (default: up to 10,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="progress and result as JSON lines")
    parser.add_argument("--load", action="append", default=[], type=Path, metavar="FILE.py")


def _add_bench(commands: Any) -> None:
    bench = commands.add_parser("bench", help="a published protocol, ceilings and floors beside")
    bench.add_argument("protocol", choices=tuple(PROTOCOLS))
    bench.add_argument("--minutes", type=float, help="training time a seed")
    bench.add_argument("--seeds", type=int, default=1, help="how many seeds")
    bench.add_argument("--first-seed", type=int, default=0, help="the first of them")
    bench.add_argument("--data", type=Path, help="folder of the protocol's data set")
    bench.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    bench.add_argument("--out", type=Path, default=Path("runs/bench"), help="folder for the runs")


def _version() -> str:
    from gantlet import __version__

    return __version__
