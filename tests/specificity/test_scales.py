"""Each scale against numbers worked out by hand."""

import warnings

import numpy as np
import pytest

from neuroglot.specificity.scales import LANGUAGE_SCALES, LAYER_SCALES

NAN = np.nan
# One language, two layers of three neurons; the last neuron must never be chosen.
S = np.array([[[1.0, -2.0, 2.0], [1.0, 4.0, NAN]]])


def test_none_changes_nothing():
    np.testing.assert_array_equal(LANGUAGE_SCALES["none"](S), S)
    np.testing.assert_array_equal(LAYER_SCALES["none"](S), S)


def test_l1_is_the_share_of_the_language():
    np.testing.assert_allclose(LANGUAGE_SCALES["l1"](S), [[[0.1, -0.2, 0.2], [0.1, 0.4, NAN]]])


def test_rank_is_the_share_of_strictly_lower_neurons():
    np.testing.assert_allclose(LANGUAGE_SCALES["rank"](S), [[[0.25, 0.0, 0.75], [0.25, 1.0, NAN]]])


def test_language_z():
    # mean 1.2; squared deviations .04, 10.24, .64, .04, 7.84, of mean 3.76
    expected = np.array([[[-0.2, -3.2, 0.8], [-0.2, 2.8, NAN]]]) / np.sqrt(3.76)
    np.testing.assert_allclose(LANGUAGE_SCALES["z"](S), expected)


def test_layer_z():
    # layer 0: mean 1/3, population variance 26/9; layer 1: mean 2.5, deviation 1.5
    first = (np.array([1.0, -2.0, 2.0]) - 1 / 3) / np.sqrt(26 / 9)
    np.testing.assert_allclose(LAYER_SCALES["z"](S), [[first, [-1.0, 1.0, NAN]]])


def test_layer_mad():
    # layer 0: median 1, deviations 0, 3, 1 of median 1
    np.testing.assert_allclose(LAYER_SCALES["mad"](S), [[[0.0, -3.0, 1.0], [-1.0, 1.0, NAN]]])


def test_mad_of_a_mostly_silent_layer_falls_back_to_the_mean_deviation():
    silent = np.array([[[0.0, 0.0, 0.0, 8.0]]])
    np.testing.assert_allclose(LAYER_SCALES["mad"](silent), [[[0.0, 0.0, 0.0, 4.0]]])


@pytest.mark.parametrize(
    "scale",
    [LANGUAGE_SCALES["rank"], LANGUAGE_SCALES["z"], LAYER_SCALES["z"], LAYER_SCALES["mad"]],
)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
def test_equal_neurons_are_zero(scale, value):
    equal = np.full((2, 1, 1001), value)  # a plain mean of 1001 times 0.1 is not 0.1
    np.testing.assert_array_equal(scale(equal), np.zeros_like(equal))


def test_l1_of_nothing_is_zero():
    np.testing.assert_array_equal(LANGUAGE_SCALES["l1"](np.zeros((1, 2, 2))), np.zeros((1, 2, 2)))


@pytest.mark.parametrize("scale", [*LANGUAGE_SCALES.values(), *LAYER_SCALES.values()])
def test_an_unread_layer_stays_unread_and_disturbs_nobody(scale):
    whole = np.random.default_rng(0).normal(size=(2, 2, 5))
    unread = np.concatenate([whole, np.full((2, 1, 5), NAN)], axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scaled = scale(unread)
    np.testing.assert_allclose(scaled[:, :2], scale(whole))
    assert np.isnan(scaled[:, 2]).all()


@pytest.mark.parametrize("scale", [*LANGUAGE_SCALES.values(), *LAYER_SCALES.values()])
def test_languages_do_not_touch_each_other(scale):
    many = np.random.default_rng(0).normal(size=(3, 4, 5))
    alone = np.concatenate([scale(many[i : i + 1]) for i in range(3)])
    np.testing.assert_array_equal(scale(many), alone)
    assert not np.array_equal(alone[0], alone[1])
