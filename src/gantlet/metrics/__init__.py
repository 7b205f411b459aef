"""A metric is a feature extractor and a distance; these are the distances, on NumPy arrays."""

from gantlet.metrics.boosted import boosted_two_sample, transfer
from gantlet.metrics.clusters import cluster_modes, mode_shares
from gantlet.metrics.columns import Columns, shuffled_columns
from gantlet.metrics.copying import copying
from gantlet.metrics.course_classifier import course_two_sample
from gantlet.metrics.course_foretelling import foretelling_scores
from gantlet.metrics.course_statistics import (
    autocorrelation,
    cross_correlation,
    extremes,
    extremes_gap,
    profile_gap,
    spectrum,
)
from gantlet.metrics.courses import Courses, scaled, shuffled_courses
from gantlet.metrics.customary import discriminative_scores, predictive_scores
from gantlet.metrics.floor import gaussian_floor
from gantlet.metrics.frechet import frechet_distance, frechet_estimate, frechet_infinity
from gantlet.metrics.intervals import Estimate
from gantlet.metrics.kernel import kernel_estimate, squared_mmd, standardised
from gantlet.metrics.label_shares import label_shares
from gantlet.metrics.mixing import segregation
from gantlet.metrics.modes import (
    ModeReport,
    StackedModes,
    grid_centres,
    mode_report,
    ring_centres,
    stacked_modes,
)
from gantlet.metrics.neighbours import (
    coverage,
    density,
    neighbour_estimates,
    precision,
    recall,
)
from gantlet.metrics.privacy import privacy
from gantlet.metrics.sliced import sliced_wasserstein
from gantlet.metrics.table_quality import table_quality
from gantlet.metrics.two_sample import TwoSample, two_sample_test
from gantlet.metrics.vendi import cosine_vendi_score, vendi_ratio, vendi_score

__all__ = [
    "Columns",
    "Courses",
    "Estimate",
    "ModeReport",
    "StackedModes",
    "TwoSample",
    "autocorrelation",
    "boosted_two_sample",
    "cluster_modes",
    "copying",
    "cosine_vendi_score",
    "course_two_sample",
    "coverage",
    "cross_correlation",
    "density",
    "discriminative_scores",
    "extremes",
    "extremes_gap",
    "foretelling_scores",
    "frechet_distance",
    "frechet_estimate",
    "frechet_infinity",
    "gaussian_floor",
    "grid_centres",
    "kernel_estimate",
    "label_shares",
    "mode_report",
    "mode_shares",
    "neighbour_estimates",
    "precision",
    "predictive_scores",
    "privacy",
    "profile_gap",
    "recall",
    "ring_centres",
    "scaled",
    "segregation",
    "shuffled_columns",
    "shuffled_courses",
    "sliced_wasserstein",
    "spectrum",
    "squared_mmd",
    "stacked_modes",
    "standardised",
    "table_quality",
    "transfer",
    "two_sample_test",
    "vendi_ratio",
    "vendi_score",
]
