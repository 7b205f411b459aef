"""What holds between the numbers of each step, found as in tables."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pyarrow as pa

from gantlet.modalities.tables.finding import EVIDENCE, related
from gantlet.modalities.tables.kinds import fit_column
from gantlet.modalities.tables.relations import FormulaColumn, Order
from gantlet.modalities.timelines.columns import Channel, Derived, Number

KNOTS = 64  # of numbers, which are only looked at here
FEWEST = 2  # columns that relations need


def related_channels(
    channels: Sequence[Channel],
    names: Sequence[str],
    cells: Callable[[int], pa.Array],
    steps: int,
    length: int,
) -> tuple[tuple[Channel, ...], tuple[Order, ...]]:
    """The channels, with those that follow from others derived, and the pairs that are in order.

    The steps of a window hang together: they are evidence for an order as one row of a table is.
    """
    found = list(channels)
    places = [i for i, c in enumerate(channels) if isinstance(c, Number) and not c.is_held]
    if len(places) < FEWEST:
        return tuple(found), ()
    kinds = [fit_column(cells(place), KNOTS) for place in places]
    own = [names[place] for place in places]
    evidence = EVIDENCE * length
    told, orders = related(kinds, own, lambda number: cells(places[number]), steps, evidence)
    for place, kind in zip(places, told, strict=True):
        if isinstance(kind, FormulaColumn):
            sources = tuple(places[source] for source in kind.sources)
            found[place] = Derived(replace(kind, sources=sources))
    return tuple(found), tuple((places[low], places[high]) for low, high in orders)
