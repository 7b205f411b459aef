"""gantlet evaluate and gantlet compare: what they do on the command line."""

import argparse
import json
import math
import sys
from collections.abc import Generator
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from gantlet.config import ConfigError
from gantlet.evaluation.compare import Comparison, compared
from gantlet.evaluation.evaluate import judged, written
from gantlet.evaluation.figures import Evaluation, Figure
from gantlet.evaluation.kept import metrics_json
from gantlet.files import write_bytes
from gantlet.folder import Folder
from gantlet.interrupts import NAMES, Interrupts
from gantlet.modalities.base import Progress
from gantlet.report import render, render_comparison
from gantlet.view import chosen
from gantlet.watching import watched

PLACE = "evaluation"  # folder inside a run's
MARKS = {"fault": "✗", "warning": "!", "good": "✓"}
STYLES = {"fault": "bold red", "warning": "yellow", "good": "green"}


def evaluate(options: argparse.Namespace) -> int:
    """gantlet evaluate"""
    out = options.out or _place(options.target)
    view = chosen(f"gantlet · evaluating {options.target}", as_json=options.json)
    with Interrupts() as interrupts:
        try:
            evaluation = watched(_judged(options.target, options, out), view, interrupts)
        finally:
            view.close()
        if evaluation is None:
            return _interrupted(interrupts, f"gantlet evaluate {options.target}")
    report, metrics = written(evaluation, render(evaluation), out)
    if options.json:
        print(json.dumps({"event": "evaluated", **metrics_json(evaluation)}, allow_nan=False))
    else:
        _shown(evaluation)
        print(f"\nreport: {report}\nnumbers: {metrics}")
    return 0


def compare(options: argparse.Namespace) -> int:
    """gantlet compare"""
    if len(options.targets) < 2:
        raise ConfigError("compare: give at least two runs, e.g. gantlet compare runs/a runs/b")
    if len(set(options.targets)) < len(options.targets):
        raise ConfigError("compare: a run stands there twice; give different ones")
    evaluations: dict[str, Evaluation] = {}
    with Interrupts() as interrupts:
        for target in options.targets:
            view = chosen(f"gantlet · evaluating {target}", as_json=options.json)
            try:
                out = _place(target)
                evaluation = watched(_judged(target, options, out), view, interrupts)
            finally:
                view.close()
            if evaluation is None:
                return _interrupted(interrupts, f"gantlet compare {' '.join(options.targets)}")
            written(evaluation, render(evaluation), out)
            evaluations[target] = evaluation
    comparison = compared(evaluations)
    if options.json:
        print(json.dumps({"event": "compared", **comparison.plain()}, allow_nan=False))
    else:
        _print_comparison(comparison)
    if options.out is not None:
        page = render_comparison("Comparison", comparison.verdict, evaluations, [comparison.table])
        write_bytes(options.out, page.encode("utf-8"))
    return 0


def _judged(
    target: str, options: argparse.Namespace, out: Path
) -> Generator[Progress, None, Evaluation]:
    kept = out / "views"
    return judged(
        target, options.against, options.held_out, options.features, options.n, options.seed, kept
    )


def _place(target: str) -> Path:
    path = Path(target)
    if Folder(path).exists:
        return path / PLACE
    return path.with_name(f"{path.stem}-{PLACE}")


def _interrupted(interrupts: Interrupts, command: str) -> int:
    assert interrupts.asked is not None
    print(
        f"\n{NAMES[interrupts.asked]}: the views that were done are kept. Go on with: {command}",
        file=sys.stderr,
    )
    return interrupts.early_code


def _shown(evaluation: Evaluation) -> None:
    console = Console(highlight=False)
    console.print(f"\n[bold]{escape(evaluation.title)}[/bold]  {escape(evaluation.verdict)}")
    for finding in evaluation.findings:
        console.print(
            f"  {MARKS[finding.severity]} {finding.words}",
            style=STYLES[finding.severity], markup=False,
        )  # fmt: skip
        if finding.advice:
            console.print(f"    → {finding.advice}", style="dim", markup=False)
    for view in evaluation.views:
        console.print(f"\n[bold]{view.question}[/bold]\n{escape(view.answer)}")
        for figure in view.figures:
            console.print(f"  {_line(figure)}", style="dim", markup=False, soft_wrap=True)


def _line(figure: Figure) -> str:
    if math.isnan(figure.value):
        return f"{figure.title:<38} – {figure.words}"
    scale = 100 if figure.unit == "%" else 1
    value = f"{figure.value * scale:.3g}{figure.unit}"
    if figure.low == figure.low:
        value += f" [{figure.low * scale:.3g}, {figure.high * scale:.3g}]"
    beside = f"real {figure.real * scale:.3g}" if figure.real == figure.real else ""
    return f"{figure.title:<38} {value:<28} {beside}"


def _print_comparison(comparison: Comparison) -> None:
    console = Console(highlight=False)
    console.print(f"\n{comparison.verdict}", style="bold", markup=False)
    names = list(comparison.names)
    console.print(
        f"{'':<38} " + " ".join(f"{name[-22:]:>22}" for name in names) + "  better",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    for row in comparison.rows:
        values = " ".join(f"{value:>22}" for value in row.values)
        console.print(f"{row.title:<38} {values}  {row.words}", markup=False, soft_wrap=True)
