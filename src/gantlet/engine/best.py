"""Which state of a run is its best, told from its readings as they come.

States are compared by the readings' `rank`, a distance to held-out data that is fit for it. All
looks see the same real rows and make samples of the same latents, so what those draws add by chance
is common to all and does not count as noise between them: two draws of real rows scatter by far
more than two looks at one state of a run, and to allow for that would allow for harm.
"""

import math
from collections.abc import Sequence

from gantlet.engine.health import Reading

SLACK = 0.02  # share of the best rank, above its floor, by which the newest may miss it
SHORTEST_PAUSE = 4.0  # seconds between two looks, or two best states kept, however cheap
SAVE_SHARE = 0.02  # part of the time that keeping them may take


def is_best(readings: Sequence[Reading]) -> bool:
    """Whether the newest state is to be preferred to all before it.

    Of two that measure alike the later has the calmer weights. Alike to what is always the best
    rank of all: many small steps up must not add up.
    """
    best, now = min(reading.rank for reading in readings), readings[-1]
    floor = now.rank_floor if math.isfinite(now.rank_floor) else 0.0
    # What real rows score too says nothing of a state, and a share of it may hide a difference.
    return now.rank <= best + SLACK * max(0.0, best - floor)


def is_worth_keeping(since_best: float, saved_in: float) -> bool:
    """Whether a new best state may be written so soon after the last one.

    What counts is the last *best*: a checkpoint that came a moment ago by the clock is no reason
    to lose this one.

    Args:
        since_best: seconds since a best state was written last.
        saved_in: seconds that writing takes.
    """
    return since_best > max(SHORTEST_PAUSE, saved_in / SAVE_SHARE)
