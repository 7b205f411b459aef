"""Draws the documentation's pictures of metrics from small computations, all seeded.

python docs/figures/draw.py              # all, into docs/images/metrics
python docs/figures/draw.py precision    # one
"""

import sys
from collections.abc import Callable
from pathlib import Path

import continuity
import copying
import distributions
import realness

OUT = Path(__file__).parent.parent / "images" / "metrics"
FIGURES: dict[str, Callable[[], str]] = {
    **realness.FIGURES,
    **distributions.FIGURES,
    **continuity.FIGURES,
    **copying.FIGURES,
}

if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or FIGURES:
        (OUT / f"{name}.svg").write_text(FIGURES[name](), encoding="utf-8")
