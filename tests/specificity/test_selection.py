"""Budgets and thresholds by hand, and budgets against a plain sort."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.selection import budget, neurons_allowed, parse_budget, threshold

NAN, INF = np.nan, np.inf
# Two languages, two layers of three neurons.
S = np.array([[[5.0, 1.0, 4.0], [3.0, NAN, 2.0]], [[9.0, 0.0, 1.0], [1.0, 8.0, -INF]]])


def flat(mask):
    """The chosen flat indices of every language."""
    return [np.flatnonzero(language).tolist() for language in mask]


def test_budget_takes_the_highest_of_each_language():
    assert flat(budget(S, 2)) == [[0, 2], [0, 4]]
    assert flat(budget(S, 0.5)) == [[0, 2, 3], [0, 2, 4]]  # Chinese: of two equal ones the first


def test_budget_leaves_a_shortfall():
    assert flat(budget(S, 1.0)) == [[0, 1, 2, 3, 5], [0, 1, 2, 3, 4]]


def test_budget_per_layer_keeps_the_total():
    assert flat(budget(S, 2, per_layer=True)) == [[0, 3], [0, 4]]
    assert flat(budget(S, 3, per_layer=True)) == [[0, 2, 3], [0, 2, 4]]


def test_exclusive_leaves_a_neuron_to_its_best_language():
    chosen = budget(S, 3, shared="exclusive")
    assert flat(chosen) == [[2, 3, 5], [0, 4]]
    assert (chosen.sum(axis=0) <= 1).all()


def test_exclusive_ties_go_to_the_first_language():
    assert flat(budget(np.ones((2, 1, 2)), 2, shared="exclusive")) == [[0, 1], []]


def test_budget_agrees_with_a_sort_of_many_ties():
    specificity = np.random.default_rng(0).integers(0, 6, size=(3, 4, 50)).astype(np.float64)
    for language, mask in zip(specificity, budget(specificity, 37), strict=True):
        order = sorted(range(200), key=lambda i: (-language.flat[i], i))
        assert sorted(order[:37]) == np.flatnonzero(mask).tolist()


def by_sorting(specificity, size, per_layer, shared):
    """Plain NumPy: a stable sort of everything."""
    languages, layers, width = specificity.shape
    scores = np.where(np.isnan(specificity), -INF, specificity)
    if shared == "exclusive":
        scores = np.where(np.arange(languages)[:, None, None] == scores.argmax(axis=0), scores, -INF)
    count = neurons_allowed(size, layers * width)
    rows = layers if per_layer else 1
    quotas = [count // rows + (row < count % rows) for row in range(rows)]
    mask = np.zeros((languages, rows, layers * width // rows), dtype=bool)
    for language, row in np.ndindex(languages, rows):
        own = scores.reshape(mask.shape)[language, row]
        order = np.argsort(-own, kind="stable")[: quotas[row]]
        mask[language, row, order[own[order] > -INF]] = True
    return mask.reshape(specificity.shape)


@given(
    specificity=arrays(
        np.float64,
        st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 12)),
        elements=st.sampled_from([NAN, -INF, -1.0, -0.0, 0.0, 1.0, 2.5, INF]),
    ),
    share=st.floats(0.01, 1.0),
    per_layer=st.booleans(),
    shared=st.sampled_from(["allow", "exclusive"]),
)
def test_budget_is_what_a_sort_gives(specificity, share, per_layer, shared):
    size = max(1, round(share * specificity[0].size))
    np.testing.assert_array_equal(
        budget(specificity, size, per_layer=per_layer, shared=shared),
        by_sorting(specificity, size, per_layer, shared),
    )


@pytest.mark.parametrize(
    ("size", "message"),
    [(7, "7 neurons is more than the 6"), (0.01, "less than one of 6"), (0, "above 0"), (1.5, "over 100 %")],
)
def test_budgets_that_cannot_be(size, message):
    with pytest.raises(NeuroglotError, match=message):
        budget(S, size)


def test_unknown_sharing():
    with pytest.raises(NeuroglotError, match="'exclusiv'; did you mean 'exclusive'"):
        budget(S, 1, shared="exclusiv")


def test_threshold_is_strict():
    assert flat(threshold(S, 2.0)) == [[0, 2, 3], [0, 4]]
    assert flat(threshold(S, -INF)) == [[0, 1, 2, 3, 5], [0, 1, 2, 3, 4]]
    with pytest.raises(NeuroglotError, match="NaN"):
        threshold(S, NAN)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1%", 0.01), ("0.5 %", 0.005), (" 100% ", 1.0), (0.01, 0.01), ("0.01", 0.01), (368, 368), ("368", 368)],
)
def test_budgets_as_people_write_them(written, meant):
    parsed = parse_budget(written)
    assert parsed == pytest.approx(meant)
    assert type(parsed) is type(meant)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("0%", "above 0"),
        (0, "above 0"),
        (-3, "above 0"),
        ("-1%", "above 0"),
        (float("nan"), "above 0"),
        ("101%", "over 100 %"),
        (368.0, "no decimal point"),
        ("one", "neither a share"),
        ("%", "neither a share"),
        (True, "neither a share"),
    ],
)
def test_budgets_that_are_none(written, message):
    with pytest.raises(NeuroglotError, match=message):
        parse_budget(written)


def test_one_per_cent_of_the_demo_model():
    assert neurons_allowed("1%", 18 * 2048) == 369
