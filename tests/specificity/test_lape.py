"""LAPE against a plain-loop transcription of the published algorithm, and by hand."""

import math

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.lape import kth_smallest, language_entropy, lape


def transcription(p, top_rate, filter_rate, activation_bar):
    """Tang et al. 2024 in plain Python: no array arithmetic, so none of its shortcuts."""
    languages, layers, width = p.shape
    values = sorted(p.ravel().tolist())
    threshold = values[round(len(values) * filter_rate) - 1]
    bar = values[round(len(values) * activation_bar) - 1]
    ranked = []
    for layer in range(layers):
        for neuron in range(width):
            column = [float(p[language, layer, neuron]) for language in range(languages)]
            if max(column) > threshold:
                shares = [value / sum(column) for value in column]
                ranked.append((-sum(s * math.log(s) for s in shares if s > 0), layer, neuron))
    taken = sorted(ranked)[: round(layers * width * top_rate)]
    return [
        sorted([layer, neuron] for _, layer, neuron in taken if p[language, layer, neuron] > bar)
        for language in range(languages)
    ]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "rates", [(0.01, 0.95, 0.95), (0.1, 0.8, 0.6), (0.25, 0.5, 0.97), (0.5, 0.95, 0.1), (1.0, 0.01, 1.0)]
)
def test_agrees_with_the_transcription(seed, rates):
    p = np.random.default_rng(seed).beta(0.3, 1.0, size=(4, 5, 30))
    got = lape(p, top_rate=rates[0], filter_rate=rates[1], activation_bar=rates[2])
    assert [pairs.tolist() for pairs in got] == transcription(p, *rates)


def test_by_hand():
    p = np.zeros((2, 2, 5))
    p[0, 1, 3] = 0.9  # English only: H = 0
    p[:, 0, 2] = 0.8  # both: H = ln 2
    p[1, 0, 4] = 0.01  # Chinese only, but hardly ever: filtered
    # Of 20 values the round(0.85·20) = 17th smallest is 0.01; 10 neurons, of which 0.2 are two.
    english, chinese = lape(p, top_rate=0.2, filter_rate=0.85, activation_bar=0.85)
    assert english.tolist() == [[0, 2], [1, 3]]
    assert chinese.tolist() == [[0, 2]]
    # A budget of one neuron takes the English one; a bar of 0.8 is not passed by 0.8.
    english, chinese = lape(p, top_rate=0.1, filter_rate=0.85)
    assert english.tolist() == [[1, 3]]
    assert chinese.shape == (0, 2)


def test_a_shortfall_is_not_filled():
    p = np.zeros((2, 1, 10))
    p[0, 0, 7] = 0.5
    english, chinese = lape(p, top_rate=1.0)
    assert english.tolist() == [[0, 7]]
    assert chinese.shape == (0, 2)


def test_ties_go_by_layer_then_neuron():
    p = np.zeros((2, 2, 10))
    p[0, :, ::3] = 0.5  # eight neurons of one language, all H = 0
    english, _ = lape(p, top_rate=0.25, filter_rate=0.5, activation_bar=0.5)
    assert english.tolist() == [[0, 0], [0, 3], [0, 6], [0, 9], [1, 0]]


def test_entropy_of_shares():
    p = np.array([[[0.2, 0.0, 0.3]], [[0.2, 0.0, 0.1]]])
    expected = [[math.log(2), 0.0, -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))]]
    np.testing.assert_allclose(language_entropy(p), expected)


def test_kth_smallest_counts_from_one_and_rounds_half_to_even():
    values = np.array([50.0, 10.0, 40.0, 20.0, 30.0])
    assert kth_smallest(values, 1.0, "rate") == 50.0
    assert kth_smallest(values, 0.5, "rate") == 20.0  # round(2.5) = 2
    assert kth_smallest(values, 0.7, "rate") == 40.0  # round(3.5) = 4


@pytest.mark.parametrize(
    ("p", "rates", "message"),
    [
        (np.full((2, 3), 0.5), {}, "shape"),
        (np.zeros((2, 0, 3)), {}, "shape"),
        (np.full((2, 1, 3), 1.5), {}, "no probabilities"),
        (np.full((2, 1, 3), np.nan), {}, "no probabilities"),
        (np.full((2, 1, 3), 0.5), {"top_rate": 0.0}, "top_rate"),
        (np.full((2, 1, 3), 0.5), {"filter_rate": 95.0}, "filter_rate must be above 0"),
        (np.full((2, 1, 3), 0.5), {"activation_bar": 0.01}, "activation_bar 0.01 of 6 values"),
    ],
)
def test_bad_input(p, rates, message):
    with pytest.raises(NeuroglotError, match=message):
        lape(p, **rates)
