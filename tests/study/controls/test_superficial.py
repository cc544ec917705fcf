"""The parts of a set, and what each does, against sets and likelihoods of their own."""

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.objective import samples_of
from neuroglot.study.controls.superficial import _parts
from neuroglot.text.superficial import superficial
from tiny_study import STUDY


def test_parts_and_their_drops(controlling):
    checking = controlling("superficial", controls={"uniform": 0, "matched": 1, "recipes": ["grad_act"]})
    frame = checking.frames()["superficial"]
    assert set(frame["recipe"]) == {"grad_act"}
    frame = frame.set_index(["target", "part"])
    run, model = checking.run, checking.run.model

    bank = ng.score(model, superficial(run.text["identify"], run.study.seed), ["grad_act"])
    shuffled = ng.select(bank, "grad_act", STUDY["budget"])
    samples = samples_of(model, run.text["report"].restrict(["fr"]), "sentence")
    own = run.sets["grad_act"]["fr"]
    masks = {
        "whole set": own.mask,
        "also superficial": own.mask & shuffled["fr"].mask,
        "beyond superficial": own.mask & ~shuffled["fr"].mask,
    }
    sets = {"none": np.zeros_like(own.mask), **masks}
    acts = {name: ng.Intervention(ng.NeuronSet("mlp", mask)) for name, mask in sets.items()}
    total = likelihood(model, samples, acts)["log_prob"].values.sum(axis=1)
    assert masks["also superficial"].any()
    assert masks["beyond superficial"].any()
    for place, (part, mask) in enumerate(masks.items(), start=1):
        row = frame.loc[("fr", part)]
        assert row["size"] == mask.sum()
        assert row["share"] == pytest.approx(mask.sum() / len(own))
        expected = (total[0] - total[place]) / sum(one.tokens for one in samples)
        assert row["drop"] == pytest.approx(expected, rel=1e-3, abs=1e-6)
        assert row["drop_low"] <= row["drop"] <= row["drop_high"]
    random = _parts({"fr": own}, shuffled, 0)["random of same size"]["fr"]
    assert not (random.mask & own.mask).any()
    assert random.mask.sum(axis=1).tolist() == masks["beyond superficial"].sum(axis=1).tolist()
    assert frame.loc[("fr", "random of same size"), "size"] == len(random)
    assert len(frame) == 3 * 4
