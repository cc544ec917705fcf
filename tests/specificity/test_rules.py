"""Published selection rules against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.rules import (
    among,
    among_layers,
    both_ends,
    consistent,
    culnig,
    culnig_general,
)
from neuroglot.statistics.language import STATISTICS

NAN, INF = np.nan, np.inf


def flat(mask):
    """The chosen flat indices of every language."""
    return [np.flatnonzero(language).tolist() for language in mask]


# One language, two layers of four neurons.
S = np.array([[[0.5, 0.9, NAN, 0.1], [0.9, 0.3, 0.2, -INF]]])


def test_both_ends_take_half_each_and_one_more_of_the_highest():
    assert flat(both_ends(S, 1)) == [[1]]
    assert flat(both_ends(S, 2)) == [[1, 3]]
    assert flat(both_ends(S, 3)) == [[1, 3, 4]]
    assert flat(both_ends(S, 0.5)) == [[1, 3, 4, 6]]


def test_both_ends_never_take_a_neuron_twice_nor_an_unknown_one():
    assert flat(both_ends(S, 8)) == [[0, 1, 3, 4, 5, 6]]
    assert flat(both_ends(np.zeros((1, 1, 5)), 4)) == [[0, 1, 2, 3]]


def test_both_ends_refuse_more_than_there_are():
    with pytest.raises(NeuroglotError, match="9 neurons is more than the 8"):
        both_ends(S, 9)


@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 24))
def test_both_ends_agree_with_a_sort(seed, size):
    precision = np.random.default_rng(seed).random((3, 2, 12))
    for language, mask in zip(precision, both_ends(precision, size), strict=True):
        order = np.argsort(language.ravel())
        top, bottom = (size + 1) // 2, size // 2
        assert set(np.flatnonzero(mask)) == {*order[len(order) - top :], *order[:bottom]}


def plnd(documents, top, consistency):
    """Zhao et al. 2024, neuron by neuron: documents [document, layer, neuron] of every language."""
    consistent_in = []
    for own in documents:
        counts: dict[tuple[int, int], int] = {}
        for document in own:
            for layer, scores in enumerate(document):
                for neuron in sorted(range(len(scores)), key=lambda j: -scores[j])[:top]:
                    counts[layer, neuron] = counts.get((layer, neuron), 0) + 1
        consistent_in.append({pair for pair, count in counts.items() if count / len(own) >= consistency})
    everywhere = set.intersection(*consistent_in)
    return [pairs - everywhere for pairs in consistent_in]


@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(1, 10), min_size=2, max_size=4),
    consistency=st.sampled_from([0.3, 0.5, 0.7, 0.9, 1.0]),
)
def test_consistent_is_plnd(seed, counts, consistency):
    rng = np.random.default_rng(seed)
    shared, width = rng.exponential(2, size=(3, 20)), 20
    documents = [
        shared + rng.exponential(2, size=(3, width)) + rng.exponential(1, size=(n, 3, width)) for n in counts
    ]
    topk = STATISTICS["topk_share"]
    statistic = np.stack([topk.exact(own, np.ones(len(own)), share=0.25) for own in documents])
    found = [
        {tuple(map(int, pair)) for pair in np.argwhere(mask)} for mask in consistent(statistic, consistency)
    ]
    assert found == plnd(documents, 5, consistency)


def test_consistent_leaves_out_what_leads_in_all_languages():
    share = np.array([[[1.0, 1.0, 0.9, NAN]], [[1.0, 0.2, 1.0, 1.0]]])
    assert flat(consistent(share)) == [[1], [2, 3]]
    assert flat(consistent(share, 0.9)) == [[1], [3]]


def loops_culnig(scores, control, share, control_share, least_z):
    """METHODS §4, language by language and neuron by neuron."""
    languages = len(scores)
    chosen = []
    for language in range(languages):
        own, other = scores[language].ravel(), control[language].ravel()
        top = sorted(range(own.size), key=lambda i: -own[i])[: round(share * own.size)]
        out = set(sorted(range(own.size), key=lambda i: -other[i])[: round(control_share * own.size)])
        kept = []
        for neuron in sorted(top):
            values = [float(scores[place].ravel()[neuron]) for place in range(languages)]
            mean = sum(values) / languages
            deviation = (sum((value - mean) ** 2 for value in values) / languages) ** 0.5
            if neuron not in out and (values[language] - mean) / deviation >= least_z:
                kept.append(neuron)
        chosen.append(kept)
    return chosen


@given(
    seed=st.integers(0, 2**32 - 1),
    languages=st.integers(2, 5),
    share=st.floats(0.05, 1),
    control_share=st.floats(0.05, 0.9),
    least_z=st.floats(-0.99, 0.99),
)
def test_culnig_is_what_loops_give(seed, languages, share, control_share, least_z):
    rng = np.random.default_rng(seed)
    scores, control = rng.standard_t(3, size=(2, languages, 3, 13))
    found = culnig(scores, control, share=share, control_share=control_share, least_z=least_z)
    assert flat(found) == loops_culnig(scores, control, share, control_share, least_z)
    general = culnig_general(scores, control, share=share, control_share=control_share)
    assert flat(general) == loops_culnig(scores, control, share, control_share, -INF)


def test_culnig_defaults():
    rng = np.random.default_rng(0)
    scores, control = rng.normal(size=(2, 4, 5, 400))
    assert flat(culnig(scores, control)) == loops_culnig(scores, control, 0.003, 0.01, 0.5)
    assert flat(culnig_general(scores, control)) == loops_culnig(scores, control, 0.01, 0.01, -INF)


def test_culnig_leaves_neurons_that_are_equal_or_unknown():
    scores = np.array([[[9.1, 5.0, 8.0]], [[9.1, NAN, 1.0]], [[9.1, 2.0, 3.0]]])
    control = np.array([[[0.0, 1.0, 0.0]]] * 3)
    assert flat(culnig(scores, control, share=1.0, control_share=0.4)) == [[2], [], []]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: consistent(S), "'consistent' needs at least 2 languages"),
        (lambda: consistent(S, 0.0), "consistency must be above 0 and at most 1, not 0.0"),
        (lambda: consistent(S, NAN), "not nan"),
        (lambda: culnig(S, S), "'culnig' needs at least 2 languages"),
        (lambda: culnig_general(S, S[:, :1]), r"scores are \(1, 2, 4\) and the control is \(1, 1, 4\)"),
        (lambda: culnig_general(S, S, share=0.01, control_share=0.5), "culnig: share: .* less than one of 8"),
        (lambda: culnig_general(S, S, share=0.5, control_share=1.5), "culnig: control_share: .* over 100 %"),
        (lambda: among(S, S[:, :1], 2), r"the specificity is \(1, 2, 4\) and the filter \(1, 1, 4\)"),
        (lambda: among(S, S, 0.01), "less than one of 8"),
        (lambda: among_layers(S, np.ones((1, 3)), 1), r"need as many scores, not \(1, 3\)"),
        (lambda: among_layers(S, np.ones((1, 2)), 3), "3 of 2 layers is 3, not 1 to 2"),
        (lambda: among_layers(S, np.ones((1, 2)), 0.2), "0.2 of 2 layers is 0, not 1 to 2"),
        (lambda: among_layers(S, np.ones((1, 2)), 0), "above 0"),
    ],
)
def test_rules_that_cannot_be_applied_say_why(call, message):
    with pytest.raises(NeuroglotError, match=message):
        call()


def test_among_keeps_what_the_filter_ranks_first():
    cheap = np.array([[[3.0, 0.0, 9.0, 4.0], [NAN, 8.0, 1.0, 2.0]]])
    expected = [[[NAN, NAN, NAN, 0.1], [NAN, 0.3, NAN, NAN]]]
    np.testing.assert_array_equal(among(S, cheap, 3), expected)  # of the three one has no specificity
    np.testing.assert_array_equal(among(S, cheap, 3 / 8), expected)


def test_among_layers_keeps_each_language_its_own_layers():
    specificity = np.arange(12.0).reshape(2, 3, 2)
    norms = np.array([[1.0, 3.0, 2.0], [5.0, NAN, 5.0]])
    one = among_layers(specificity, norms, 1)
    assert flat(~np.isnan(one)) == [[2, 3], [0, 1]]
    two = among_layers(specificity, norms, 2 / 3)
    assert flat(~np.isnan(two)) == [[2, 3, 4, 5], [0, 1, 4, 5]]
    np.testing.assert_array_equal(two[~np.isnan(two)], [2, 3, 4, 5, 6, 7, 10, 11])
