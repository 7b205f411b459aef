"""Kinds of data by name; the first that recognises a source takes it."""

from gantlet.modalities.base import Modality
from gantlet.modalities.image import IMAGE
from gantlet.modalities.points import POINTS
from gantlet.modalities.series import SERIES_MODALITY
from gantlet.modalities.table import TABLE

MODALITIES: dict[str, Modality] = {
    "points": POINTS,
    "image": IMAGE,
    "table": TABLE,
    "series": SERIES_MODALITY,
}

__all__ = ["MODALITIES", "Modality"]
