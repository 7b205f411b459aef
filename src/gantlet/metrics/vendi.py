"""How many kinds of samples there are, as an effective number."""

from collections.abc import Iterator
from functools import cache

import numpy as np
from jaxtyping import Float, Float64, Int

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
    return _cosine(features, canonical_order(features), np.zeros(features.shape[1], features.dtype))


def vendi_ratio(real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"]) -> float:
    """See `vendi_ratios`."""
    return vendi_ratios(real, fake)[0]


def vendi_ratios(real: Float[np.ndarray, "m d"], *fakes: Float[np.ndarray, "_ d"]) -> list[float]:
    """Variety of each set over that of as many reals, features centred by the real mean.

    Uncentred features of networks all point one way: their score says 1 kind whatever they show.
    Where one set is larger, the rows taken of it are chosen by their bytes and a seed.
    """
    order, total = canonical_order(real), np.zeros(real.shape[1])
    for rows in _blocks(order):
        total += real[rows].sum(0, dtype=np.float64)
    mean = (total / len(real)).astype(real.dtype)

    @cache
    def of_real(count: int) -> float:
        return _cosine(real, _some(order, count), mean)

    counts = [min(len(real), len(fake)) for fake in fakes]
    return [
        _cosine(fake, _some(canonical_order(fake), count), mean) / of_real(count)
        for fake, count in zip(fakes, counts, strict=True)
    ]


def _cosine(
    features: Float[np.ndarray, "n d"], order: Int[np.ndarray, "k"], centre: Float[np.ndarray, "d"]
) -> float:
    """The score of the rows in that order, seen from the centre."""
    k, d = len(order), features.shape[1]
    if k <= d:
        unit = _unit(features[order] - centre).astype(np.float64)
        return _effective_number(np.linalg.eigvalsh(unit @ unit.T / k))
    gram = np.zeros((d, d))
    for rows in _blocks(order):
        block = _unit(features[rows] - centre).astype(np.float64)
        gram += block.T @ block
    return _effective_number(np.linalg.eigvalsh(gram / k))


def _effective_number(eigenvalues: Float64[np.ndarray, "k"]) -> float:
    share = eigenvalues[eigenvalues > 0]
    share = share / share.sum()  # 1 but for rounding and rows of zeros
    return float(np.exp(-(share @ np.log(share))))


def _some(order: Int[np.ndarray, "n"], count: int) -> Int[np.ndarray, "count"]:
    if len(order) == count:
        return order
    return np.random.default_rng(0).permutation(order)[:count]


def _blocks(order: Int[np.ndarray, "n"]) -> Iterator[Int[np.ndarray, "b"]]:
    for start in range(0, len(order), ROWS):
        yield order[start : start + ROWS]


def _unit(features: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    norms = np.linalg.norm(features, axis=1, keepdims=True)
    return features / np.where(norms > 0, norms, 1)
