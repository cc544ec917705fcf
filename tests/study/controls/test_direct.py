"""Direct beside total effect, from both measurements; other pieces than those of the total effect."""

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.evaluation.direct import direct
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.objective import samples_of


def test_both_effects_of_a_set_on_its_target(controlling):
    checking = controlling("direct", recipes=["grad_act"], interventions={"zero": "all"})
    before = set((checking.run.folder / "ablation").iterdir())
    frame = checking.frames()["direct"].set_index("target")
    assert list(frame.index) == list(checking.languages)
    assert set((checking.run.folder / "ablation").iterdir()) > before
    run, model = checking.run, checking.run.model
    samples = samples_of(model, run.text["report"].restrict(["fr"]), "sentence")
    own = run.sets["grad_act"]["fr"]
    nobody = ng.NeuronSet("mlp", np.zeros(own.shape, dtype=bool))
    acts = {"none": ng.Intervention(nobody), "set": ng.Intervention(own)}
    tokens = sum(one.tokens for one in samples)
    row = frame.loc["fr"]
    for name, measure in (("total", likelihood), ("direct", direct)):
        found = measure(model, samples, acts)["log_prob"].values.sum(axis=1)
        assert row[name] == pytest.approx((found[0] - found[1]) / tokens, rel=1e-3, abs=1e-6)
        assert row[f"{name}_low"] <= row[name] <= row[f"{name}_high"]
    if not np.isnan(row["share"]):
        assert row["share"] == pytest.approx(row["direct"] / row["total"], rel=1e-4)
    # A share is asked for only where there is a total effect.
    assert np.isnan(row["share"]) == (row["total_low"] <= 0 <= row["total_high"])
