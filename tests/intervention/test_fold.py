"""What is folded into the weights against the hooks, in every family; and what does not fold, and why."""

import numpy as np
import pytest
import torch
import xarray as xr
from transformers.utils.quantization_config import GgufConfig

from columns import log_probs
from neuroglot.errors import NeuroglotError
from neuroglot.intervention.fold import fold
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.families import FAMILIES
from neuroglot.neurons import NeuronSet
from tiny import tiny_model

IDS = torch.tensor([[2, 40, 90, 17, 200, 5, 61, 33], [2, 7, 7, 150, 99, 21, 250, 12]])
WITH_BIAS = ("bloom", "gpt2", "gpt_neox", "granite", "llama", "opt")
ATTENTION_BIAS = ("bloom", "gpt2", "gpt_neox", "opt")
PLAIN = ("bloom", "gpt2", "gpt_neox", "opt")
ADDING = ("constant(0.3)", "own_mean", "grand_mean", "percentile(5)", "add(1.5)")


@pytest.fixture(scope="module", params=sorted(FAMILIES))
def model(request):
    return tiny_model(request.param)


def act(model, site, kind, share=0.3):
    shape = (model.layers, model.site(site).width)
    dice = np.random.default_rng(3)
    values = xr.DataArray(
        dice.normal(size=(2, *shape)),
        dims=("language", "layer", "neuron"),
        coords={"language": ["xx", "yy"]},
    )
    return Intervention(NeuronSet(site, dice.random(shape) < share, "xx"), kind, values)


def compare(model, intervention):
    """The folded model does what the hooked one does, the other is as it was, and they differ."""
    before, weights = log_probs(model, IDS), model.fingerprint
    with intervene(model, intervention):
        expected = log_probs(model, IDS)
    folded = fold(model, intervention)
    torch.testing.assert_close(log_probs(folded, IDS), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(log_probs(model, IDS), before)
    del model.fingerprint
    assert model.fingerprint == weights
    assert (expected - before).abs().max() > 0.01
    return folded


@pytest.mark.parametrize("kind", ["zero", "scale(0.5)", "scale(-2)"])
@pytest.mark.parametrize("site", ["mlp", "attn_out", "mlp_gate"])
def test_gains_fold_where_the_projection_reads(model, site, kind):
    compare(model, act(model, site, kind))


@pytest.mark.parametrize("kind", ADDING)
@pytest.mark.parametrize("site", ["mlp", "attn_out"])
def test_what_adds_folds_with_a_bias_and_is_refused_without(model, site, kind):
    if model.model_type in (WITH_BIAS if site == "mlp" else ATTENTION_BIAS):
        compare(model, act(model, site, kind))
        return
    why = f"at '{site}' does not fold .*: it needs a bias on the projection, and a {model.model_type} check"
    with pytest.raises(NeuroglotError, match=why):
        fold(model, act(model, site, kind))


def test_what_adds_after_the_activation_function_folds_in_plain_mlps_alone(model):
    one = act(model, "mlp_gate", "constant(0.3)")
    if model.model_type in PLAIN:
        compare(model, one)
        return
    with pytest.raises(
        NeuroglotError, match="multiplied with the other half of the gated MLP; zero and scale"
    ):
        fold(model, one)


def test_the_other_half_of_the_product(model):
    compare(model, act(model, "mlp_up", "zero"))
    scaled = act(model, "mlp_up", "scale(0.5)")
    if model.model_type in PLAIN:  # there it is what goes into the activation function
        with pytest.raises(NeuroglotError, match="the activation function comes after it"):
            fold(model, scaled)
    else:
        compare(model, scaled)
    with pytest.raises(NeuroglotError, match="at 'mlp_up' does not fold into the weights"):
        fold(model, act(model, "mlp_up", "constant(1)"))


def test_before_the_activation_function_zero_alone_folds(model):
    compare(model, act(model, "mlp_gate_pre", "zero"))
    for kind in ("scale(0.5)", "constant(0.3)", "own_mean"):
        with pytest.raises(
            NeuroglotError, match="only zero passes that unchanged; every kind folds at 'mlp'"
        ):
            fold(model, act(model, "mlp_gate_pre", kind))


def test_an_activation_function_that_makes_something_of_nothing(monkeypatch):
    model = tiny_model("llama")
    for layer in range(model.layers):
        monkeypatch.setattr(model.site("mlp_gate").module(layer), "forward", torch.sigmoid)
    with pytest.raises(NeuroglotError, match="the activation function comes after it"):
        fold(model, act(model, "mlp_gate_pre", "zero"))


def test_sites_that_are_read_by_several_projections_are_refused(model):
    for site in set(model.sites) - {"mlp", "mlp_gate", "mlp_gate_pre", "mlp_up", "attn_out"}:
        why = (
            f"at '{site}' does not fold into the weights: its neurons do not go straight into one projection"
        )
        with pytest.raises(NeuroglotError, match=why):
            fold(model, act(model, site, "zero"))


@pytest.mark.parametrize("family", ["llama", "granite"])
def test_biases_are_given_where_the_configuration_has_a_word_for_them(family):
    model = tiny_model(family, mlp_bias=False)
    folded = compare(model, act(model, "mlp", "own_mean"))
    assert folded.network.config.mlp_bias and not model.network.config.mlp_bias
    assert not folded.network.model.layers[0].mlp.gate_proj.bias.any()
    scaled = fold(model, act(model, "mlp", "scale(0.5)"))
    assert not scaled.network.config.mlp_bias, "none is given that nobody needs"


def test_the_copy_folds_again():
    model = tiny_model("gpt2")
    first, second = act(model, "mlp", "scale(0.5)"), act(model, "mlp", "constant(1)", share=0.1)
    with intervene(model, first), intervene(model, second):
        expected = log_probs(model, IDS)
    # The later of two acts on what the earlier has left: folding it first puts it nearer to the projection.
    found = log_probs(fold(fold(model, second), first), IDS)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_tied_weights_stay_tied():
    model = tiny_model("gemma3_text")
    assert model.network.lm_head.weight is model.network.model.embed_tokens.weight
    folded = fold(model, act(model, "mlp", "zero")).network
    assert folded.lm_head.weight is folded.model.embed_tokens.weight


def test_the_empty_set_changes_no_bit():
    model = tiny_model("gpt2")
    for kind in ("zero", "constant(1)"):
        assert fold(model, act(model, "mlp", kind, share=0)).fingerprint == model.fingerprint


def test_biases_are_rounded_once():
    model = tiny_model("gpt2")
    model.network.to(torch.bfloat16)
    one = act(model, "mlp", "constant(0.3)")
    folded, chosen = fold(model, one), one.neurons.mask[0].copy()
    exact = model.down_weight(0)[:, chosen].double().sum(1) * float(np.float32(0.3))
    expected = (model.down_projection(0).bias.double() + exact).to(torch.bfloat16)
    assert torch.equal(folded.down_projection(0).bias, expected)


def test_a_set_for_another_model_is_refused():
    model = tiny_model("gemma3_text")
    with pytest.raises(NeuroglotError, match="made for another model or site"):
        fold(model, Intervention(NeuronSet.of("mlp", (3, 49), [])))


def test_quantised_weights():
    model = tiny_model("llama")
    model.network.config.quantization_config = {"quant_method": "gptq"}
    with pytest.raises(NeuroglotError, match=r"the weights are quantised \(gptq\)"):
        fold(model, act(model, "mlp", "zero"))
    model.network.config.quantization_config = GgufConfig()
    assert not hasattr(fold(model, act(model, "mlp", "zero")).network.config, "quantization_config")
    assert hasattr(model.network.config, "quantization_config")
