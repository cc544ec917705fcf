"""Every contrast against numbers worked out by hand, and the promises that all of them keep."""

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.contrasts import (
    CONTRASTS,
    SAMPLE_CONTRASTS,
    check_contrast_options,
    contrast_names,
)

NAN = np.nan
LANGUAGES = ["en", "zh", "vi"]


def one_layer(*languages):
    """[language, 1, neuron] from a row a language."""
    return np.array(languages, dtype=np.float64)[:, None, :]


# Neurons: English only, shared by two, equal, unknown in Vietnamese.
S = one_layer([9, 5, 2, 1], [0, 5, 2, 7], [3, 2, 2, NAN])


def test_difference_from_the_mean_of_the_others():
    expected = one_layer([7.5, 1.5, 0, NAN], [-6, 1.5, 0, NAN], [-1.5, -3, 0, NAN])
    np.testing.assert_allclose(CONTRASTS["difference"](S, LANGUAGES), expected)


def test_difference_from_a_reference_that_is_never_compared_with_itself():
    expected = one_layer([9, 0, 0, -6], [NAN] * 4, [3, -3, 0, NAN])
    np.testing.assert_allclose(CONTRASTS["difference"](S, LANGUAGES, reference="zh"), expected)
    assert S[1, 0, 0] == 0, "the input is left as it was"


def test_difference_from_the_first_language_of_the_study():
    expected = CONTRASTS["difference"](S, LANGUAGES, reference="en")
    np.testing.assert_array_equal(CONTRASTS["difference"](S, LANGUAGES, reference="first"), expected)
    assert np.isnan(expected[0]).all()
    assert S[0, 0, 0] == 9, "the input is left as it was"


def test_difference_from_an_unknown_reference():
    with pytest.raises(NeuroglotError, match=r"reference.*'zhh'; did you mean 'zh'"):
        CONTRASTS["difference"](S, LANGUAGES, reference="zhh")


def test_margin():
    expected = one_layer([6, 0, 0, NAN], [-9, 0, 0, NAN], [-6, -3, 0, NAN])
    np.testing.assert_allclose(CONTRASTS["margin"](S, LANGUAGES), expected)


def test_ratio():
    expected = one_layer([10 / 2.5, 6 / 4.5, 1, NAN], [1 / 7, 6 / 4.5, 1, NAN], [4 / 5.5, 3 / 6, 1, NAN])
    np.testing.assert_allclose(CONTRASTS["ratio"](S, LANGUAGES, epsilon=1.0), expected)


def test_ratio_keeps_small_others_beside_a_large_language():
    ratios = CONTRASTS["ratio"](one_layer([1e9], [3e-9], [1e-9]), LANGUAGES)
    np.testing.assert_allclose(ratios[0, 0, 0], 1e9 / 2e-9, rtol=1e-3)


def test_zscore_of_many_layers_is_plain_numpy():
    many = np.random.default_rng(0).standard_exponential((5, 4, 30))
    spread = many.std(axis=0, ddof=1)
    expected = (many - many.mean(axis=0)) / (spread + np.median(spread, axis=1)[:, None])
    np.testing.assert_allclose(CONTRASTS["zscore"](many, list("abcde")), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", CONTRASTS)
def test_layers_keep_their_places(name):
    many = np.random.default_rng(0).standard_exponential((5, 4, 30))
    order = [2, 0, 3, 1]
    np.testing.assert_array_equal(
        CONTRASTS[name](many, list("abcde"))[:, order], CONTRASTS[name](many[:, order], list("abcde"))
    )


def test_zscore_is_moderated_by_the_layer():
    # μ = 4, 4, 2; σ = √21, √3, 0, unknown: their median σ₀ is √3
    sigma = np.sqrt([21, 3, 0]) + np.sqrt(3)
    expected = np.array([[5, 1, 0], [-4, 1, 0], [-1, -2, 0]]) / sigma
    specificity = CONTRASTS["zscore"](S, LANGUAGES)
    np.testing.assert_allclose(specificity[:, 0, :3], expected)
    assert np.isnan(specificity[:, 0, 3]).all()


def test_zscore_of_equal_languages_is_zero():
    np.testing.assert_array_equal(CONTRASTS["zscore"](np.full((3, 2, 4), 0.1), LANGUAGES), 0.0)


def test_zscore_has_a_spread_of_its_own_in_each_layer():
    S = np.random.default_rng(1).normal(size=(5, 3, 7))
    loops = np.empty_like(S)
    for layer in range(3):
        sigma = [np.std(S[:, layer, j], ddof=1) for j in range(7)]
        for j in range(7):
            loops[:, layer, j] = (S[:, layer, j] - S[:, layer, j].mean()) / (sigma[j] + np.median(sigma))
    np.testing.assert_allclose(CONTRASTS["zscore"](S, list("abcde")), loops)


def test_entropy_goes_to_the_largest_language():
    p = one_layer([0.5, 0.2, 0.0], [0.0, 0.2, 0.1], [0.5, 0.4, 0.0])
    # Neuron 0: half and half, ln 2. Neuron 1: ¼, ¼, ½, 1.5 ln 2. Neuron 2: one language, 0, but its
    # largest p, 0.1, does not pass the round(0.5 · 9) = 4th smallest of 0 0 0 .1 .2 .2 .4 .5 .5.
    expected = one_layer([-np.log(2), NAN, NAN], [NAN] * 3, [-np.log(2), -1.5 * np.log(2), NAN])
    np.testing.assert_allclose(CONTRASTS["entropy"](p, LANGUAGES, filter_rate=0.5), expected)


def test_entropy_counts_only_known_values_for_its_filter():
    p = one_layer([0.4, 0.1, NAN], [0.2, 0.1, 0.9], [0.1, 0.1, 0.9])
    specificity = CONTRASTS["entropy"](p, LANGUAGES, filter_rate=0.75)  # the 6th of 8 values is 0.4
    assert np.isnan(specificity).all(), "0.4 does not pass itself, and 0.9 stands beside an unknown"


def test_none_is_the_statistic():
    np.testing.assert_array_equal(CONTRASTS["none"](S, LANGUAGES), S)


@pytest.mark.parametrize("name", ["ratio", "entropy"])
def test_quotients_refuse_signed_statistics(name):
    with pytest.raises(NeuroglotError, match=f"'{name}' needs a statistic that is never negative"):
        CONTRASTS[name](-S, LANGUAGES)


@pytest.mark.parametrize(
    ("name", "least"), [("difference", 2), ("margin", 2), ("ratio", 2), ("entropy", 2), ("zscore", 3)]
)
def test_too_few_languages_are_refused_with_the_reason(name, least):
    few = LANGUAGES[: least - 1]
    with pytest.raises(
        NeuroglotError, match=rf"'{name}' needs at least {least} languages .*{few[-1]}\): \w+"
    ):
        CONTRASTS[name](S[: least - 1], few)


def test_an_unknown_contrast_is_named():
    with pytest.raises(NeuroglotError, match="'z-score'; did you mean 'zscore'"):
        CONTRASTS["z-score"]


def test_every_contrast_is_named():
    assert contrast_names() == sorted({*CONTRASTS, *SAMPLE_CONTRASTS})


@pytest.mark.parametrize("name", contrast_names())
@pytest.mark.parametrize("languages", [None, LANGUAGES, list("abcdefgh")])
def test_every_contrast_passes_its_check(name, languages):
    check_contrast_options(name, {}, languages)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("difference", {"reference": "first"}),
        ("difference", {"reference": "zh"}),
        ("difference", {"reference": None}),
        ("entropy", {"filter_rate": 0.5}),
        ("ratio", {"epsilon": 1e-3}),
        ("overlap", {"bins": 400, "best_split": False}),
    ],
)
@pytest.mark.parametrize("languages", [None, LANGUAGES])
def test_options_that_a_contrast_takes(name, options, languages):
    check_contrast_options(name, options, languages)


@pytest.mark.parametrize(
    ("name", "options", "languages", "message"),
    [
        ("z-score", {}, None, "unknown contrast 'z-score'; did you mean 'zscore'"),
        ("average_precison", {}, None, "did you mean 'average_precision'"),
        ("overlap", {"bin": 5}, None, "contrast 'overlap': unknown option 'bin'; did you mean 'bins'"),
        ("difference", {"referense": "en"}, LANGUAGES, "did you mean 'reference'"),
        ("average_precision", {"bins": 5}, None, "'average_precision' has no options .given: 'bins'"),
        ("overlap", {"bins": 0}, None, "at least 2, not 0"),
        ("entropy", {"filter_rate": 2}, None, "filter_rate must be above 0"),
        ("entropy", {"filter_rate": "much"}, None, "'entropy' cannot do with filter_rate='much': "),
        ("ratio", {"epsilon": "small"}, None, "'ratio' cannot do with epsilon='small': "),
        ("difference", {"reference": "zhh"}, LANGUAGES, "'zhh'; did you mean 'zh'"),
        ("zscore", {}, ["en", "zh"], "'zscore' needs at least 3 languages"),
        ("overlap", {}, ["en"], "'overlap' needs at least 2 languages"),
    ],
)
def test_options_are_refused_before_anything_is_scored(name, options, languages, message):
    with pytest.raises(NeuroglotError, match=message) as error:
        check_contrast_options(name, options, languages)
    assert "\n" not in str(error.value)
