"""Where a figure sees nothing on this data: a trivial generator scores as real data do."""

import math
from dataclasses import replace

from gantlet.evaluation.figures import Figure, View

BLIND = (
    "blind here: the trivial generator, which knows no dependence at all, scores as well as real "
    "data do; read another figure"
)
WIDE = 2.0  # standard errors


def marked(view: View) -> View:
    """The view, its figures that are blind on this data with a warning that says so."""
    return replace(view, figures=tuple(_marked(figure) for figure in view.figures))


def _marked(figure: Figure) -> Figure:
    return replace(figure, warnings=(*figure.warnings, BLIND)) if is_blind(figure) else figure


def is_blind(figure: Figure) -> bool:
    """Whether the trivial generator's value is as good as real data's, within what chance moves."""
    if not (math.isfinite(figure.baseline) and math.isfinite(figure.error)):
        return False
    slack = WIDE * figure.error
    match figure.better:
        case "lower":
            return figure.baseline <= figure.real + slack
        case "higher":
            return figure.baseline >= figure.real - slack
        case "near":
            return abs(figure.baseline - figure.real) <= slack
