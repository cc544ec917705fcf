"""Sample statistics: exact ones against NumPy and SciPy, streamed ones against the exact."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.quantity import Quantity

ORACLES = {
    "mean": lambda scores, units: np.mean(scores, axis=0),
    "variance": lambda scores, units: np.mean((scores - scores.mean(axis=0)) ** 2, axis=0),
    "max": lambda scores, units: np.max(scores, axis=0),
    "rate": lambda scores, units: scores.sum(axis=0) / units.sum(),
    "kurtosis": lambda scores, units: scipy.stats.kurtosis(scores, axis=0, fisher=False),
    "median": lambda scores, units: np.median(scores, axis=0),
}
QUANTITY = Quantity("mlp", "grad_act", "sum", 1)


def test_every_statistic_has_an_oracle():
    assert set(STATISTICS) == set(ORACLES)


@pytest.mark.parametrize("name", ORACLES)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30))
def test_exact_equals_numpy(name, seed, n):
    rng = np.random.default_rng(seed)
    scores, units = rng.standard_t(3, size=(n, 2, 3)), rng.integers(2, 40, size=n)
    np.testing.assert_allclose(STATISTICS[name].exact(scores, units), ORACLES[name](scores, units), rtol=1e-9)


@pytest.mark.parametrize("name", [name for name, statistic in STATISTICS.items() if not statistic.histogram])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_streamed_equals_exact(shard_of, name, offset):
    scores = np.random.default_rng(1).normal(size=(30, 2, 4)) + offset
    whole = shard_of(["en", "zh", "sw"] * 10, {QUANTITY: scores})
    shards = tuple(whole.isel(sample=slice(n, n + 4)) for n in range(0, 30, 4))
    exact, streamed = ScoreBank(shards), ScoreBank(shards).streamed()
    np.testing.assert_allclose(
        streamed.statistic(QUANTITY, name), exact.statistic(QUANTITY, name), rtol=1e-8, atol=1e-12
    )


def test_streamed_median_is_within_a_bin(shard_of):
    scores = np.random.default_rng(1).normal(size=(31, 2, 4))
    bank = ScoreBank((shard_of(["en"] * 31, {QUANTITY: scores}),))
    ratio = bank.streamed().statistic(QUANTITY, "median") / bank.statistic(QUANTITY, "median")
    assert np.abs(ratio - 1).max() < 0.212


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e-8, 3e5])
def test_a_neuron_without_spread_has_no_kurtosis(shard_of, value):
    """0.1 three times has a mean of 0.1 + 1 ulp: a spread of rounding errors is no spread."""
    scores = np.full((7, 1, 2), value)
    scores[3, 0, 1] = value * (1 + 2**-20) + 2**-30  # beside one that has a little
    quantity = Quantity("mlp", "activation", "mean")
    whole = shard_of(["en"] * 7, {quantity: scores})
    bank = ScoreBank(tuple(whole.isel(sample=slice(n, n + 2)) for n in range(0, 7, 2)))
    for found in (bank, bank.streamed()):
        constant, spread = found.statistic(quantity, "kurtosis").values[0, 0]
        assert np.isnan(constant)
        assert spread == pytest.approx(scipy.stats.kurtosis(scores[:, 0, 1], fisher=False), rel=1e-3)


def test_one_sample_in_n_bounds_the_kurtosis():
    """METHODS §3: active in one sample of n, a neuron reaches the bound n − 2 + 1/(n − 1)."""
    scores = np.zeros((10, 1, 1))
    scores[4] = 3.0
    assert STATISTICS["kurtosis"].exact(scores, np.ones(10)).item() == pytest.approx(8 + 1 / 9)
