"""Every sweep through the engine: registered, labelled, and a matter of the sample, not of its batch."""

import json

import numpy as np
import pytest

from neuroglot.attribution.engine import score_samples
from neuroglot.attribution.scores import SCORES
from neuroglot.statistics.quantity import Quantity
from tiny import tiny_model

OPTIONS = {
    "ablation": {"neurons": 5},
    "conductance": {"steps": 4},
    "integrated_gradients": {"steps": 4},
    "jacobian": {"probes": 2, "of": "logits"},
    "smoothgrad": {"copies": 2},
}
SITES = {"parallel": ("mlp", "attn_q", "attn_k", "attn_v")}
SWEEPS = [name for name, score in SCORES.items() if score.sweep is not None]


def quantities(name):
    score, options = SCORES[name], OPTIONS.get(name, {})
    return [
        Quantity(
            site,
            name,
            reduction,
            score.length(score.configured(options, name)),
            "logprob" if score.gradient else "",
            json.dumps(options) if options else "",
        )
        for site in SITES.get(name, ("mlp", "resid"))
        for reduction in (("sum",) if score.whole else ("sum", "max"))
    ]


def test_all_of_them_are_here():
    assert {
        "ablation",
        "conductance",
        "integrated_gradients",
        "jacobian",
        "parallel",
        "random",
        "smoothgrad",
    } <= set(SWEEPS)


@pytest.mark.parametrize("name", SWEEPS)
def test_scores_do_not_depend_on_the_batch(name, samples):
    model, wanted = tiny_model("gemma3_text"), quantities(name)
    alone, together = (score_samples(model, samples, wanted, token_budget=budget) for budget in (1, 10_000))
    for quantity in wanted:
        one, other = (
            tree[quantity.site].dataset[quantity.variable].to_numpy().astype(float)
            for tree in (alone, together)
        )
        assert one.shape == (len(samples), model.layers, model.site(quantity.site).width)
        assert (np.isnan(one) == np.isnan(other)).all()
        if name != "ablation":
            assert np.isfinite(one).all()
        largest = np.nanmax(np.abs(one))
        assert largest > 0
        assert np.nanmax(np.abs(one - other)) <= 2e-4 * largest, quantity
