"""Numbers as bins and positions: the right marginals, point masses, and exactness at any size."""

from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp, kstest

from gantlet.modalities.tables.bins import BINS, GRID, Bins, bins_for, bins_from, nearest
from gantlet.modalities.tables.codec import TableCodec, fit_table
from gantlet.modalities.tables.records import Records


def bins_of(values: np.ndarray, most_knots: int = 1 << 16) -> Bins:
    return bins_for(*np.unique(values, return_counts=True), most_knots)


def drawn_from(bins: Bins, rows: int, seed: int = 0) -> np.ndarray:
    """Values as a generator with the right frequencies of bins would draw them."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(bins.count, rows, p=bins.weights / bins.weights.sum())
    return bins.values(chosen, rng.random(rows) * GRID)


def resampled(codec: TableCodec, table: pa.Table, rows: int) -> pa.Table:
    """Rows with the codes of real ones, and uniform positions."""
    rng = np.random.default_rng(3)
    coded = codec.coded(Records(table))
    codes = coded.codes[rng.integers(0, len(table), rows)]
    positions = rng.uniform(-1, 1, (rows, coded.positions.shape[1])).astype(np.float32)
    return codec.decode_codes(codes, positions).table


LAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "long-tailed": lambda rng, n: rng.standard_cauchy(size=n),
    "log-normal": lambda rng, n: rng.lognormal(3, 2, size=n),
    "two clusters": lambda rng, n: rng.normal(size=n) + 1_000 * rng.integers(0, 2, n),
    "counts": lambda rng, n: rng.geometric(1e-4, n).astype(float),
}


@pytest.mark.parametrize("law", LAWS)
def test_uniform_positions_give_the_marginal(law: str):
    values = LAWS[law](np.random.default_rng(0), 20_000)
    # Two samples of 20,000 of one law differ by .0136 in one case of twenty.
    assert ks_2samp(values, drawn_from(bins_of(values), 20_000)).statistic < 0.0136


@pytest.mark.parametrize("law", LAWS)
def test_few_knots_give_the_marginal_too(law: str):
    values = LAWS[law](np.random.default_rng(0), 20_000)
    assert ks_2samp(values, drawn_from(bins_of(values, 2_000), 20_000)).statistic < 0.0136


@pytest.mark.parametrize("rows", [1, 2, 10, 100, 5_000])
def test_there_are_no_more_bins_than_rows_can_fill(rows: int):
    bins = bins_of(np.random.default_rng(0).normal(size=rows))
    assert bins.count <= max(1, 2 * rows**0.5)
    assert bins_of(np.random.default_rng(0).normal(size=200_000)).count == BINS


def test_positions_of_real_rows_are_uniform_and_tell_nothing():
    rng = np.random.default_rng(0)
    table = pa.table({"x": rng.lognormal(size=5_000), "k": rng.integers(0, 3, 5_000)})
    (positions,) = fit_table(Records(table)).coded(Records(table)).positions.T
    assert kstest((positions + 1) / 2, "uniform").pvalue > 0.01


def test_new_values_lie_between_the_seen_ones_and_inside_their_range():
    values = np.random.default_rng(0).normal(size=500)
    made = drawn_from(bins_of(values), 20_000)
    assert np.isin(made, values).mean() < 0.02
    assert made.min() >= values.min()
    assert made.max() <= values.max()


def test_a_heap_keeps_all_but_one_of_its_rows():
    # Seen 4 times among values seen once: 3 of its 4 rows stay.
    values = np.concatenate([np.linspace(0, 6, 96), np.full(4, 3.0001)])
    bins = bins_of(values)
    assert (drawn_from(bins, 100_000) == 3.0001).mean() == pytest.approx(0.03, abs=0.003)


@pytest.mark.parametrize("mass", [0.0, -9_999.0, 500.0])
def test_point_masses_stand_alone_and_keep_their_share(mass: float):
    rng = np.random.default_rng(0)
    values = rng.lognormal(5, 1, 20_000)
    values[rng.random(20_000) < 0.3] = mass
    table = pa.table({"x": values})
    codec = fit_table(Records(table))
    assert f"{mass:,} alone in " in codec.columns[0].why
    made = resampled(codec, table, 50_000)["x"].to_numpy()
    assert (made == mass).mean() == pytest.approx((values == mass).mean(), abs=0.01)
    assert not ((made != mass) & (np.abs(made - mass) < 1e-9)).any()


def test_a_cap_is_a_point_mass():
    values = np.minimum(np.random.default_rng(0).exponential(10, 20_000), 25.0)
    codec = fit_table(Records(pa.table({"x": values})))
    assert codec.columns[0].why.startswith("18,")
    assert "25.0 alone in 8." in codec.columns[0].why


@pytest.mark.parametrize("step", [1, 5, 100])
def test_integers_stay_on_their_grid(step: int):
    values = step * np.random.default_rng(0).integers(-4_000, 9_000, 3_000)
    table = pa.table({"x": values})
    made = resampled(fit_table(Records(table)), table, 20_000)["x"].to_numpy()
    assert not (made % step).any()
    assert not np.isin(made, values).all()


def test_floats_keep_their_decimals():
    values = np.round(np.random.default_rng(0).normal(100, 30, 5_000), 2)
    table = pa.table({"x": values})
    made = resampled(fit_table(Records(table)), table, 20_000)["x"].to_numpy()
    assert np.array_equal(np.round(made, 2), made)


@settings(max_examples=300)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=40), st.integers(0, 2**64 - 1))
def test_the_nearest_knot_is_the_nearest(knots: list[int], key: int):
    found = nearest(np.unique(np.array(knots, np.uint64)), np.array([key], np.uint64))
    distances = [abs(knot - key) for knot in sorted(set(knots))]
    assert distances[found[0]] == min(distances)


@settings(max_examples=300)
@given(
    st.lists(st.integers(0, 10_000), min_size=1, max_size=300),
    st.lists(st.floats(0, GRID, exclude_max=True), min_size=1, max_size=20),
)
def test_values_are_read_at_the_cell_that_a_plain_search_finds(
    drawn: list[int], places: list[float]
):
    bins = bins_of(np.array(drawn, np.float64))
    for bin_, place in enumerate(np.resize(places, bins.count)):
        cells = bins.cells(bins.knots)
        inside = (cells.bin == bin_) & (cells.low <= place) & (place < cells.low + cells.width)
        (value,) = bins.values(np.array([bin_]), np.array([np.floor(place)]))
        if bins.is_open[bin_]:
            assert value == bins.knots[inside][0]


@pytest.mark.parametrize("rows", [50_000, 200_000])
def test_values_between_the_knots_of_a_long_column_come_back(rows: int):
    rng = np.random.default_rng(0)
    for values in (rng.integers(0, 10**6, rows).astype(np.uint64), rng.normal(size=rows)):
        bins = bins_from(bins_of(values, 4_096).plain())
        assert len(bins.knots) <= 4_098
        cells = bins.cells(values)
        back = bins.values(cells.bin, cells.low)
        if values.dtype == np.uint64:
            assert np.array_equal(back, values)
        else:
            np.testing.assert_allclose(back, values, atol=1e-5)


def test_what_was_not_seen_is_brought_to_what_was():
    table = pa.table({"i": np.arange(-50, 50) ** 3, "f": np.linspace(-1, 1, 100), "k": ["a"] * 100})
    codec = fit_table(Records(table))
    other = pa.table(
        {
            "i": pa.array([-(10**12), None, 10**12, 5]),
            "f": pa.array([np.nan, None, np.inf, -np.inf]),
            "k": pa.array(["b", None, "a", ""]),
        }
    )
    back = codec.decode(codec.encode(Records(other))).table.to_pydict()
    assert back["i"][0] == -(50**3)
    assert back["i"][2:] == [49**3, 5]
    assert back["f"][2:] == [1.0, -1.0]
    assert back["k"] == ["a"] * 4


WIDE = {
    "int64": pa.array([-(2**63), 2**63 - 1, 2**53 + 1, 0, 7] * 3, pa.int64()),
    "uint64": pa.array([0, 2**64 - 1, 2**53 + 1, 1, 7] * 3, pa.uint64()),
    "nanoseconds": pa.array([10**18 + n * 999_999_937 for n in range(15)], pa.int64()).cast(
        pa.timestamp("ns", "Europe/Paris")
    ),
    "decimal": pa.array([Decimal(f"{n}{'7' * 30}.{n}1") for n in range(1, 4)] * 5),
    "huge decimal": pa.array([Decimal(9) ** n for n in range(15)], pa.decimal256(76, 0)),
}


@pytest.mark.parametrize("name", WIDE)
def test_integers_of_any_size_are_exact(name: str):
    table = pa.table({name: WIDE[name]})
    codec = fit_table(Records(table))
    assert codec.decode(codec.encode(Records(table))).table.equals(table)


def test_stamps_keep_their_hours_and_weekdays():
    rng = np.random.default_rng(0)
    rows, day = 20_000, 86_400
    days = rng.integers(15_000, 18_000, 4 * rows)
    days = days[(days + 3) % 7 < 5][:rows]  # no weekends
    hours = 9 + rng.integers(0, 8, rows)  # opening hours
    table = pa.table({"t": pa.array(days * day + hours * 3_600, pa.timestamp("s", "UTC"))})
    codec = fit_table(Records(table))
    assert codec.blocks[-2:] == (5, 8)
    made = resampled(codec, table, 20_000)["t"].cast(pa.int64()).to_numpy()
    assert set((made % day // 3_600).tolist()) == set(range(9, 17))
    assert set(((made // day + 3) % 7).tolist()) == set(range(5))
