"""How many kinds of samples there are, as an effective number."""

import numpy as np
from jaxtyping import Float, Float64

from gantlet.metrics.intervals import canonical_order
from gantlet.metrics.moments import ROWS


def vendi_score(similarity: Float[np.ndarray, "n n"]) -> float:
    """exp(−Σ λ ln λ), λ the eigenvalues of K/n, K with ones on its diagonal.

    Friedman & Dieng 2023, definition 3.1: n where no two samples are alike, 1 where all are equal.
    """
    return _effective_number(np.linalg.eigvalsh(similarity.astype(np.float64) / len(similarity)))


def cosine_vendi_score(features: Float[np.ndarray, "n d"]) -> float:
    """The score with K the cosine of features as they come; a row of zeros is like no other.

    K/n = XXᵀ/n has the eigenvalues of XᵀX/n, d × d, which is taken where it is the smaller.
    """
    unit = _unit(features[canonical_order(features)])
    n, d = unit.shape
    if n <= d:
        return _effective_number(np.linalg.eigvalsh(unit @ unit.T / n))
    gram = np.zeros((d, d))
    for start in range(0, n, ROWS):
        block = unit[start : start + ROWS].astype(np.float64)
        gram += block.T @ block
    return _effective_number(np.linalg.eigvalsh(gram / n))


def vendi_ratio(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """Variety of the fakes over that of as many reals, features centred by the real mean.

    Uncentred features of networks all point one way: their score says 1 kind whatever they show.
    Where one set is larger, the rows taken of it are chosen by their bytes and a seed.
    """
    count = min(len(real), len(fake))
    mean = real[canonical_order(real)].mean(0, dtype=np.float64).astype(real.dtype)
    scores = [cosine_vendi_score(_some(x, count) - mean) for x in (fake, real)]
    return scores[0] / scores[1]


def _effective_number(eigenvalues: Float64[np.ndarray, "k"]) -> float:
    share = eigenvalues[eigenvalues > 0]
    share = share / share.sum()  # 1 but for rounding and rows of zeros
    return float(np.exp(-(share @ np.log(share))))


def _some(features: Float[np.ndarray, "n d"], count: int) -> Float[np.ndarray, "count d"]:
    if len(features) == count:
        return features
    return features[np.random.default_rng(0).permutation(canonical_order(features))[:count]]


def _unit(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(norms > 0, norms, 1)
