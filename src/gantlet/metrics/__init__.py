"""A metric is a feature extractor and a distance; these are the distances, on NumPy arrays."""

from gantlet.metrics.distances import frechet_distance, sliced_wasserstein, squared_mmd
from gantlet.metrics.mixing import segregation
from gantlet.metrics.modes import (
    ModeReport,
    StackedModes,
    grid_centres,
    mode_report,
    ring_centres,
    stacked_modes,
)
from gantlet.metrics.neighbours import coverage, density, precision, recall

__all__ = [
    "ModeReport",
    "StackedModes",
    "coverage",
    "density",
    "frechet_distance",
    "grid_centres",
    "mode_report",
    "precision",
    "recall",
    "ring_centres",
    "segregation",
    "sliced_wasserstein",
    "squared_mmd",
    "stacked_modes",
]
