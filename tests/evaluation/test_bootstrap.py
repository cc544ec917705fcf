"""The bootstrap against plain loops and numbers worked out by hand."""

import math

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.bootstrap import Rho, interval, resample_weights, rho, scores


def test_parallel_weights_draw_as_many_documents_as_there_are():
    weights = resample_weights(12, 500, seed=0)
    assert weights.shape == (500, 12)
    assert (weights.sum(axis=1) == 12).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(12), abs=0.2)
    # Drawn with replacement, a document is missing from (11/12)^12 of the resamples.
    assert (weights == 0).mean() == pytest.approx((11 / 12) ** 12, abs=0.02)
    np.testing.assert_array_equal(weights, resample_weights(12, 500, seed=0))
    assert (weights != resample_weights(12, 500, seed=1)).any()


def test_independent_weights_draw_for_each_language():
    weights = resample_weights([3, 5], 200, seed=0)
    assert weights.shape == (200, 2, 5)
    assert (weights.sum(axis=2) == [3, 5]).all()
    assert (weights[:, 0, 3:] == 0).all(), "documents that the language does not have"


@pytest.mark.parametrize(("documents", "resamples"), [(0, 10), ([], 10), ([3, 0], 10), (3, 0)])
def test_nothing_to_draw(documents, resamples):
    with pytest.raises(NeuroglotError, match="at least 1"):
        resample_weights(documents, resamples, seed=0)


LOG_PROB = np.array(
    [[[-4.0, -6.0], [-1.0, -9.0]], [[-8.0, -6.0], [-1.0, -9.0]]]
)  # [mask, language, document]
UNITS = np.array([[2, 4], [1, 3]])


def test_scores_by_hand():
    plain = scores(LOG_PROB, UNITS, np.ones((1, 2)))
    expected = np.exp([[[-10 / 6, -10 / 4], [-14 / 6, -10 / 4]]])
    np.testing.assert_allclose(plain, expected)
    first_twice = scores(LOG_PROB, UNITS, np.array([[2, 0]]))
    np.testing.assert_allclose(first_twice, np.exp([[[-4 / 2, -1], [-8 / 2, -1]]]))


@pytest.mark.parametrize("documents", [4, [4, 2, 3]])
def test_scores_agree_with_plain_loops(documents):
    rng = np.random.default_rng(3)
    log_prob, units = -50 * rng.random((2, 3, 4)), rng.integers(5, 20, size=(3, 4))
    weights = resample_weights(documents, 6, seed=1)
    got = scores(log_prob, units, weights)
    assert got.shape == (6, 2, 3)
    for r in range(6):
        for m in range(2):
            for language in range(3):
                drawn = weights[r] if weights.ndim == 2 else weights[r, language]
                total = sum(drawn[d] * log_prob[m, language, d] for d in range(4))
                size = sum(drawn[d] * units[language, d] for d in range(4))
                assert got[r, m, language] == pytest.approx(math.exp(total / size))


def test_a_resample_without_a_unit_has_no_score():
    empty = scores(LOG_PROB, np.array([[0, 4], [1, 3]]), np.array([[2, 0]]))
    np.testing.assert_array_equal(np.isnan(empty), [[[True, False], [True, False]]])


def test_interval_is_the_percentiles_of_axis_0():
    samples = np.stack([np.arange(101.0), 2 * np.arange(101.0)], axis=1)
    low, high = interval(samples, level=0.9)
    np.testing.assert_allclose(low, [5, 10])
    np.testing.assert_allclose(high, [95, 190])


def test_rho_of_clear_controls():
    target = np.full(101, -6.0)
    control = -np.linspace(1.0, 3.0, 101)
    seeds = np.stack([control - 0.5, control + 0.5], axis=1)  # their mean is what counts
    expected = Rho(value=3.0, low=6 / 2.96, high=6 / 1.04, bound=False)
    for sign in (1, -1):  # a drop may be written either way
        assert vars(rho(sign * target, sign * seeds)) == pytest.approx(vars(expected))


def test_rho_over_controls_that_may_do_nothing_is_a_lower_bound():
    target = np.full(101, 6.0)
    control = np.linspace(-1.0, 3.0, 101)[:, None]  # 0 is inside; 2.5 % of them exceed 2.92
    for sign in (1, -1):
        ratio = rho(sign * target, sign * control)
        assert ratio.bound
        assert ratio.value == ratio.low == pytest.approx(6 / 2.92)
        assert ratio.high == np.inf


def test_rho_promises_nothing_for_a_set_that_may_do_nothing():
    noise = np.linspace(-1.0, 1.0, 101)
    ratio = rho(noise + 0.01, -noise[:, None])
    assert ratio.bound
    assert ratio.low < 0


def test_rho_of_controls_that_help_is_negative():
    ratio = rho(np.full(50, 6.0), np.full((50, 2), -2.0))
    assert ratio == Rho(value=-3.0, low=-3.0, high=-3.0, bound=False)
