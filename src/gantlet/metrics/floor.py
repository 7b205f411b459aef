"""What the Fréchet distance between two sets of one Gaussian is on average: its floor."""

import numpy as np
from scipy.special import binom

TERMS = 200


def gaussian_floor(m: int, n: int, d: int) -> float:
    """E FD of m rows of N(0, I_d) against n others, within some thousandths.

    (1/m + 1/n) (d + d (d + 1)/4) where d is small beside m and n. In general the mean singular
    value of a product of two Gaussian matrices is needed: the half moment of the free product of
    two Marchenko–Pastur laws (Lagrange's inversion of their S-transforms; Speicher 1997), over the
    three sizes in their order, as that law does not change when they are swapped (Ipsen & Kieburg
    2014). Sets lose one degree of freedom to their mean.
    """
    a, b = m - 1, n - 1
    least, middle, most = sorted((a, b, d))
    shrink = _half_moment(least / middle, least / most)
    # Of the next order in 1/d, real matrices' own: known where rows outnumber dimensions.
    shrink -= (1 - shrink) / least
    overlap = least * np.sqrt(middle * most) * shrink * np.sqrt(d * d / (a * b)) / d
    return float(d * (1 / m + 1 / n) + 2 * d - 2 * overlap)


def _half_moment(c1: float, c2: float) -> float:
    """Σ C(½, j + l + 1) C(½, j) C(½, l) c1ʲ c2ˡ / ½: E √x of the free product of two laws."""
    j = np.arange(TERMS)
    both = binom(0.5, j[:, None] + j + 1) * np.outer(binom(0.5, j) * c1**j, binom(0.5, j) * c2**j)
    return float(2 * both.sum())
