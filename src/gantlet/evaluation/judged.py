"""What every view gives back, and how its figures are made alike."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gantlet.evaluation.figures import Figure, Finding, Panel, Picture, View
from gantlet.metrics.intervals import Estimate
from gantlet.modalities.base import Modality


class Judged(NamedTuple):
    """A view, and what of it belongs in the summary."""

    view: View
    findings: tuple[Finding, ...]


class More(NamedTuple):
    """What a kind of data adds to a view: figures, panels, findings, and a sentence.

    A sharper judge may deny a good sign that the view has by itself, by its kind.
    """

    figures: tuple[Figure, ...]
    panels: tuple[Panel, ...]
    findings: tuple[Finding, ...]
    words: str
    denied: tuple[str, ...] = ()


def widened(judged: Judged, more: More) -> Judged:
    """The view with what is added to it in front: who adds something knows what matters most."""
    view = replace(
        judged.view,
        answer=f"{more.words} {judged.view.answer}".strip(),
        figures=(*more.figures, *judged.view.figures),
        panels=(*more.panels, *judged.view.panels),
    )
    kept = (finding for finding in judged.findings if finding.kind not in more.denied)
    return Judged(view, (*more.findings, *kept))


def between(estimate: Estimate, digits: str = ".3g") -> str:
    """11.4 [11.0, 11.9]"""
    return f"{estimate.value:{digits}} [{estimate.low:{digits}}, {estimate.high:{digits}}]"


def picture_of(modality: Modality, rows: object, words: str) -> Picture:
    """Rows as the modality shows them, in one picture."""
    preview = modality.preview(rows, None)
    return Picture(content=preview.content, media_type=preview.media_type, words=words)


def evenly(count: int, most: int) -> Int[np.ndarray, "n"]:
    """At most `most` indices spread over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))


def interval(estimate: Estimate) -> dict[str, Any]:
    """An estimate as the fields of a figure."""
    return {**estimate._asdict()}


def histogram(values: Float[np.ndarray, "n"], edges: Float[np.ndarray, "k"]) -> tuple[float, ...]:
    """Share of the values in each bin, what lies outside counted at the ends."""
    counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
    return tuple((counts / max(1, len(values))).tolist())
