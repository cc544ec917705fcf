"""The bank: shards of one pass or of several, stored or streamed, are one labelled whole."""

import errno
import itertools
import json

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.bank import ScoreBank, bank_bytes
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.moments import summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.sealed import SealedStore, seal
from neuroglot.statistics.shard import SUFFIX, save_shard

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


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("histograms", [False, True])
@pytest.mark.parametrize("samples", [30, 300])
def test_bank_bytes_is_what_a_bank_takes(shard_of, samples, histograms, streamed):
    rng = np.random.default_rng(0)
    widths = {A: 480, B: 480, C: 320}
    languages = ["en"] * samples + ["zh"] * 7
    shard = shard_of(
        languages,
        {key: rng.normal(size=(len(languages), 3, width)).astype("f4") for key, width in widths.items()},
    )
    tree = summarise(shard, histograms=histograms) if streamed else shard
    taken = sum(node.to_dataset().nbytes for node in tree.children.values())
    said = bank_bytes([samples, 7], 3, widths.values(), streamed=streamed, histograms=histograms)
    assert said == pytest.approx(taken, rel=0.02)


@pytest.mark.parametrize("fewer", [1, 2])
def test_a_smaller_bank_takes_the_place_of_a_larger_one(whole, tmp_path, fewer):
    ScoreBank(tuple(split(whole, 3, 7, 9))).save(tmp_path)
    bank = ScoreBank(tuple(split(whole, 5)[:fewer]))
    bank.save(tmp_path)
    found = ScoreBank.load(tmp_path)
    assert all(one.identical(two) for one, two in zip(bank.shards, found.shards, strict=True))
    assert len(list(tmp_path.iterdir())) == fewer


def test_a_bank_is_saved_over_the_one_that_it_was_read_from(whole, tmp_path):
    ScoreBank(tuple(split(whole, 3, 7))).save(tmp_path)
    found = ScoreBank.load(tmp_path)
    ScoreBank(found.shards[::-1]).save(tmp_path)
    for one, two in zip(ScoreBank.load(tmp_path).shards, split(whole, 3, 7)[::-1], strict=True):
        assert one.identical(two)


@pytest.mark.parametrize("writes", range(3))
def test_a_full_disk_leaves_the_old_bank(whole, bank, tmp_path, monkeypatch, writes):
    bank.save(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    written = []

    def fills(path, name):
        if len(written) == writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(name)
        seal(path, name)

    monkeypatch.setattr("neuroglot.statistics.shard.seal", fills)
    with pytest.raises(OSError, match=rf"No space left on device: .*0000{writes}-of-00004\.zarr\.zip"):
        ScoreBank(tuple(split(whole, 3, 7, 9))).save(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_bank_that_lacks_a_shard_is_not_read(whole, tmp_path):
    ScoreBank(tuple(split(whole, 3, 7))).save(tmp_path)
    next(tmp_path.glob("00001*")).unlink()
    with pytest.raises(NeuroglotError, match="is not complete"):
        ScoreBank.load(tmp_path)


def test_a_folder_of_a_run_is_not_written_over(whole, bank, tmp_path):
    save_shard(whole, tmp_path / f"abc-00000{SUFFIX}")
    with pytest.raises(NeuroglotError, match="holds the bank of a run"):
        bank.save(tmp_path)
    assert len(ScoreBank.load(tmp_path).shards) == 1


def test_shards_of_two_banks_are_not_averaged(shard_of, scores):
    shards = [shard_of(LANGUAGES, {A: scores[A]}, model=name) for name in ("gemma", "llama")]
    with pytest.raises(NeuroglotError, match="not of one bank: their model differs"):
        ScoreBank(tuple(shards))


def test_only_what_a_statistic_reads_is_read(whole, tmp_path):
    """A damaged array is refused by who reads it, and by nobody else."""
    save_shard(summarise(whole), tmp_path / f"0{SUFFIX}")
    read = []

    class Spy(SealedStore):
        def _get(self, key, prototype, byte_range=None):
            read.append(key)
            return super()._get(key, prototype, byte_range)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuroglot.statistics.shard.SealedStore", Spy)
        bank = ScoreBank.load(tmp_path)
        assert not [key for key in read if ":" in key and "/c/" in key]
        bank.statistic(A, "mean")
    assert {key.split("/")[1] for key in read if ":" in key and "/c/" in key} == {"grad_act.max:mean"}


@pytest.mark.parametrize("name", [name for name in STATISTICS if STATISTICS[name].streamed])
def test_what_a_statistic_says_it_reads_is_enough_for_many_shards(whole, tmp_path, name):
    parts = split(whole, 2, 5, 6)
    ScoreBank(tuple(summarise(part, histograms=True) for part in parts)).save(tmp_path)
    expected = ScoreBank((summarise(whole, histograms=True),)).statistic(A, name)
    found = ScoreBank.load(tmp_path).statistic(A, name)
    np.testing.assert_allclose(found.sel(language=expected["language"]), expected, rtol=1e-9)


@pytest.mark.parametrize("streamed", [False, True])
def test_shards_without_samples_change_nothing(shard_of, whole, scores, tmp_path, streamed):
    """Every sample of theirs was quarantined."""
    odd = {"language": "en", "document": "d1", "sentence": 3, "layer": 1, "score": "grad_act"}
    none = whole.isel(sample=slice(0))
    none.attrs["quarantined"] = json.dumps([odd])
    for shards in ((none, whole), (whole, none), (none, whole, none)):
        bank = ScoreBank(shards).streamed() if streamed else ScoreBank(shards)
        bank.save(tmp_path)
        for found in (bank, ScoreBank.load(tmp_path)):
            assert found.quarantined == [odd]
            assert found.languages == ("en", "zh", "sw")
            for name in (name for name in STATISTICS if not streamed or STATISTICS[name].streamed):
                assert found.statistic(A, name).equals(
                    (ScoreBank((whole,)).streamed() if streamed else ScoreBank((whole,))).statistic(A, name)
                )
            assert found.dataset("mlp")[f"grad_act.max{':mean' if streamed else ''}"].notnull().all()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_bank_of_nothing_but_quarantined_samples_says_so(whole, streamed):
    bank = ScoreBank((whole.isel(sample=slice(0)),))
    bank = bank.streamed() if streamed else bank
    assert bank.languages == ()
    assert bank.quarantined == []
    with pytest.raises(NeuroglotError, match="no samples"):
        bank.statistic(A, "mean")


def test_repr_says_what_is_held(bank):
    assert repr(bank) == "ScoreBank(en, zh, sw; mlp/active.sum, mlp/grad_act.max, resid/fisher.mean)"
