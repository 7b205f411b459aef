"""Whether two sets of points mix: a two-sample statistic of nearest neighbours."""

import numpy as np
from jaxtyping import Float
from sklearn.neighbors import NearestNeighbors


def segregation(
    real: Float[np.ndarray, "m d"], fake: Float[np.ndarray, "n d"], k: int = 5
) -> float:
    """|T − E[T]|, T the share of k nearest neighbours of one's own kind.  Schilling 1986, eq. 1.

    E[T] is the share where both sets come from one distribution. About ½ for sets that nowhere
    touch and 0, but for noise of some hundredths, for sets that are alike, at any scale of the
    data: blurred or missing modes are seen however fine they are.
    """
    m, n = len(real), len(fake)
    both = np.concatenate([real, fake])
    is_real = np.arange(m + n) < m
    # Asked for no points, it leaves each out of its own neighbours, among equal points too.
    neighbours = NearestNeighbors(n_neighbors=k).fit(both).kneighbors(return_distance=False)
    same = is_real[neighbours] == is_real[:, None]
    expected = (m * (m - 1) + n * (n - 1)) / ((m + n) * (m + n - 1))
    return float(abs(same.mean() - expected))
