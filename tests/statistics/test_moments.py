"""Streaming statistics: any split, any order, any nesting is the same as everything at once."""

import itertools
import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.moments import EDGES, merge, quantile, summarise
from neuroglot.statistics.quantity import Quantity

A, B = Quantity("mlp", "activation", "mean"), Quantity("resid", "grad", "max", 1)
LANGUAGES = ("en", "sw", "zh")


def row_of(tree, name, language):
    return tree["mlp"].to_dataset().sel(language=language)[name].values


def assert_same(found, expected, rtol, spread=1.0):
    """Every language's summary, whatever the order of the languages."""
    for site in expected.children:
        one, other = found[site].to_dataset(), expected[site].to_dataset()
        one = one.sel(language=other["language"].values)
        assert set(one.data_vars) == set(other.data_vars)
        for name in other.data_vars:
            a, b = one[name].values, other[name].values
            if name in ("samples", "tokens") or name.endswith((":max", ":histogram")):
                np.testing.assert_array_equal(a, b, err_msg=name)
            else:
                order = {"m2": 2, "m3": 3, "m4": 4}.get(name.split(":")[-1], 1)
                # Odd moments may vanish by symmetry: compare with n·σ^order, the size of what they sum up.
                scale = (spread * other["samples"].max().item() ** 0.5) ** order
                np.testing.assert_allclose(a, b, rtol=rtol * order, atol=rtol * scale, err_msg=name)


def together(draw, parts):
    """Merges the parts pairwise in a drawn order and nesting."""
    parts = list(parts)
    while len(parts) > 1:
        first = parts.pop(draw(st.integers(0, len(parts) - 1)))
        second = parts.pop(draw(st.integers(0, len(parts) - 1)))
        parts.append(merge(first, second))
    return parts[0]


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_any_split_any_order_any_nesting(shard_of, data):
    n = data.draw(st.integers(2, 24))
    languages = data.draw(st.lists(st.sampled_from(LANGUAGES), min_size=n, max_size=n))
    offset = data.draw(st.sampled_from([0.0, 1e5]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scores = {A: rng.normal(size=(n, 2, 3)) + offset, B: rng.standard_t(3, size=(n, 2, 2))}
    part = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n, max_size=n)))

    def shard(rows):
        # The lengths follow the sample's number, so a shard is cut out of the whole, not built anew.
        return whole.isel(sample=rows)

    whole = shard_of(languages, scores)
    summaries = [summarise(shard(np.flatnonzero(part == p)), histograms=True) for p in np.unique(part)]
    merged = together(data.draw, summaries)
    assert_same(merged, summarise(whole, histograms=True), rtol=1e-9)


@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_a_tree_of_shards_is_their_sequence(shard_of, data):
    """Any number of shards, some without a language or without a sample, by halves and one after another."""
    sizes = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=9).filter(any))
    n = sum(sizes)
    languages = data.draw(st.lists(st.sampled_from(LANGUAGES), min_size=n, max_size=n))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    scale = data.draw(st.sampled_from([1e-12, 1.0, 1e12]))
    whole = shard_of(languages, {A: scale * rng.standard_t(3, size=(n, 2, 3))})
    edges = np.cumsum([0, *sizes])
    parts = [
        summarise(whole.isel(sample=slice(start, end)), histograms=True)
        for start, end in itertools.pairwise(edges)
    ]

    def halves(trees):
        middle = len(trees) // 2
        return merge(halves(trees[:middle]), halves(trees[middle:])) if middle else trees[0]

    for merged in (halves(parts), reduce(merge, parts), reduce(merge, parts[::-1])):
        assert_same(merged, summarise(whole, histograms=True), rtol=1e-9, spread=scale)
        assert all(np.isfinite(array).all() for array in merged["mlp"].data_vars.values())


def test_what_only_one_part_knows_is_kept_to_the_last_bit(shard_of):
    scores = np.random.default_rng(0).normal(size=(9, 2, 3)) * 1e7 / 3
    first = summarise(shard_of(["en"] * 5, {A: scores[:5]}))
    second = summarise(shard_of(["zh"] * 4, {A: scores[5:]}))
    merged = merge(first, second)
    for key in first["mlp"].data_vars:
        np.testing.assert_array_equal(row_of(merged, key, "en"), row_of(first, key, "en"))
        np.testing.assert_array_equal(row_of(merged, key, "zh"), row_of(second, key, "zh"))


@pytest.mark.parametrize(("samples", "kind"), [(255, np.uint8), (256, np.uint16), (70000, np.uint32)])
def test_counts_never_overflow(shard_of, samples, kind):
    half = samples // 2
    parts = [
        summarise(shard_of(["en"] * count, {A: np.ones((count, 1, 1))}), histograms=True)
        for count in (half, samples - half)
    ]
    counts = row_of(merge(*parts), "activation.mean:histogram", "en")
    assert counts.dtype == kind
    assert counts.max() == samples


def test_what_was_left_out_is_remembered_once(shard_of):
    odd = {"language": "en", "document": "d1", "sentence": 3, "layer": 7, "score": "grad_act"}
    other = odd | {"sentence": 4}
    trees = [
        shard_of(["en", "zh"], {A: np.ones((2, 1, 1))}, quarantined=json.dumps(entries))
        for entries in ([odd], [odd, other])
    ]
    trees.append(shard_of(["zh"], {A: np.ones((1, 1, 1))}))
    merged = reduce(merge, map(summarise, trees))
    assert json.loads(merged.attrs["quarantined"]) == [odd, other]
    assert "quarantined" not in merge(summarise(trees[2]), summarise(trees[2])).attrs


def test_languages_that_only_one_part_has_are_kept(shard_of):
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 1, 2)) - 5  # all negative: a maximum of 0 would be an invention
    first = summarise(shard_of(["en", "en", "zh"], {A: scores[:3]}), histograms=True)
    second = summarise(shard_of(["zh", "sw", "sw"], {A: scores[3:]}), histograms=True)
    for merged in (merge(first, second), merge(second, first)):
        assert set(merged["mlp"]["language"].values) == {"en", "zh", "sw"}
        np.testing.assert_array_equal(row_of(merged, "activation.mean:max", "en"), scores[:2].max(axis=0))
        np.testing.assert_array_equal(row_of(merged, "activation.mean:max", "sw"), scores[4:].max(axis=0))
        np.testing.assert_allclose(row_of(merged, "activation.mean:mean", "zh"), scores[2:4].mean(axis=0))
        np.testing.assert_allclose(row_of(merged, "activation.mean:m2", "sw"), 2 * scores[4:].var(axis=0))
        assert row_of(merged, "samples", "en") == 2


def test_merging_leaves_the_parts_alone(shard_of):
    parts = [
        summarise(shard_of(["en"], {A: np.full((1, 1, 2), value)}), histograms=True) for value in (1.0, 4.0)
    ]
    copies = [part.copy(deep=True) for part in parts]
    merge(*parts)
    assert all(part.identical(copy) for part, copy in zip(parts, copies, strict=True))


def test_a_large_constant_does_not_cancel_the_spread(shard_of):
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(400, 1, 3))
    whole = shard_of(["en"] * 400, {A: spread + 1e7})
    merged = reduce(merge, (summarise(whole.isel(sample=slice(n, n + 7))) for n in range(0, 400, 7)))
    np.testing.assert_allclose(
        row_of(merged, "activation.mean:m2", "en"), 400 * spread.var(axis=0), rtol=1e-6
    )
    naive = ((spread + 1e7) ** 2).sum(axis=0) - (spread + 1e7).sum(axis=0) ** 2 / 400
    assert np.abs(naive / (400 * spread.var(axis=0)) - 1).max() > 1e-4  # what the formula is there to avoid


@pytest.mark.parametrize("unit", ["tokens", "characters", "bytes"])
@pytest.mark.parametrize("power", [0, 1, 2])
def test_scores_are_divided_by_length_to_the_power(shard_of, unit, power):
    scores = np.random.default_rng(0).normal(size=(5, 1, 2))
    tree = shard_of(["en"] * 5, {Quantity("mlp", "fisher", "sum", power): scores})
    lengths = tree["mlp"][unit].values
    summary = summarise(tree, unit)
    expected = np.mean([score / length**power for score, length in zip(scores, lengths, strict=True)], axis=0)
    np.testing.assert_allclose(row_of(summary, "fisher.sum:mean", "en"), expected, rtol=1e-12)
    assert row_of(summary, unit, "en") == lengths.sum()


def test_unknown_unit_is_refused(shard_of):
    with pytest.raises(NeuroglotError, match="unknown unit 'byte'; did you mean 'bytes'"):
        summarise(shard_of(["en"], {A: np.ones((1, 1, 1))}), "byte")


@given(
    st.lists(st.floats(-1e6, 1e6, exclude_min=True, exclude_max=True), min_size=1, max_size=40),
    st.floats(0, 1),
)
def test_quantiles_are_within_the_stated_error(values, level):
    counts = np.histogram(values, EDGES)[0]
    exact = np.quantile(values, level, method="inverted_cdf")
    found = quantile(counts, level)
    if abs(exact) < 1e-10:  # smaller than the smallest bin of a sign
        assert abs(found) <= 1.22e-10
    else:
        assert abs(found / exact - 1) < 0.212


@pytest.mark.parametrize("value", [0.0, 1e-11, -1e-11, 3.0, -3.0, 1e9, -1e9, 1e-10, -1e-10])
def test_histogram_counts_every_score_once(shard_of, value):
    summary = summarise(shard_of(["en"], {A: np.full((1, 1, 2), value)}), histograms=True)
    counts = row_of(summary, "activation.mean:histogram", "en")
    place = np.flatnonzero(counts[0, 0])
    assert counts.sum(axis=-1).tolist() == [[1, 1]]
    assert EDGES[place[0]] <= value < EDGES[place[0] + 1]


def test_histograms_of_a_shard_do_not_blow_up(shard_of):
    """Beside the summary itself it takes less than the scores: one language and layer at a time."""
    import tracemalloc

    scores = np.random.default_rng(0).normal(size=(600, 16, 64)).astype(np.float32)
    tree = shard_of(["en", "zh"] * 300, {A: scores})
    tracemalloc.start()
    summary = summarise(tree, histograms=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    kept = sum(array.nbytes for array in summary["mlp"].data_vars.values())
    assert peak - kept < scores.nbytes
