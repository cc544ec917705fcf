"""Direct effects: total ones in the last layer, a hand-written loop elsewhere, additive over layers."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from columns import columns_zeroed, predictable
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.direct import direct
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention import hooks
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.families import FAMILIES
from neuroglot.model.replay import calling
from neuroglot.neurons import NeuronSet
from neuroglot.text.samples import Sample
from tiny import tiny_model

SAMPLES = [
    Sample("xx", f"d{number}", 0, (2, *range(3 + number, 3 + number + 20 * tokens, 20)), tokens, tokens)
    for number, tokens in enumerate((12, 7, 3))
]


def some(model, layers, site="mlp", kind="zero", seed=0):
    """An intervention on a third of the neurons of some layers."""
    mask = np.random.default_rng(seed).random((model.layers, model.site(site).width)) < 0.3
    mask[[layer for layer in range(model.layers) if layer not in layers]] = False
    return Intervention(NeuronSet(site, mask, "xx"), kind)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_in_the_last_layer_direct_is_total_at_every_site(family):
    model = tiny_model(family)
    last = model.layers - 1
    acts = {site: some(model, [last], site) for site in model.sites}
    acts |= {"constant": some(model, [last], "mlp", "constant(0.5)"), "none": some(model, [])}
    texts = [replace(sample, ids=predictable(model, sample.tokens)) for sample in SAMPLES]
    found, total = direct(model, texts, acts), likelihood(model, texts, acts)
    np.testing.assert_allclose(found["log_prob"], total["log_prob"], atol=2e-4)
    np.testing.assert_array_equal(found["correct"], total["correct"])
    assert 0 < total["correct"].values[:-1].sum() < (len(acts) - 1) * total["correct"].values[-1].sum()
    assert np.abs(total["log_prob"] - total["log_prob"].sel(mask="none")).values[:-1].max(axis=1).min() > 1e-2


def by_hand(model, sample, mask):
    """Gemma 3 or LLaMA, a block at a time: each as it is, and once more without its columns."""
    network = model.network.model
    ids = torch.tensor([sample.ids])
    state = network.embed_tokens(ids)
    positions = torch.arange(ids.shape[1])[None]
    seen = torch.full((ids.shape[1], ids.shape[1]), -torch.inf).triu(1)[None, None]
    changed = 0.0
    for layer, block in enumerate(network.layers):
        kinds = getattr(model.network.config, "layer_types", None)
        rotation = (
            network.rotary_emb(state, positions, kinds[layer])
            if model.model_type == "gemma3_text"
            else network.rotary_emb(state, positions)
        )
        window = seen
        if kinds and kinds[layer] == "sliding_attention":
            far = torch.full_like(seen[0, 0], -torch.inf).tril(-model.network.config.sliding_window)
            window = seen + far
        options = {"attention_mask": window, "position_embeddings": rotation, "position_ids": positions}
        clean = block(state, **options)
        with columns_zeroed(model, mask & (np.arange(model.layers)[:, None] == layer)):
            changed = changed + block(state, **options) - clean
        state = clean
    logits = model.network.lm_head(network.norm(state + changed)).float()
    own = logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])
    return own.sum().item(), int((logits[0, :-1].argmax(-1) == ids[0, 1:]).sum())


@torch.no_grad()
@pytest.mark.parametrize("family", ["gemma3_text", "llama"])
def test_equals_a_hand_written_loop(family):
    model = tiny_model(family)
    acts = {"first": some(model, [0]), "two": some(model, [0, 1]), "all": some(model, [0, 1, 2], seed=1)}
    texts = [replace(sample, ids=predictable(model, sample.tokens)) for sample in SAMPLES]
    found, total = direct(model, texts, acts), likelihood(model, texts, acts)
    for name, act in acts.items():
        expected = [by_hand(model, sample, act.neurons.mask) for sample in texts]
        np.testing.assert_allclose(found["log_prob"].sel(mask=name), [p for p, _ in expected], atol=2e-4)
        assert found["correct"].sel(mask=name).values.tolist() == [right for _, right in expected]
    assert np.abs(found["log_prob"] - total["log_prob"]).values.min() > 1e-2, "later blocks do answer"


@torch.no_grad()
@pytest.mark.parametrize("family", ["gpt2", "bloom", "opt", "gemma3_text"])
def test_changes_add_up_in_the_residual_stream(family):
    """What two layers change together is what each changes alone: neither reads the other."""
    model = tiny_model(family)
    ids = torch.tensor([SAMPLES[0].ids, SAMPLES[0].ids])
    with calling(model, [0, 1]) as calls:
        model.body(ids)
    assert torch.equal(calls[0].again(), calls[0].leaving), "nothing is on"
    changes = {}
    for layers in ((0,), (1,), (0, 1)):
        with intervene(model, some(model, layers)):
            changes[layers] = [calls[layer].again() - calls[layer].leaving for layer in (0, 1)]
            model.network(input_ids=ids)  # `intervene` expects every hook to fire
    for layer in (0, 1):
        assert torch.equal(changes[0, 1][layer], changes[layer,][layer])
        assert changes[0, 1][layer].abs().max() > 1e-3
        assert not changes[1 - layer,][layer].any()


def test_does_not_depend_on_the_batches_and_reads_each_once(gemma, monkeypatch):
    acts = {"none": some(gemma, []), "low": some(gemma, [0]), "high": some(gemma, [1, 2], seed=1)}
    ran = []
    for layer, block in enumerate(gemma.site("resid").blocks):

        def counted(*args, layer=layer, own=block.forward, **kwargs):
            ran.append(layer)
            return own(*args, **kwargs)

        monkeypatch.setattr(block, "forward", counted)
    done = []
    whole = direct(gemma, SAMPLES, acts, token_budget=4096, advance=done.append)
    proof = 3 * [0, 1, 2]
    assert sorted(ran) == sorted([*proof, 0, 1, 2, 0, 1, 2]), "a clean pass, and each touched block once more"
    assert sum(done) == 3 * sum(sample.tokens for sample in SAMPLES)
    apart = direct(gemma, SAMPLES, acts, token_budget=1)
    np.testing.assert_allclose(apart["log_prob"], whole["log_prob"], atol=1e-4)


def test_is_laid_out_as_the_total_effect_and_leaves_the_model_as_it_was(gemma):
    acts = {"none": some(gemma, []), "low": some(gemma, [0])}
    before = likelihood(gemma, SAMPLES, acts)
    found = direct(gemma, SAMPLES, acts)
    assert {name: one.dims for name, one in found.variables.items()} == {
        name: one.dims for name, one in before.variables.items()
    }
    for name in ("moved", "inert", "language", "document", "tokens", "trials", "mask"):
        assert found[name].values.tolist() == before[name].values.tolist()
    xr.testing.assert_identical(likelihood(gemma, SAMPLES, acts), before)


def test_refuses_what_it_cannot_prove(gemma, monkeypatch):
    monkeypatch.setattr(hooks._LayerPatch, "__call__", lambda self, applied, activation: activation)
    with pytest.raises(NeuroglotError, match="is not the patch"):
        direct(gemma, SAMPLES, {"one": some(gemma, [0])})


def test_no_calls_of_a_layer_that_does_not_exist(gemma):
    with pytest.raises(NeuroglotError, match=r"layers \[3\] do not exist"), calling(gemma, [3]):
        pass
