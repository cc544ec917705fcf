"""The bank: shards of one pass or of several, stored or streamed, are one labelled whole."""

import itertools

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.bank import ScoreBank, store_bytes
from neuroglot.statistics.quantity import Quantity

A, B = Quantity("mlp", "grad_act", "max", 1), Quantity("mlp", "active", "sum")
C = Quantity("resid", "fisher", "mean", 2)
LANGUAGES = ["en", "zh", "sw"] * 4


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    widths = {A: 5, B: 5, C: 3}
    return {quantity: rng.standard_normal((12, 2, width), np.float32) for quantity, width in widths.items()}


@pytest.fixture(scope="module")
def whole(shard_of, scores):
    return shard_of(LANGUAGES, scores)


@pytest.fixture
def bank(whole):
    return ScoreBank((whole,))


def split(tree, *edges):
    return [tree.isel(sample=slice(start, end)) for start, end in itertools.pairwise((0, *edges, 12))]


def test_statistics_are_labelled_and_exact(bank, scores, whole):
    found = bank.statistic(A, "mean")
    assert found.dims == ("language", "layer", "neuron")
    assert found["language"].values.tolist() == ["en", "zh", "sw"]
    assert found["layer"].values.tolist() == [0, 1]
    tokens = whole["mlp"]["tokens"].values.astype(float)
    for place, language in enumerate(["en", "zh", "sw"]):
        rows = scores[A][place::3] / tokens[place::3, None, None]
        np.testing.assert_allclose(found.sel(language=language), rows.mean(axis=0), rtol=1e-12)


@pytest.mark.parametrize("unit", ["tokens", "characters", "bytes"])
def test_samples_are_divided_by_their_length(bank, scores, whole, unit):
    lengths = whole["mlp"][unit].values[1::3]
    found, units = bank.samples(A, "zh", unit)
    np.testing.assert_allclose(found, scores[A][1::3] / lengths[:, None, None].astype(float), rtol=1e-12)
    np.testing.assert_array_equal(units, lengths)
    fisher, _ = bank.samples(C, "zh", unit)
    np.testing.assert_allclose(
        fisher, scores[C][1::3] / lengths[:, None, None].astype(float) ** 2, rtol=1e-12
    )
    rate, _ = bank.samples(B, "zh", unit)
    np.testing.assert_array_equal(rate, scores[B][1::3])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("streamed", [False, True])
def test_shards_in_any_order_are_the_whole(whole, order, streamed):
    parts = split(whole, 5, 6)
    bank = ScoreBank(tuple(parts[place] for place in order))
    one = ScoreBank((whole,))
    if streamed:
        bank, one = bank.streamed(), one.streamed()
    for quantity, name in itertools.product((A, B, C), ("mean", "variance", "kurtosis", "median")):
        expected = one.statistic(quantity, name)
        found = bank.statistic(quantity, name).sel(language=expected["language"])
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15, err_msg=f"{quantity} {name}")


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("streamed", [False, True])
def test_two_passes_with_different_quantities_are_one_bank(shard_of, scores, first, streamed):
    """A second pass reads the same samples for what the first did not keep; each in its own shards."""
    one = split(shard_of(LANGUAGES, {A: scores[A], C: scores[C]}), 4)
    two = split(shard_of(LANGUAGES, {B: scores[B]}), 3, 9)
    bank = ScoreBank(tuple((one + two) if first == 0 else (two + one)))
    together = ScoreBank((shard_of(LANGUAGES, scores),))
    if streamed:
        bank, together = bank.streamed(), together.streamed()
    for quantity in (A, B, C):
        assert bank.holds(quantity)
        np.testing.assert_allclose(
            bank.statistic(quantity, "variance"), together.statistic(quantity, "variance"), rtol=1e-9
        )
    dataset = bank.dataset("mlp")
    assert set(together.dataset("mlp").data_vars) == set(dataset.data_vars)
    for name, array in together.dataset("mlp").data_vars.items():
        np.testing.assert_allclose(dataset[name], array, rtol=1e-9, atol=1e-12)


def test_a_quantity_that_two_passes_kept_counts_once(shard_of, scores):
    first = shard_of(LANGUAGES, {A: scores[A]})
    second = shard_of(LANGUAGES, {A: scores[A], B: scores[B]})
    assert ScoreBank((first, second)).samples(A, "en")[0].shape == (4, 2, 5)


def test_a_stored_and_a_streamed_pass_are_one_bank(shard_of, scores, bank):
    streamed = ScoreBank((shard_of(LANGUAGES, {B: scores[B]}),)).streamed().shards[0]
    mixed = ScoreBank((shard_of(LANGUAGES, {A: scores[A]}), streamed))
    for quantity in (A, B):
        np.testing.assert_allclose(
            mixed.statistic(quantity, "kurtosis"), bank.statistic(quantity, "kurtosis"), rtol=1e-9
        )


def test_passes_over_other_samples_are_not_aligned_by_accident(shard_of, scores):
    one, two = shard_of(LANGUAGES, {A: scores[A]}), shard_of(LANGUAGES[::-1], {B: scores[B]})
    with pytest.raises(NeuroglotError, match="read different samples"):
        ScoreBank((one, two)).dataset("mlp")


def test_layers_are_those_of_the_quantity(shard_of, scores):
    one = shard_of(LANGUAGES, {A: scores[A]}, layers=[0, 4])
    two = shard_of(LANGUAGES, {B: scores[B][:, :1]}, layers=[7])
    bank = ScoreBank((one, two))
    assert bank.statistic(A, "mean")["layer"].values.tolist() == [0, 4]
    assert bank.statistic(B, "mean")["layer"].values.tolist() == [7]


@pytest.mark.parametrize("streamed", [False, True])
def test_saved_and_loaded_is_the_same(whole, tmp_path, streamed):
    bank = ScoreBank(tuple(split(whole, 5)))
    if streamed:
        bank = bank.streamed()
    bank.save(tmp_path / "bank")
    again = ScoreBank.load(tmp_path / "bank")
    assert len(again.shards) == 2
    assert all(one.identical(two) for one, two in zip(bank.shards, again.shards, strict=True))
    np.testing.assert_array_equal(again.statistic(A, "mean"), bank.statistic(A, "mean"))


def test_an_unfinished_shard_is_not_read(bank, tmp_path):
    bank.save(tmp_path)
    (tmp_path / ".00001.zarr.zip.4242").write_bytes(b"half")
    assert len(ScoreBank.load(tmp_path).shards) == 1


@pytest.mark.parametrize("folder", ["empty", "missing"])
def test_a_folder_without_a_bank_is_named(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NeuroglotError, match=f"there is no score bank in .*{folder}$"):
        ScoreBank.load(tmp_path / folder)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("quantity", "name", "unit", "message"),
    [
        (Quantity("mlp", "neurgrad", "max"), "mean", "tokens", r"no 'neurgrad\.max' at site 'mlp'; score"),
        (Quantity("attn", "active", "sum"), "mean", "tokens", r"no 'active\.sum' at site 'attn'; score"),
        (A, "curtosis", "tokens", r"unknown sample statistic 'curtosis'; did you mean 'kurtosis'\?"),
        (A, "mean", "token", r"unknown unit 'token'; did you mean 'tokens'\?"),
    ],
)
def test_what_the_bank_cannot_give_is_one_line(bank, streamed, quantity, name, unit, message):
    asked = bank.streamed() if streamed else bank
    with pytest.raises(NeuroglotError, match=message) as error:
        asked.statistic(quantity, name, unit)
    assert "\n" not in str(error.value)


def test_a_language_that_nobody_scored_is_named(bank):
    with pytest.raises(NeuroglotError, match=r"score bank: unknown language 'ehn'; did you mean 'en'\?"):
        bank.samples(A, "ehn")


@pytest.mark.parametrize("streamed", [False, True])
def test_a_language_that_one_pass_left_out_is_named(shard_of, scores, streamed):
    one = shard_of(LANGUAGES, {A: scores[A]})
    two = shard_of(["en", "zh"] * 6, {B: scores[B]})
    bank = ScoreBank((one, two))
    with pytest.raises(NeuroglotError, match=r"no 'active\.sum' at site 'mlp' for language 'sw'"):
        (bank.streamed() if streamed else bank).statistic(B, "mean")


def test_a_streamed_bank_gives_only_what_it_kept(bank):
    with pytest.raises(NeuroglotError, match="streamed per bytes, not per tokens"):
        bank.streamed("bytes").statistic(A, "mean", "tokens")
    with pytest.raises(NeuroglotError, match="streamed without histograms, which 'median' needs"):
        bank.streamed(histograms=False).statistic(A, "median")


def test_two_streams_of_one_bank_give_both_units(bank, whole):
    both = ScoreBank((*bank.streamed("tokens").shards, *bank.streamed("bytes").shards))
    for unit in ("tokens", "bytes"):
        np.testing.assert_allclose(
            both.statistic(A, "mean", unit), bank.statistic(A, "mean", unit), rtol=1e-12
        )


def test_an_empty_bank_is_refused():
    with pytest.raises(NeuroglotError, match="empty"):
        ScoreBank(())


def test_store_bytes_is_what_the_store_takes(scores):
    assert store_bytes(12, 2, [5, 5, 3]) == sum(array.nbytes for array in scores.values())


def test_repr_says_what_is_held(bank):
    assert repr(bank) == "ScoreBank(en, zh, sw; mlp/active.sum, mlp/grad_act.max, resid/fisher.mean)"
