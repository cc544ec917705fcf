"""The same sets under every kind of silence."""

import numpy as np
import pytest
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.config import load_study
from neuroglot.study.controls import Controlling
from neuroglot.study.plan import quantities_beside_recipes
from tiny_study import write_study

MEAN = Quantity("mlp", "activation", "mean")


def test_medians_and_percentiles_of_sentences(controlling):
    checking = controlling("baselines", controls={"matched": 1, "recipes": ["grad_act"]})
    frame = checking.frames()["baselines"]
    kinds = ["zero", "own_mean", "grand_mean", "other_mean", "median", "percentile(5)"]
    assert list(dict.fromkeys(frame["kind"])) == kinds
    assert set(frame["recipe"]) == {"grad_act"}
    assert len(frame) == len(kinds) * 3
    run = checking.run
    assert run.bank.holds(MEAN)

    # By hand: the value of every neuron from the sentences' means, put there as a mean of its own.
    of = {name: run.bank.samples(MEAN, name)[0] for name in run.bank.languages}
    assert max(map(len, of.values())) <= 20, "the least of so few is their 5th percentile"
    low = np.mean([values.min(axis=0) for values in of.values()], axis=0)
    values = {"median": np.median(of["fr"], axis=0), "percentile(5)": low}
    samples = checking.samples(run.text["report"])
    own = run.sets["grad_act"]["fr"]
    acts = {"none": Intervention(own, "scale(1)")}
    for kind, each in values.items():
        means = xr.DataArray(each[None], dims=("language", "layer", "neuron"), coords={"language": ["fr"]})
        acts[kind] = Intervention(own, "own_mean", means)
    data = likelihood(run.model, samples, acts)
    french = data["language"].values == "fr"
    rate = data["log_prob"].values[:, french].sum(axis=1) / data["tokens"].values[french].sum()
    drops = frame[frame["target"] == "fr"].set_index("kind")["drop"]
    for place, kind in enumerate(values, start=1):
        assert drops[kind] == pytest.approx(rate[0] - rate[place], rel=1e-3, abs=1e-6)
    assert drops["zero"] == pytest.approx(_run_drop(checking, "grad_act zero fr"), rel=1e-6)


def _run_drop(checking, mask: str) -> float:
    drops = checking.run.tables().drops
    return -drops[(drops["mask"] == mask) & (drops["language"] == "fr")]["delta_log_prob"].item()


def test_what_the_run_measured_is_not_measured_again(controlling, monkeypatch):
    named = {"name": "baselines", "options": {"kinds": ["zero", "grand_mean", "zero"]}}
    checking = controlling(named, controls={"matched": 1, "recipes": ["grad_act"]})
    monkeypatch.setattr(Controlling, "measured", lambda *_: pytest.fail("measured again"))
    frame = checking.frames()["baselines"]
    assert len(frame) == 2 * 3
    langspec = checking.run.tables().langspec.set_index("mask")
    for _, row in frame.iterrows():
        told = langspec.loc[f"grad_act {row['kind']} {row['target']}"]
        assert row["f1_relative"] == pytest.approx(told["f1_relative"], rel=1e-6)
        assert row["high"] == pytest.approx(told["f1_relative_high"], rel=1e-6)


def test_what_the_pass_must_keep(home, tmp_path):
    def study(**changes):
        return load_study(write_study(tmp_path / "study.yaml", home, **changes))

    assert MEAN in quantities_beside_recipes(study(checks=["baselines"]))
    named = {"name": "baselines", "options": {"kinds": ["zero"]}}
    assert MEAN not in quantities_beside_recipes(study(checks=[named]))


def test_an_unknown_kind(home, tmp_path):
    checks = [{"name": "baselines", "options": {"kinds": ["medium"]}}]
    with pytest.raises(NeuroglotError, match="did you mean 'median'"):
        load_study(write_study(tmp_path / "study.yaml", home, checks=checks))
