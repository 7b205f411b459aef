"""Evaluations as JSON and back: what was computed is kept, and other programs can read it."""

import base64
import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from gantlet.evaluation.figures import Evaluation, Figure

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Nested dicts, lists and texts; bytes as base64, what is no finite number as null.

    A dataclass says of what class it is, since a panel may be one of several.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def restored(hint: Any, value: Any) -> Any:
    """The inverse of `plain` for a type of this package."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (one,) = [cls for cls in arguments if cls.__name__ == value["is"]]
        return restored(one, value)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = typing.get_type_hints(hint)
        return hint(**{k: restored(hints[k], v) for k, v in value.items() if k != "is"})
    if origin is tuple:
        return tuple(restored(arguments[0], item) for item in value)
    if hint is float:
        return math.nan if value is None else float(value)
    return base64.b64decode(value) if hint is bytes else value


def metrics_json(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers and the words of an evaluation, without its pictures: what metrics.json holds."""
    return {
        "title": evaluation.title,
        "verdict": evaluation.verdict,
        "facts": dict(evaluation.facts),
        "findings": [_plain(finding) for finding in evaluation.findings],
        "views": {
            view.name: {
                "question": view.question,
                "answer": view.answer,
                "figures": {figure.name: _plain(figure) for figure in view.figures},
            }
            for view in evaluation.views
        },
    }


def figures_of(metrics: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures that metrics.json holds, by name."""
    return {
        name: restored(Figure, figure)
        for view in metrics["views"].values()
        for name, figure in view["figures"].items()
    }


def _plain(value: Any) -> dict[str, Any]:
    return {key: item for key, item in plain(value).items() if key != "is"}
