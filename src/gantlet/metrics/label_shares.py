"""How often each class truly occurs among samples that a fallible classifier has labelled."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int
from scipy.special import ndtr

from gantlet.metrics.clusters import LEVEL, holm

GONE = 0.35  # of a class's share in the data: what surely falls below counts as missing
SURE = 4.5  # standard errors


class LabelShares(NamedTuple):
    """Shares of each class, the classifier's known mistakes taken back."""

    real: Float64[np.ndarray, "count"]
    fake: Float64[np.ndarray, "count"]
    error: Float64[np.ndarray, "count"]  # standard error of fake's difference from real
    missing: Int[np.ndarray, "missing"]  # made far less often than they should be, if at all
    under: Int[np.ndarray, "under"]  # too seldom beyond chance, missing ones included
    over: Int[np.ndarray, "over"]
    total_variation: float  # ½ Σ |fake − real|


def label_shares(
    labels: Int[np.ndarray, "m"],
    predicted: Int[np.ndarray, "m"],
    predicted_fake: Int[np.ndarray, "n"],
    count: int,
) -> LabelShares:
    """q with Cᵀq = p: black-box shift estimation, Lipton, Wang & Smola 2018, section 4.

    C holds in row c how real rows of class c are predicted, p how often the generated are
    predicted as each class. Without it a missing class hides behind others that are mistaken for
    it. Errors are those of p and of C, to first order; the many classes are judged together
    (Holm 1979).

    Args:
        labels: true classes of real rows that the classifier was not trained on.
        predicted: what the classifier takes these rows for.
    """
    confusion = np.zeros((count, count))
    np.add.at(confusion, (labels, predicted), 1)
    occurs = confusion.sum(1)
    real = occurs / occurs.sum()
    confusion /= np.maximum(occurs, 1)[:, None]
    p = np.bincount(predicted_fake, minlength=count) / len(predicted_fake)
    undo = np.linalg.pinv(confusion.T)
    q = undo @ p
    spread = _multinomial(p, len(predicted_fake))
    for share, row, rows in zip(q, confusion, occurs, strict=True):
        spread += share**2 * _multinomial(row, max(1.0, float(rows)))
    noise = np.diag(undo @ spread @ undo.T) + real * (1 - real) / occurs.sum()
    error = np.sqrt(np.maximum(noise, 1e-300))
    gap = q - real
    beyond = holm(2 * ndtr(-np.abs(gap) / error)) < LEVEL
    below = beyond & (gap < 0)
    gone = below & (q + SURE * error < real) & (q < GONE * real)
    return LabelShares(
        real=real, fake=q, error=error, missing=np.flatnonzero(gone),
        under=np.flatnonzero(below), over=np.flatnonzero(beyond & (gap > 0)),
        total_variation=float(np.abs(gap).sum() / 2),
    )  # fmt: skip


def _multinomial(p: Float64[np.ndarray, "count"], n: float) -> Float64[np.ndarray, "count count"]:
    """Covariance of observed shares."""
    return (np.diag(p) - np.outer(p, p)) / n
