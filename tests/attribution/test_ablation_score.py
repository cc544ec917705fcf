"""Ablation against a hook and a forward each, with any objective."""

import numpy as np
import pytest
import torch

from neuroglot.attribution.ablation_score import Ablation, ablation
from neuroglot.attribution.exact import ablate_everywhere
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.objective import OBJECTIVES


def value_of(model, batch, objective="logprob"):
    return lambda hidden: OBJECTIVES[objective](hidden, batch, model.head)


@pytest.mark.parametrize("objective", ["logprob", "gold_logit"])
@pytest.mark.parametrize(("family", "site"), [("gemma3_text", "mlp"), ("gpt2", "mlp_gate"), ("opt", "resid")])
def test_equals_a_hook_and_a_forward_each(family, site, objective, samples, model_of, monkeypatch):
    monkeypatch.setattr("neuroglot.attribution.ablation_score.default_budget", lambda _: 200)  # uneven chunks
    model, batch = model_of(family), Batch.of(samples)
    value = value_of(model, batch, objective)
    found = ablation(model, batch, value, [site], [0, 2], Ablation()).samples[site]
    largest = max(scores.abs().max() for scores in found.values())
    with torch.no_grad():
        base = value(model.body(batch.ids))[0]
        for layer in (0, 2):
            assert found[layer].shape == (5, model.site(site).width)
            for neuron in (0, 1, 17, model.site(site).width - 1):

                def off(activation, neuron=neuron):
                    changed = activation.clone()
                    changed[..., neuron] = 0
                    return changed

                with model.site(site).visit({layer: off}):
                    expected = base - value(model.body(batch.ids))[0]
                assert (found[layer][:, neuron] - expected).abs().max() <= 1e-5 * largest


def test_is_what_ablate_everywhere_gives_a_sample_at_a_time(samples, model_of):
    model, batch = model_of("llama"), Batch.of(samples)
    found = ablation(model, batch, value_of(model, batch), ["mlp"], [1], Ablation()).samples["mlp"][1]
    neurons = np.array([[1, 5], [1, 40]])
    for row, sample in enumerate(samples):
        expected = ablate_everywhere(model, sample, neurons).float()
        torch.testing.assert_close(found[row, [5, 40]], expected, rtol=1e-4, atol=1e-6)


def test_sampled_neurons_are_the_same_for_every_sample_and_the_rest_are_nan(samples, model_of):
    model, batch, alone = model_of("gemma3_text"), Batch.of(samples), Batch.of([samples[2]])
    full = ablation(model, batch, value_of(model, batch), ["mlp"], [0, 1], Ablation()).samples["mlp"]
    some = ablation(model, batch, value_of(model, batch), ["mlp"], [0, 1], Ablation(7)).samples["mlp"]
    one = ablation(model, alone, value_of(model, alone), ["mlp"], [1], Ablation(7)).samples["mlp"]
    chosen = {layer: ~some[layer].isnan() for layer in (0, 1)}
    for layer, mask in chosen.items():
        assert mask.sum(dim=1).tolist() == [7] * 5
        assert (mask == mask[0]).all()
        torch.testing.assert_close(some[layer][mask], full[layer][mask])
    assert (chosen[0] != chosen[1]).any()
    torch.testing.assert_close(one[1][0], some[1][2], equal_nan=True)
    other = ablation(model, batch, value_of(model, batch), ["mlp"], [1], Ablation(7, seed=1)).samples["mlp"]
    assert (other[1].isnan() == chosen[1]).any()


def test_bad_options_are_named(samples, gemma):
    with pytest.raises(NeuroglotError, match="cannot take -1 neurons"):
        Ablation(-1)
    batch = Batch.of(samples)
    with pytest.raises(NeuroglotError, match="ablation of 49 neurons a layer: site 'mlp' has 48"):
        ablation(gemma, batch, value_of(gemma, batch), ["mlp"], [0], Ablation(49))
