"""What do generated series teach about the next step of real ones? A line, and trees on its rest.

The customary predictive score asks a few recurrent units about the last channel alone, on series
that they may have learned from. Here every channel is foretold from all of them, by judges that
find straight and bent dependence, on stretches of the real record that nobody learned from.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float64, Int
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge

from gantlet.metrics.courses import Set, Windows
from gantlet.metrics.overlaps import apart, blocks, lines

SERIES = 3_000  # of each set
FEWEST = 40  # of each set
CHANNELS = 8  # that are foretold; of more, some are drawn
LAGS = 4  # steps that the judges look back
ROWS = 10_000  # steps that one learns from
FOLDS = 5  # stretches are dealt to so many parts; one is the test
TREES = 80

Row = Float64[np.ndarray, "n d"]
Scores = Float64[np.ndarray, "sets"]


def foretelling_scores(real: Windows, learned: Sequence[Set], seed: int = 0) -> Scores:
    """Error about the next step of real series, over that of the guess that nothing changes.

    The root of Σ(x − x̂)² / Σ(x − x₋₁)², the mean over channels: Hyndman & Koehler 2006's scaled
    error, 1 where no more is known than the last value. What comes first is of judges that learned
    on other stretches of the real record, the floor; then of each set in turn. All learn from
    equally many series, at most 3,000; overlapping real series stay on one side.

    Raises:
        ValueError: a set has fewer than 40 series, a series has fewer than 2 steps, shapes differ,
            or all real series overlap.
    """
    if len({part.shape[1:] for part in (real, *learned)}) > 1 or real.shape[1] < 2:
        shapes = ", ".join(str(part.shape) for part in (real, *learned))
        raise ValueError(f"give sets of one shape, of series of 2 steps or more, not {shapes}")
    if min(map(len, (real, *learned))) < FEWEST:
        raise ValueError(f"at least {FEWEST} series of each set are needed")
    rng = np.random.default_rng([seed, 37])
    some = real[np.sort(rng.permutation(len(real))[:SERIES])]
    is_test, is_free = _sides(some, rng)
    count = min(int(is_free.sum()), *(len(part) for part in learned))
    known = some[is_free][np.sort(rng.permutation(int(is_free.sum()))[:count])]
    sets = [known, *(part[np.sort(rng.permutation(len(part))[:count])] for part in learned)]
    channels = np.arange(real.shape[2])
    channels = np.sort(rng.permutation(channels)[:CHANNELS])
    scale = _deviation(known)
    test = some[is_test] / scale
    place = int(rng.integers(2**31))
    return np.array([_error(part / scale, test, channels, place) for part in sets])


def _sides(
    values: Windows, rng: np.random.Generator
) -> tuple[Bool[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
    """Whole stretches for the test, and series that share no step with them."""
    found, steps = lines(values), values.shape[1]
    block = blocks(found, steps)
    is_test = (rng.permutation(int(block.max()) + 1) % FOLDS)[block] == 0
    is_free = apart(found, is_test, steps)
    if min(int(is_test.sum()), int(is_free.sum())) < 2:
        raise ValueError("all real series overlap: there is no stretch to keep for the test")
    return is_test, is_free


def _error(train: Set, test: Set, channels: Int[np.ndarray, "k"], seed: int) -> float:
    """The scaled error of judges that learn on one set, the mean over channels."""
    rng = np.random.default_rng(seed)
    x, now = _rows(train)
    chosen = np.sort(rng.permutation(len(x))[:ROWS])
    x, now = x[chosen], now[chosen]
    x_test, now_test = _rows(test)
    errors = []
    for channel in channels:
        # The change is what is foretold: the guess that nothing changes is then 0.
        y, y_test = (
            part[:, channel] - rows[:, channel] for part, rows in ((now, x), (now_test, x_test))
        )
        is_known, is_tested = np.isfinite(y), np.isfinite(y_test)
        rest = np.square(y_test[is_tested]).sum()
        if is_known.sum() < FEWEST or not rest > 0:
            continue
        told = _told(x[is_known], y[is_known], x_test[is_tested])
        errors.append(np.sqrt(np.square(y_test[is_tested] - told).sum() / rest))
    return float(np.mean(errors)) if errors else float("nan")


def _deviation(values: Windows) -> Float64[np.ndarray, "c"]:
    """Of each channel; 1 where it does not vary or nothing is known of it."""
    is_known = np.isfinite(values)
    count = np.maximum(is_known.sum((0, 1)), 1)
    middle = np.where(is_known, values, 0.0).sum((0, 1)) / count
    spread = np.sqrt(np.where(is_known, np.square(values - middle), 0.0).sum((0, 1)) / count)
    return np.where(spread > 0, spread, 1.0)


def _rows(values: Set) -> tuple[Row, Float64[np.ndarray, "n c"]]:
    """For each step but the first what came before it, the last step first, and the step."""
    n, steps, channels = values.shape
    padded = np.concatenate([np.full((n, LAGS - 1, channels), np.nan), values], axis=1)
    before = [padded[:, LAGS - 1 - lag : LAGS - 1 - lag + steps - 1] for lag in range(LAGS)]
    x = np.concatenate(before, axis=2).reshape(n * (steps - 1), LAGS * channels)
    return x, values[:, 1:].reshape(-1, channels)


def _told(
    x: Row, y: Float64[np.ndarray, "n"], x_test: Float64[np.ndarray, "m d"]
) -> Float64[np.ndarray, "m"]:
    """A ridge regression's guess, and trees' on what it leaves."""
    middle = np.nanmean(np.where(np.isfinite(x).any(0), x, 0.0), axis=0)
    filled, filled_test = (np.where(np.isfinite(part), part, middle) for part in (x, x_test))
    line = Ridge(alpha=1e-3).fit(filled, y)
    trees = HistGradientBoostingRegressor(
        max_iter=TREES,
        max_leaf_nodes=15,
        l2_regularization=1.0,
        early_stopping=False,  # pyright: ignore[reportArgumentType]  # its stubs know only "auto"
        random_state=0,
    )
    rest = y - line.predict(filled)
    # scikit-learn's trees refuse a number that nobody has.
    shown, shown_test = (np.where(np.isnan(x).all(0), 0.0, part) for part in (x, x_test))
    return line.predict(filled_test) + trees.fit(shown, rest).predict(shown_test)
