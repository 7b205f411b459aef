"""Columns of numbers over time: point masses as choices, all else as one value at unit scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int

from gantlet.modalities.tables import arrays

MASS = 0.05  # share of the steps from which on a single value is a choice of its own
MOST_MASSES = 4
DECIMALS = 6
LONG_TAIL = 2.0  # skewness beyond which logarithms are tried
NAMES = ("null", "nan", "-inf", "inf")  # cells that are no number
SAME = "same"  # as the step before, in a long run of such: last of the special values
STILL = 6  # steps in a row that are as the one before, from which on it is no chance
MANY = 12  # values that are tens, halves or the like, from which on it is no chance
EXACT = 2.0**53  # up to which whole numbers are floats
OFTEN = 8  # times that a value comes on average from which on there are none but those seen
AMID, SPARSE = (0.05, 0.95), 0.5  # quantiles, and share of the values between them that are there
STANDS = 0.005  # share of the steps in such runs from which on standing still is a choice


@dataclass(frozen=True, eq=False)
class Level:
    """A number of each step: which of its special values it has, or how high it stands.

    Floats that have no grid come back to the precision of float32 within their range.
    """

    type: pa.DataType  # simple
    specials: tuple[str | float, ...]  # choice 0 is any other number, choice 1 the first of these
    decimals: int | None  # places that all numbers are kept to
    low: float
    high: float
    center: float
    scale: float
    is_log: bool
    kind: str
    why: str
    grid: tuple[float, ...] = ()  # all values that there are, in order; empty: any
    step: int = 1  # units of the last place that all values are apart, or a multiple of it

    @property
    def sizes(self) -> tuple[int, ...]:
        """Of its choice; nothing where there are no special values."""
        return (1 + len(self.specials),) if self.specials else ()

    @property
    def same(self) -> int:
        """The choice that says that it is as the step before; 0 where there is none."""
        return len(self.specials) if SAME in self.specials else 0

    def split(self, cells: pa.Array) -> tuple[Int[np.ndarray, "n"], Float[np.ndarray, "n"]]:
        """The choice of each cell, and its height; where it has none, the nearest one before."""
        values, masks = numbers_of(cells)
        choice = np.zeros(len(values), np.int64)
        for place, special in enumerate(self.specials, 1):
            found = masks[special] if isinstance(special, str) else values == special
            choice[found & (choice == 0)] = place
        bad = ~np.isfinite(values)
        values = np.where(bad, self.center_value, values)
        height = (self._bent(np.clip(values, self.low, self.high)) - self.center) / self.scale
        return choice, height

    @property
    def center_value(self) -> float:
        """What stands for numbers that are none."""
        return float(np.exp(self.center) if self.is_log else self.center)

    def join(self, choice: Int[np.ndarray, "n"] | None, height: Float[np.ndarray, "n"]) -> pa.Array:
        """The cells of these choices and heights: the inverse of `split`."""
        values = height.astype(np.float64) * self.scale + self.center
        if self.is_log:
            with np.errstate(over="ignore"):
                values = np.exp(values)
        values = np.clip(values, self.low, self.high)
        if self.grid:
            values = _nearest(np.array(self.grid), values)
        elif self.decimals is not None:
            apart = self.step / 10**self.decimals
            values = np.round((values - self.low) / apart) * apart + self.low
            values = np.round(values, self.decimals) + 0.0
        empty = np.zeros(len(values), bool)
        for place, special in enumerate(self.specials, 1):
            assert choice is not None
            mask = choice == place
            if special == "null":
                empty |= mask
            elif special != SAME:
                values[mask] = float(special)
        if pa.types.is_floating(self.type):
            return arrays.of_floats(values, empty, self.type)
        whole = np.round(np.where(empty, 0, values))
        if pa.types.is_decimal(self.type):
            texts = pa.array([format(v, f".{self.type.scale}f") for v in values], mask=empty)
            return texts.cast(self.type)
        # The ends of 64 bits are no float: clipped to the nearest that fits.
        ends = -(2.0**63), np.nextafter(2.0**63, 0)
        return pa.array(np.clip(whole, *ends).astype(np.int64), mask=empty).cast(self.type)

    def plain(self) -> dict[str, Any]:
        """As JSON; the inverse is `level`."""
        return {
            "specials": list(self.specials), "decimals": self.decimals, "low": self.low,
            "high": self.high, "center": self.center, "scale": self.scale, "log": self.is_log,
            "kind": self.kind, "why": self.why, "grid": list(self.grid), "step": self.step,
        }  # fmt: skip

    def _bent(self, values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.log(values) if self.is_log else values


def level(kind: pa.DataType, plain: Mapping[str, Any]) -> Level:
    """The inverse of `Level.plain`."""
    named = {name: value for name, value in plain.items() if name not in ("log", "is", "name")}
    listed = {name: tuple(plain.get(name, ())) for name in ("specials", "grid")}
    return Level(type=kind, **{**named, **listed}, is_log=plain["log"])


def numbers_of(
    cells: pa.Array,
) -> tuple[Float[np.ndarray, "n"], Mapping[str, Bool[np.ndarray, "n"]]]:
    """The cells in float64, and which are no number, or stand still; null is not NaN."""
    empty = arrays.nulls(cells)
    if pa.types.is_floating(cells.type):
        values = arrays.floats(cells)
    else:
        values = cells.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    values = np.where(empty, np.nan, values)
    found = (empty, ~empty & np.isnan(values), values == -np.inf, values == np.inf)
    return values, {**dict(zip(NAMES, found, strict=True)), SAME: _standing(values)}


def fit_level(cells: pa.Array) -> Level | None:
    """The column of these numbers; none where fewer than three differ besides point masses."""
    values, masks = numbers_of(cells)
    finite = values[np.isfinite(values)]
    specials: list[str | float] = [name for name in NAMES if masks[name].any()]
    distinct, counts = np.unique(finite, return_counts=True)
    if len(distinct) < 3:
        return None
    heavy = np.argsort(-counts, kind="stable")[:MOST_MASSES]
    masses = [float(distinct[i]) for i in sorted(heavy) if counts[i] > MASS * len(values)]
    rest = finite[~np.isin(finite, masses)]
    if len(np.unique(rest)) < 3:
        return None
    still = masks[SAME] & ~np.isin(values, masses)
    specials += [*masses, *([SAME] if still.mean() > STANDS else [])]
    low, high = float(finite.min()), float(finite.max())
    is_log = bool(rest.min() > 0 and low > 0 and _skewness(rest) > LONG_TAIL
                  and abs(_skewness(np.log(rest))) < _skewness(rest) / 2)  # fmt: skip
    bent = np.log(rest) if is_log else rest
    decimals = _decimals(finite, cells.type)
    step = 1 if decimals is None else _step(distinct, decimals)
    is_sparse = decimals is None or _is_sparse(rest, 10.0**decimals / step)
    is_grid = is_sparse and len(finite) >= OFTEN * len(distinct)
    why = [f"{len(distinct):,} distinct values" + ", no others are made" * is_grid]
    why += [f"{step / 10**decimals:g} apart"] if decimals is not None and step > 1 else []
    why += ["over a long tail: logarithms"] * is_log
    for special in specials:
        share = np.mean(masks[special] if isinstance(special, str) else values == special)
        why.append(f"{'as the step before' if special == SAME else special} in {share:.1%}")
    return Level(
        type=cells.type, specials=tuple(specials), decimals=decimals, low=low, high=high,
        center=float(bent.mean()), scale=float(bent.std()) or 1.0, is_log=is_log, kind="number",
        why="; ".join(why), grid=tuple(distinct.tolist()) if is_grid else (), step=step,
    )  # fmt: skip


def _nearest(grid: Float[np.ndarray, "k"], values: Float[np.ndarray, "n"]) -> np.ndarray:
    """For each value the nearest of the grid."""
    return grid[np.searchsorted((grid[1:] + grid[:-1]) / 2, values)]


def _standing(values: Float[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Which are as the one before, in runs too long for chance, as where a sensor hangs.

    Where few values are possible two in a row are often the same by chance. That is left to the
    numbers, for what is drawn and rounded meets the one before as often.
    """
    same = np.append([False], values[1:] == values[:-1])[: len(values)]
    ends = np.flatnonzero(np.diff(np.append(0, np.append(same, 0))))
    runs = ends.reshape(-1, 2)
    steps = np.zeros(len(values) + 1, np.int64)
    steps[runs[runs[:, 1] - runs[:, 0] >= STILL]] = 1, -1
    return steps.cumsum()[:-1] > 0


def _decimals(values: Float[np.ndarray, "n"], kind: pa.DataType) -> int | None:
    if not pa.types.is_floating(kind):
        return kind.scale if pa.types.is_decimal(kind) else 0
    width = np.float32 if kind.bit_width == 32 else np.float64
    places = range(DECIMALS + 1)
    return next((p for p in places if (np.round(values, p).astype(width) == values).all()), None)


def _step(distinct: Float[np.ndarray, "k"], decimals: int) -> int:
    """Units of the last place that all are a multiple of apart, where that is no chance."""
    units = np.round(distinct * 10.0**decimals)
    if len(distinct) < MANY or np.abs(units[[0, -1]]).max() > EXACT:
        return 1
    return int(np.gcd.reduce(np.diff(units).astype(np.int64)))


def _is_sparse(values: Float[np.ndarray, "n"], units: float) -> bool:
    """Whether most that their places allow are not there, amid them: degrees of another scale.

    Args:
        units: that are 1
    """
    low, high = np.quantile(values, AMID, method="nearest")
    inside = np.unique(values[(values >= low) & (values <= high)])
    return bool(len(inside) < SPARSE * ((high - low) * units + 1))


def _skewness(values: Float[np.ndarray, "n"]) -> float:
    off = values - values.mean()
    return float((off**3).mean() / max(float((off**2).mean()) ** 1.5, 1e-300))
