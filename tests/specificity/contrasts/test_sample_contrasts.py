"""Average precision against scikit-learn, overlap against NumPy's histograms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.contrasts import CONTRASTS, SAMPLE_CONTRASTS, blocks

AP, OVERLAP = SAMPLE_CONTRASTS["average_precision"], SAMPLE_CONTRASTS["overlap"]
NAN = np.nan


def responses(seed, counts, layers=2, width=3):
    """Scores of each language's samples, some languages above the others."""
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, layers, width)) + rng.normal(size=(layers, width)) for n in counts]


def one_neuron(*languages):
    """[sample, 1, 1] for every language."""
    return [np.array(own, dtype=np.float64)[:, None, None] for own in languages]


def detector(scores):
    """scikit-learn, neuron by neuron."""
    found = np.empty((len(scores), *scores[0].shape[1:]))
    for language, layer, neuron in np.ndindex(found.shape):
        truth = np.concatenate([np.full(len(own), place == language) for place, own in enumerate(scores)])
        response = np.concatenate([own[:, layer, neuron] for own in scores])
        found[language, layer, neuron] = average_precision_score(truth, response)
    return found


@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    steps=st.sampled_from([1.0, 4.0, 1e6]),
)
def test_average_precision_is_that_of_scikit_learn(seed, counts, steps):
    """Rounded to steps, many responses are equal."""
    scores = [np.round(own * steps) / steps for own in responses(seed, counts)]
    np.testing.assert_allclose(AP(scores, list("abcd")[: len(counts)]), detector(scores), rtol=1e-12)


def test_average_precision_by_hand():
    # Ranked: en 5, zh 4, en 3, zh 1: English enters at precision 1 and 2/3, Chinese at 1/2 and 2/4.
    found = AP(one_neuron([5, 3], [4, 1]), ["en", "zh"])
    np.testing.assert_allclose(found.ravel(), [(1 + 2 / 3) / 2, (1 / 2 + 2 / 4) / 2])


def test_a_constant_response_has_the_share_of_the_language():
    np.testing.assert_allclose(
        AP(one_neuron([1] * 3, [1] * 5, [1] * 2), list("abc")).ravel(), [0.3, 0.5, 0.2]
    )


def histograms(scores, bins):
    """NumPy, neuron by neuron."""
    found = np.empty((len(scores), *scores[0].shape[1:]))
    for language, layer, neuron in np.ndindex(found.shape):
        everything = np.concatenate([own[:, layer, neuron] for own in scores])
        edges = np.linspace(everything.min(), everything.max(), bins + 1)
        shares = [np.histogram(own[:, layer, neuron], edges)[0] / len(own) for own in scores]
        others = np.mean([share for place, share in enumerate(shares) if place != language], axis=0)
        found[language, layer, neuron] = 1 - np.minimum(shares[language], others).sum()
    return found


@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=4),
    bins=st.integers(2, 400),
)
def test_overlap_is_that_of_histograms(seed, counts, bins):
    scores, languages = responses(seed, counts), list("abcd")[: len(counts)]
    expected = histograms(scores, bins)
    np.testing.assert_allclose(
        OVERLAP(scores, languages, bins=bins, best_split=False), expected, rtol=1e-9, atol=1e-12
    )
    kept = OVERLAP(scores, languages, bins=bins)
    best = expected >= expected.max(axis=0) - 1e-12
    np.testing.assert_array_equal(~np.isnan(kept) & ~best, False)
    np.testing.assert_allclose(kept[~np.isnan(kept)], expected[~np.isnan(kept)], rtol=1e-9, atol=1e-12)
    assert (~np.isnan(kept)).any(axis=0).all(), "every neuron goes somewhere"


def test_overlap_by_hand():
    # Bins 0…5 and 5…10: English 1/4 and 3/4, Chinese all low, Vietnamese half and half.
    scores = one_neuron([0, 7, 8, 9], [1, 2], [3, 10])
    expected = [1 - (1 / 4 + 1 / 4), 1 - 3 / 8, 1 - (1 / 2 + 3 / 8)]
    found = OVERLAP(scores, ["en", "zh", "vi"], bins=2, best_split=False)
    np.testing.assert_allclose(found.ravel(), expected)
    np.testing.assert_allclose(OVERLAP(scores, ["en", "zh", "vi"], bins=2).ravel(), [NAN, 5 / 8, NAN])


def test_a_language_with_more_samples_does_not_count_for_more():
    few, many = [1.0, 9.0], [1.0, 9.0] * 50
    one = OVERLAP(one_neuron([0, 10], few, [10]), list("abc"), best_split=False)
    two = OVERLAP(one_neuron([0, 10], many, [10]), list("abc"), best_split=False)
    np.testing.assert_allclose(one, two)


def test_between_two_languages_the_overlap_is_mutual_and_both_keep_the_neuron():
    found = OVERLAP(responses(4, [13, 29], width=50), ["en", "zh"])
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.isnan(found).any()


def test_a_constant_response_is_specific_to_nobody():
    np.testing.assert_array_equal(OVERLAP(one_neuron([0.1] * 3, [0.1] * 7, [0.1]), list("abc")), 0.0)


@pytest.mark.parametrize("name", SAMPLE_CONTRASTS)
def test_blocks_change_nothing(name, monkeypatch):
    scores = responses(5, [6, 4, 9], layers=3, width=11)
    whole = SAMPLE_CONTRASTS[name](scores, list("abc"))
    monkeypatch.setattr(blocks, "VALUES", 2 * 19)
    np.testing.assert_array_equal(SAMPLE_CONTRASTS[name](scores, list("abc")), whole)


@pytest.mark.parametrize("name", SAMPLE_CONTRASTS)
def test_an_unknown_response_is_never_chosen_and_harms_nobody_else(name):
    scores = responses(6, [6, 4, 9])
    known = SAMPLE_CONTRASTS[name](scores, list("abc"))
    scores[1][2, 1, 0] = NAN
    found = SAMPLE_CONTRASTS[name](scores, list("abc"))
    assert np.isnan(found[:, 1, 0]).all()
    known[:, 1, 0] = NAN
    np.testing.assert_array_equal(found, known)


@pytest.mark.parametrize("name", SAMPLE_CONTRASTS)
def test_the_scores_are_left_as_they_were_and_float32_will_do(name):
    scores = [own.astype(np.float32) for own in responses(7, [6, 4])]
    before = [own.copy() for own in scores]
    found = SAMPLE_CONTRASTS[name](scores, ["en", "zh"])
    assert found.dtype == np.float64
    for own, was in zip(scores, before, strict=True):
        np.testing.assert_array_equal(own, was)


@pytest.mark.parametrize("name", SAMPLE_CONTRASTS)
def test_one_language_is_refused_with_the_reason(name):
    with pytest.raises(
        NeuroglotError, match=rf"'{name}' needs at least 2 languages .given: en.: there is no"
    ):
        SAMPLE_CONTRASTS[name](responses(0, [3]), ["en"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bins": 1}, "bins must be a whole number of at least 2, not 1"),
        ({"bins": 2.5}, "not 2.5"),
        ({"bins": True}, "not True"),
        ({"best_split": "yes"}, "best_split must be true or false, not 'yes'"),
    ],
)
def test_overlap_options_that_cannot_be(options, message):
    with pytest.raises(NeuroglotError, match=message):
        OVERLAP(responses(0, [3, 3]), ["en", "zh"], **options)


def test_no_contrast_has_two_meanings_and_each_says_what_it_is():
    assert not set(CONTRASTS) & set(SAMPLE_CONTRASTS)
    assert all(contrast.__doc__ for contrast in SAMPLE_CONTRASTS.values())
