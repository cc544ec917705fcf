"""A whole measurement on a tiny model: its tables against the pieces, resume, what is in whose name."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from neuroglot.attribution.exact import move_at_last, shift_along_sign
from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet
from neuroglot.objective.target import Target
from neuroglot.statistics.shard import load_shard
from neuroglot.study.empirical import NegSettings, measuring, neg
from neuroglot.study.empirical.items import make_items

PROMPTS = [
    {"prompt": "one two", "target": " three"},
    {"prompt": "", "target": "x"},
    {"prompt": "red green", "target": "b"},
    {"prompt": "Asia", "target": "a"},
]
SMALL = {"neurons": 12, "reach": 1.0, "step": 0.5, "steps": 2, "resamples": 50}


@pytest.fixture(scope="module")
def settings():
    return NegSettings(**SMALL, sites=["mlp", "mlp_up"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("neg")


@pytest.fixture(scope="module")
def frames(gemma, settings, folder):
    return neg(gemma, PROMPTS, folder, settings)


def test_slopes_of_both_shifts(gemma, frames):
    """Along the sign, by the exact effects of that very shift and np.polyfit."""
    grid = np.array([-1, -0.5, 0, 0.5, 1])
    item = make_items(gemma, PROMPTS)[2]
    table = frames["neg"].query("prompt == 2 and site == 'mlp_up' and shift == 'sign'")
    neurons = table[["layer", "neuron"]].to_numpy()
    assert sorted(table.layer.value_counts()) == [4, 4, 4]
    target = Target(item.ids, item.tokens, "probability")
    found = move_at_last(gemma, target, neurons, shift_along_sign(grid.tolist()), site="mlp_up")
    slopes = np.polyfit(grid, found.s.double().numpy().T, 1)[0]
    np.testing.assert_allclose(table.slope, slopes, rtol=1e-3, atol=1e-6 * np.abs(slopes).max())
    plain = frames["neg"].query("prompt == 2 and site == 'mlp_up' and shift == 'plain'")
    np.testing.assert_allclose(plain.slope.to_numpy() * plain["sign"].to_numpy(), table.slope)
    assert set(plain["sign"]) == {-1, 1}


def test_the_summary_counts_the_pairs(frames):
    table = frames["neg"].query("site == 'mlp' and shift == 'sign'")
    told = frames["summary"].query("site == 'mlp' and shift == 'sign'").iloc[0]
    assert (told.prompts, told.neurons) == (3, 12)
    assert told.linear == pytest.approx((table.r.abs() > 0.95).mean())
    assert told.positive == pytest.approx((table.slope > 0).mean())
    assert told.mean_negative == pytest.approx(table.slope[table.slope < 0].mean())
    signs = np.sign(table.pivot(index="prompt", columns=["layer", "neuron"], values="slope")).to_numpy()
    pairs = [(signs[a] == signs[b]).mean() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert told.agree == pytest.approx(np.mean(pairs))
    assert told.always == pytest.approx((np.abs(signs.sum(axis=0)) == 3).mean())


def test_correlations_are_means_over_prompts(frames, folder):
    data = load_shard(folder / "neg.zarr.zip")["mlp"].to_dataset()
    table = frames["neg"].query("site == 'mlp' and shift == 'sign'")
    slopes = table.slope.to_numpy().reshape(3, 12)
    estimate = (data["gradient"] * np.sign(data["activation"])).values
    told = frames["estimators"].query("site == 'mlp' and shift == 'sign'").set_index("estimator")
    each = [stats.pearsonr(a, b).statistic for a, b in zip(estimate, slopes, strict=True)]
    assert told.loc["neurgrad", "pearson"] == pytest.approx(np.mean(each))
    ranked = [stats.spearmanr(a, b).statistic for a, b in zip(estimate, slopes, strict=True)]
    assert told.loc["neurgrad", "spearman"] == pytest.approx(np.mean(ranked))
    assert told.loc["neurgrad", "pearson_low"] <= np.mean(each) <= told.loc["neurgrad", "pearson_high"]
    assert told.loc["neurgrad", "pearson"] > told.loc["gradient", "pearson"]  # it has the sign
    assert told.loc["two_point", "pearson"] > 0.9
    assert told.loc["measured", "passes"] == 12 * 5
    assert told.loc["integrated_gradients", "passes"] == 3 * 2
    assert told.loc["neurgrad", "published_pearson"] == 0.814
    by = frames["estimators_by"]
    assert set(by[by.by == "layer"].group) == {"0", "1", "2"}


def test_groups_of_neurons(frames, folder):
    data = load_shard(folder / "neg.zarr.zip")["mlp"].to_dataset()
    assert data["together"].sizes == {"prompt": 3, "shift": 2, "group": 20, "move": 4}
    told = frames["additive"].query("site == 'mlp' and shift == 'plain' and size == 2 and move == 0.5")
    measured = (data["together"].sel(shift="plain", move=0.5)[:, :10] - data["base"]).values
    assert told.measured.item() == pytest.approx(np.abs(measured).mean())
    assert told.ratio.item() == pytest.approx(1, abs=0.5)


def test_items_say_what_is_wrong_and_where_everything_comes_from(gemma, frames, folder):
    items = frames["items"]
    assert items.problem.tolist() == ["", "the prompt is empty", "", ""]
    assert items.tokens.tolist() == [6, 0, 1, 1]
    item = make_items(gemma, PROMPTS)[2]
    logits = gemma.network(gemma.network.dummy_inputs["input_ids"].new_tensor([item.ids])).logits[0, -1]
    assert items["rank"][2] == 1 + int((logits > logits[item.tokens[0]]).sum())
    assert items.base[2] == pytest.approx(logits.softmax(-1)[item.tokens[0]].item(), rel=1e-4)
    about = load_shard(folder / "neg.zarr.zip").attrs
    assert json.loads(about["model"])["fingerprint"] == gemma.fingerprint
    assert json.loads(about["settings"])["neurons"] == 12
    assert pd.read_csv(folder / "tables" / "summary.csv").shape == frames["summary"].shape


def test_what_is_there_is_not_measured_again(gemma, frames, settings, folder, monkeypatch):
    done = []
    real = measuring.measure
    monkeypatch.setattr(measuring, "measure", lambda *args: done.append(args[1].number) or real(*args))
    again = neg(gemma, PROMPTS[2:], folder, settings)
    assert done == []
    old = frames["neg"].query("prompt == 2").drop(columns="prompt").reset_index(drop=True)
    new = again["neg"].query("prompt == 0").drop(columns="prompt").reset_index(drop=True)
    pd.testing.assert_frame_equal(old, new)
    neg(gemma, [*PROMPTS, {"prompt": "more", "target": "a"}], folder, settings)
    assert done == [4, 4]  # at both sites


def test_relative_shifts_are_in_standard_deviations(gemma, tmp_path):
    settings = NegSettings(**SMALL | {"neurons": 3}, relative=True, shift="plain")
    found = neg(gemma, PROMPTS, tmp_path, settings)["neg"]
    data = load_shard(tmp_path / "neg.zarr.zip")["mlp"].to_dataset()
    spread = data["activation"].values.std(axis=0, ddof=1)
    np.testing.assert_allclose(data["unit"].values, np.tile(spread, (3, 1)), rtol=1e-4)
    item = make_items(gemma, PROMPTS)[3]
    neurons = np.stack([data["layer"].values, data["index"].values], axis=1)
    values = spread[:, None] * np.array([-1, -0.5, 0, 0.5, 1])
    moved = move_at_last(
        gemma,
        Target(item.ids, item.tokens, "probability"),
        neurons,
        lambda a: a[:, None] + a.new_tensor(values),
    )
    slopes = np.polyfit([-1, -0.5, 0, 0.5, 1], moved.s.double().numpy().T, 1)[0]
    np.testing.assert_allclose(found[found.prompt == 3].slope, slopes, rtol=1e-3)
    with pytest.raises(NeuroglotError, match="need at least two prompts"):
        neg(gemma, PROMPTS[:1], tmp_path, settings)


def test_a_set_and_its_site(gemma, tmp_path):
    NeuronSet.of("mlp", (3, 48), [(0, 5), (2, 7)]).save(tmp_path / "set.json")
    settings = NegSettings(**SMALL, set=str(tmp_path / "set.json"))
    found = neg(gemma, PROMPTS[2:3], tmp_path / "out", settings)
    assert found["neg"][["layer", "neuron"]].drop_duplicates().to_numpy().tolist() == [[0, 5], [2, 7]]
    with pytest.raises(NeuroglotError, match="is of site 'mlp', not 'mlp_up'"):
        neg(gemma, PROMPTS, tmp_path / "out", settings.model_copy(update={"sites": ["mlp_up"]}))


def test_a_saturated_prompt_is_named(gemma, tmp_path, monkeypatch):
    """All points of one prompt the same, as they are where P is 1 to the last digit."""
    real = measuring.measure

    def flat(*args):
        found = real(*args)
        return (
            found.assign(s=found["s"] * 0 + 1, base=found["base"] * 0 + 1) if args[1].number == 2 else found
        )

    monkeypatch.setattr(measuring, "measure", flat)
    found = neg(gemma, PROMPTS, tmp_path, NegSettings(**SMALL))
    assert found["items"].problem[2] == "saturated: no neuron moves it"
    own = found["neg"].query("prompt == 2")
    assert own.saturated.all()
    assert (own.slope == 0).all()
    assert own.r.isna().all()
    assert found["summary"].saturated.tolist() == pytest.approx([1 / 3] * 2)
    assert (found["estimators"].dropna(subset="prompts").prompts == 2).all()
