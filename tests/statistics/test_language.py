"""Sample statistics: exact ones against NumPy and SciPy, streamed ones against the exact."""

import inspect
import logging

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.language import STATISTICS, check_options, require_samples
from neuroglot.statistics.quantity import Quantity


def each(formula):
    """A formula on one neuron's scores, neuron by neuron."""
    return lambda scores, *args: np.apply_along_axis(formula, 0, scores, *args)


def gini(scores):
    """Half the mean difference of all pairs, over the mean."""
    sizes = np.abs(scores)
    return np.abs(sizes[:, None] - sizes).mean() / (2 * sizes.mean())


def hoyer(scores):
    n = len(scores)
    return (n**0.5 - sum(map(abs, scores)) / sum(x * x for x in scores) ** 0.5) / (n**0.5 - 1)


def tail_share(scores, share):
    sizes = sorted(map(abs, scores), reverse=True)
    return sum(sizes[: max(1, round(share * len(sizes)))]) / sum(sizes)


def quantile(scores, q):
    """The first of the sorted scores with a share of q at or below it."""
    return next(score for score in sorted(scores) if np.mean(scores <= score) >= q)


def topk_share(scores, share):
    samples, layers, width = scores.shape
    found = np.zeros((layers, width))
    for sample, layer in np.ndindex(samples, layers):
        order = sorted(range(width), key=lambda j: (-scores[sample, layer, j], j))
        found[layer, order[: max(1, round(share * width))]] += 1
    return found / samples


def prompt_share(scores, of_max):
    found = np.zeros(scores.shape[1:])
    for sample in scores:
        found += sample > of_max * sample.max()
    return found / len(scores)


ORACLES = {
    "mean": lambda scores, units: np.mean(scores, axis=0),
    "variance": lambda scores, units: np.mean((scores - scores.mean(axis=0)) ** 2, axis=0),
    "max": lambda scores, units: np.max(scores, axis=0),
    "rate": lambda scores, units: scores.sum(axis=0) / units.sum(),
    "kurtosis": lambda scores, units: scipy.stats.kurtosis(scores, axis=0, fisher=False),
    "skewness": lambda scores, units: scipy.stats.skew(scores, axis=0),
    "median": lambda scores, units: np.median(scores, axis=0),
    "trimmed_mean": lambda scores, units, share=0.1: scipy.stats.trim_mean(scores, share, axis=0),
    "quantile": lambda scores, units, q=0.95: each(quantile)(scores, q),
    "gini": lambda scores, units: each(gini)(scores),
    "hoyer": lambda scores, units: each(hoyer)(scores),
    "tail_share": lambda scores, units, share=0.1: each(tail_share)(scores, share),
    "topk_share": lambda scores, units, share=0.05: topk_share(scores, share),
    "prompt_share": lambda scores, units, of_max=0.3: prompt_share(scores, of_max),
}
STREAMED = [name for name, statistic in STATISTICS.items() if statistic.streamed]
QUANTITY = Quantity("mlp", "grad_act", "sum", 1)


def test_every_statistic_has_an_oracle():
    assert set(STATISTICS) == set(ORACLES)


def test_every_statistic_says_what_it_is():
    assert all(statistic.about for statistic in STATISTICS.values())


@pytest.mark.parametrize("name", ORACLES)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30))
def test_exact_equals_numpy(name, seed, n):
    rng = np.random.default_rng(seed)
    scores, units = rng.standard_t(3, size=(n, 2, 3)), rng.integers(2, 40, size=n)
    found = STATISTICS[name].exact(scores, units)
    np.testing.assert_allclose(found, ORACLES[name](scores, units), rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("name", [name for name, statistic in STATISTICS.items() if statistic.options])
@given(seed=st.integers(0, 2**32 - 1), value=st.floats(0.01, 0.49), n=st.integers(1, 30))
def test_options_reach_the_formula(name, seed, value, n):
    """Scores from a handful of values: many are equal."""
    scores = np.random.default_rng(seed).integers(-2, 5, size=(n, 2, 12)).astype(np.float64)
    scores[:, 0, 0] += 0.5  # no neuron without any score
    (option,) = STATISTICS[name].options
    kept = ~(name == "tail_share") | (scores != 0).any(axis=0)
    found = STATISTICS[name].exact(scores, np.ones(n), **{option: value})
    with np.errstate(invalid="ignore"):
        expected = ORACLES[name](np.where(kept, scores, 1.0), np.ones(n), **{option: value})
    np.testing.assert_allclose(found[kept], expected[kept], rtol=1e-12)


@pytest.mark.parametrize("name", ["gini", "hoyer", "tail_share"])
def test_concentration_of_nothing_is_unknown_and_of_one_sample_is_whole(name):
    scores = np.zeros((5, 1, 3))
    scores[2, 0, 1], scores[:, 0, 2] = -4.0, 0.3
    nothing, one, equal = STATISTICS[name].exact(scores, np.ones(5))[0]
    assert np.isnan(nothing)
    assert one == pytest.approx({"gini": 0.8}.get(name, 1.0))
    assert equal == pytest.approx({"tail_share": 0.2}.get(name, 0.0), abs=1e-15)


def test_prompt_share_counts_nobody_where_no_score_is_positive():
    scores = np.array([[[0.0, 0.0]], [[-1.0, -2.0]], [[1.0, 0.2]]])
    np.testing.assert_allclose(STATISTICS["prompt_share"].exact(scores, np.ones(3)), [[1 / 3, 0]])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("quantile", {"p": 0.5}, "statistic 'quantile': unknown option 'p'.*Known: q"),
        ("trimmed_mean", {"shares": 0.2}, "unknown option 'shares'; did you mean 'share'"),
        ("mean", {"q": 0.5}, "'mean' has no options .given: 'q'"),
        ("quantile", {"q": 1.5}, "q must be a number above 0 and below 1, not 1.5"),
        ("quantile", {"q": float("nan")}, "not nan"),
        ("tail_share", {"share": "10%"}, "not '10%'"),
        ("topk_share", {"share": True}, "not True"),
        ("trimmed_mean", {"share": 0.5}, "above 0 and below 0.5, not 0.5"),
        ("prompt_share", {"of_max": 0}, "not 0$"),
        ("quantil", {}, "did you mean 'quantile'"),
    ],
)
def test_options_that_cannot_be(name, options, message, shard_of):
    with pytest.raises(NeuroglotError, match=message):
        check_options(name, options)
    bank = ScoreBank((shard_of(["en"] * 3, {QUANTITY: np.ones((3, 1, 2))}),))
    with pytest.raises(NeuroglotError, match=message):
        bank.statistic(QUANTITY, name, options=options)


def test_options_are_completed():
    assert check_options("quantile", {}) == {"q": 0.95}
    assert check_options("quantile", {"q": 0.2}) == {"q": 0.2}
    assert check_options("mean", {}) == {}


@pytest.mark.parametrize("name", STREAMED)
def test_the_streamed_formula_knows_the_options_of_the_exact_one(name):
    statistic = STATISTICS[name]
    parameters = inspect.signature(statistic.streamed).parameters.values()
    assert {one.name for one in parameters if one.kind is one.KEYWORD_ONLY} == set(statistic.options)


@pytest.mark.parametrize("streamed", [False, True])
def test_options_reach_the_bank(shard_of, streamed):
    scores = np.random.default_rng(2).uniform(1, 2, size=(41, 2, 4))
    bank = ScoreBank((shard_of(["en"] * 41, {QUANTITY: scores}),))
    values, units = bank.samples(QUANTITY, "en")
    found = (bank.streamed() if streamed else bank).statistic(QUANTITY, "quantile", options={"q": 0.3})[0]
    expected = ORACLES["quantile"](values, units, q=0.3)
    assert abs(found / expected - 1).max() <= (0.212 if streamed else 0)


@pytest.mark.parametrize("name", [name for name in STATISTICS if name not in STREAMED])
def test_what_a_streamed_bank_cannot_give_is_one_line(shard_of, name):
    bank = ScoreBank((shard_of(["en"] * 3, {QUANTITY: np.ones((3, 1, 2))}),)).streamed()
    with pytest.raises(NeuroglotError, match=f"streamed, and '{name}' needs every sample's score: score ag"):
        bank.statistic(QUANTITY, name)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("name", STATISTICS)
def test_too_few_samples_are_refused_with_the_language(shard_of, name, streamed):
    if streamed and name not in STREAMED:
        return
    bank = ScoreBank((shard_of(["en", "en", "sw"], {QUANTITY: np.ones((3, 1, 2))}),))
    bank = bank.streamed() if streamed else bank
    if name in ("variance", "kurtosis", "skewness", "gini", "hoyer"):
        message = f"^{name} needs at least 2 samples of 'sw', which has 1$"
        with pytest.raises(NeuroglotError, match=message):
            bank.statistic(QUANTITY, name)
        with pytest.raises(NeuroglotError, match=message):
            require_samples(name, {"en": 2, "sw": 1})
    else:
        assert np.isfinite(bank.statistic(QUANTITY, name)).all()
        require_samples(name, {"en": 2, "sw": 1})


@pytest.mark.parametrize("streamed", [False, True])
def test_kurtosis_of_unequal_samples_warns(shard_of, streamed, caplog):
    scores = np.random.default_rng(3).normal(size=(12, 1, 2))
    for languages, warns in ((["en", "en", "sw"] * 4, True), (["en", "sw", "zh"] * 4, False)):
        bank = ScoreBank((shard_of(languages, {QUANTITY: scores}),))
        for name in STREAMED:
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                (bank.streamed() if streamed else bank).statistic(QUANTITY, name)
            said = [record.getMessage() for record in caplog.records]
            expected = warns and name in ("kurtosis", "skewness")
            assert len(said) == expected
            assert not said or (f"{name} grows" in said[0] and "from 4 (sw) to 8 (en)" in said[0])


@pytest.mark.parametrize("name", [name for name in STREAMED if not STATISTICS[name].histogram])
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
def test_a_neuron_without_spread_has_no_kurtosis_and_no_skewness(shard_of, value):
    """0.1 three times has a mean of 0.1 + 1 ulp: a spread of rounding errors is no spread."""
    scores = np.full((7, 1, 2), value)
    scores[3, 0, 1] = value * (1 + 2**-20) + 2**-30  # beside one that has a little
    quantity = Quantity("mlp", "activation", "mean")
    whole = shard_of(["en"] * 7, {quantity: scores})
    bank = ScoreBank(tuple(whole.isel(sample=slice(n, n + 2)) for n in range(0, 7, 2)))
    for found in (bank, bank.streamed()):
        for name, oracle in (
            ("kurtosis", scipy.stats.kurtosis(scores[:, 0, 1], fisher=False)),
            ("skewness", scipy.stats.skew(scores[:, 0, 1])),
        ):
            constant, spread = found.statistic(quantity, name).values[0, 0]
            assert np.isnan(constant)
            assert spread == pytest.approx(oracle, rel=1e-3)


def test_one_sample_in_n_bounds_the_kurtosis():
    """METHODS §3: active in one sample of n, a neuron reaches the bound n − 2 + 1/(n − 1)."""
    scores = np.zeros((10, 1, 1))
    scores[4] = 3.0
    assert STATISTICS["kurtosis"].exact(scores, np.ones(10)).item() == pytest.approx(8 + 1 / 9)
