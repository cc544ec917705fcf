"""LangSpec-F1 against the published table, and every option by hand."""

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.langspec import collateral, drops, langspec, langspec_f1

# Llama-2-7B on MMLU, C-Eval and Belebele-vi: Le et al. 2026, their main table.
PAPER = {"en": 0.4579, "zh": 0.3470, "vi": 0.3722}
GOLDEN = [
    ("LAPE", "en", (0.4576, 0.3351, 0.3711), 0.0013),
    ("LAPE", "vi", (0.4553, 0.3380, 0.3833), 0.0000),
    ("LAPE", "zh", (0.4589, 0.3410, 0.3778), 0.0337),
    ("CRANE", "en", (0.3483, 0.2801, 0.2811), 0.3328),
    ("CRANE", "vi", (0.3517, 0.2816, 0.2233), 0.4747),
    ("CRANE", "zh", (0.4366, 0.3314, 0.3344), 0.0779),
    ("Random", "en", (0.4249, 0.3180, 0.3678), 0.1270),
    ("Random", "vi", (0.4486, 0.3269, 0.3600), 0.0603),
    ("Random", "zh", (0.4375, 0.3165, 0.3600), 0.1531),
]


@pytest.mark.parametrize(("method", "target", "masked", "published"), GOLDEN)
def test_published_rows(method, target, masked, published):
    scores = dict(zip(PAPER, masked, strict=True))
    assert langspec_f1(PAPER, scores, target) == pytest.approx(published, abs=5e-4)


# Absolute drops .4, .2, .1; relative drops .5, .4, .5.
BASE = {"en": 0.8, "zh": 0.5, "vi": 0.2}
MASKED = {"en": 0.4, "zh": 0.3, "vi": 0.1}


def f(precision, recall, beta=1.0):
    return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, f(0.4 / 0.6, 0.5)),
        ({"others": "mean"}, f(0.4 / 0.55, 0.5)),
        ({"others": "sum"}, f(0.4 / 0.7, 0.5)),
        ({"drop": "relative"}, f(0.5 / 1.0, 0.5)),
        ({"drop": "relative", "others": "sum"}, f(0.5 / 1.4, 0.5)),
        ({"beta": 2.0}, f(0.4 / 0.6, 0.5, beta=2.0)),
        ({"beta": 0.0}, 0.4 / 0.6),
        ({"chance": 0.25}, f(0.4 / 0.6, 0.4 / 0.55)),
        ({"chance": {"en": 0.0, "zh": 0.4, "vi": 0.0}}, f(0.4 / 0.5, 0.5)),
        ({"chance": {"en": 0.5, "zh": 0.0, "vi": 0.0}}, f(0.3 / 0.5, 1.0)),
    ],
)
def test_options(options, expected):
    assert langspec_f1(BASE, MASKED, "en", **options) == pytest.approx(expected, abs=1e-9)


def test_a_gain_is_no_drop():
    assert langspec_f1(BASE, BASE | {"en": 0.9, "zh": 0.1}, "en") == 0.0
    assert langspec_f1(BASE, {"en": 0.0, "zh": 0.9, "vi": 0.9}, "en") == pytest.approx(1.0)


def test_epsilon_does_not_bend_small_scores():
    tiny, masked = ({k: v * 1e-6 for k, v in scores.items()} for scores in (BASE, MASKED))
    assert langspec_f1(tiny, masked, "en") == pytest.approx(f(0.4 / 0.6, 0.5), rel=1e-4)


def test_many_masks_and_resamples_at_once():
    rng = np.random.default_rng(0)
    base, masked = rng.random((7, 1, 4)), rng.random((7, 5, 4))
    for options in ({}, {"drop": "relative", "others": "mean", "beta": 0.5, "chance": 0.1}):
        together = langspec(base, masked, 2, **options)
        assert together.shape == (7, 5)
        for resample in range(7):
            for mask in range(5):
                one = langspec_f1(
                    dict(zip("abcd", base[resample, 0], strict=True)),
                    dict(zip("abcd", masked[resample, mask], strict=True)),
                    "c",
                    **options,
                )
                assert together[resample, mask] == pytest.approx(one)


def test_drops():
    base, masked = np.array([0.8, 0.5, 0.0]), np.array([0.4, 0.6, 0.1])
    np.testing.assert_allclose(drops(base, masked), [0.4, 0.0, 0.0])
    np.testing.assert_allclose(drops(base, masked, drop="relative"), [0.5, 0.0, 0.0])


def test_collateral():
    base, masked = np.array(list(BASE.values())), np.array(list(MASKED.values()))
    assert collateral(base, masked, 0) == pytest.approx((0.15 / 0.4, 0.2 / 0.4))
    assert collateral(base, masked, 0, drop="relative") == pytest.approx((0.45 / 0.5, 1.0))
    assert collateral(base, masked, 0, chance=0.4) == pytest.approx((0.05 / 0.4, 0.1 / 0.4))


def test_collateral_of_a_mask_that_missed_is_not_a_number():
    base = np.array([0.8, 0.5, 0.2])
    mean, largest = collateral(base, np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.2]]), 0)
    np.testing.assert_array_equal(mean, [np.nan, 0.0])
    np.testing.assert_array_equal(largest, [np.nan, 0.0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": "eng"}, "'eng'; did you mean 'en'"),
        ({"masked": {"en": 0.4, "zh": 0.3}}, "'vi' is missing from masked"),
        ({"masked": MASKED | {"fr": 0.4}}, "masked: unknown language 'fr'"),
        ({"masked": MASKED | {"zh": -1.7}}, r"masked\['zh'\] is -1.7"),
        ({"base": BASE | {"zh": float("nan")}}, r"base\['zh'\] is nan"),
        ({"chance": {"en": 0.25}}, "'zh' is missing from chance"),
        ({"others": "maximum"}, "unknown others 'maximum'"),
        ({"drop": "relativ"}, "'relativ'; did you mean 'relative'"),
        ({"beta": -1.0}, "beta"),
        ({"base": {"en": 0.8}, "masked": {"en": 0.4}}, "at least one language beside"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(NeuroglotError, match=message):
        langspec_f1(**({"base": BASE, "masked": MASKED, "target": "en"} | change))
