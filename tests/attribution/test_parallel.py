"""PLND's parallel scores against a loop: one dimension put to zero, the softmax taken again."""

import pytest
import torch

from neuroglot.attribution.parallel import ATTENTION, parallel
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from tiny import tiny_model

WINDOW = 8
"""The tiny models' sliding window: the longest sample has ten positions."""


def projected(model, layer, sample):
    """The block's own projections, normed where the family does, as [head, position, dim], by its modules."""
    attention = model.network.model.layers[layer].self_attn
    kept = {}
    handles = [
        getattr(attention, name).register_forward_hook(
            lambda _m, _a, output, name=name: kept.update({name: output[0].detach()})
        )
        for name in ("q_proj", "k_proj", "v_proj")
    ]

    def before(_module, _args, kwargs):
        kept["rotation"] = kwargs["position_embeddings"]

    handles.append(attention.register_forward_pre_hook(before, with_kwargs=True))
    with torch.no_grad():
        model.body(torch.tensor([sample.ids]))
    for handle in handles:
        handle.remove()
    q, k, v = (kept[name].unflatten(1, (-1, 8)).transpose(0, 1) for name in ("q_proj", "k_proj", "v_proj"))
    if hasattr(attention, "q_norm"):
        with torch.no_grad():
            q, k = attention.q_norm(q), attention.k_norm(k)
    cos, sin = (part[0] for part in kept["rotation"])

    def rotated(x):
        half = torch.cat([-x[..., 4:], x[..., :4]], dim=-1)
        return x * cos + half * sin

    return rotated(q), rotated(k), v, attention


def naive(model, layer, sample):
    q, k, v, attention = projected(model, layer, sample)
    length = len(sample.ids)
    sliding = WINDOW if model.model_type == "mistral" else getattr(attention, "sliding_window", None)
    mask = torch.full((length, length), -torch.inf, dtype=q.dtype)
    for t in range(length):
        for s in range(t + 1):
            if sliding is None or t - s < WINDOW:
                mask[t, s] = 0
    scores = {
        "attn_q": torch.zeros(length, 4, 8, dtype=q.dtype),
        "attn_k": torch.zeros(length, 2, 8, dtype=q.dtype),
        "attn_v": torch.zeros(length, 2, 8, dtype=q.dtype),
    }
    out = attention.o_proj.weight
    for head in range(4):
        group = head // 2
        pattern = (q[head] @ k[group].T * 8**-0.5 + mask).softmax(-1)
        for d in range(8):
            without = q[head].clone()
            without[:, d] = 0
            changed = (without @ k[group].T * 8**-0.5 + mask).softmax(-1)
            norm = (changed - pattern).norm(dim=-1)
            scores["attn_q"][:, head, d] = norm
            scores["attn_k"][:, group, d] += norm
            scores["attn_v"][:, group, d] += (pattern @ v[group, :, d]).abs() * out[:, head * 8 + d].norm()
    return {site: tokens.flatten(1) for site, tokens in scores.items()}


@pytest.mark.parametrize("room", [2**22, 300])
@pytest.mark.parametrize("family", ["llama", "gemma3_text", "mistral", "qwen3"])
def test_attention_equals_the_softmax_taken_again(family, room, samples, model_of, monkeypatch):
    monkeypatch.setattr("neuroglot.attribution.parallel.ROOM", room)
    model, batch = model_of(family), Batch.of(samples)
    found = parallel(model, batch, None, ATTENTION, [0, 2], None)
    for layer in (0, 2):
        for row, sample in enumerate(samples):
            for site, expected in naive(model, layer, sample).items():
                error = found.tokens[site][layer][row, : len(sample.ids)] - expected
                assert error.abs().max() <= 1e-6 * expected.abs().max(), (site, layer, row)
                assert found.tokens[site][layer].shape[2] == model.site(site).width


def test_the_window_of_the_tiny_models_matters(samples, model_of):
    """Else the test above would not notice a mask that is left out."""
    model = model_of("mistral")
    assert len(samples[2].ids) > WINDOW
    wide = tiny_model("mistral", sliding_window=None)
    wide.network.double()
    batch = Batch.of([samples[2]])
    a, b = (parallel(one, batch, None, ["attn_q"], [0], None).tokens["attn_q"][0] for one in (model, wide))
    assert torch.equal(a[:, :WINDOW], b[:, :WINDOW])
    assert (a - b).abs().max() > 1e-3 * b.abs().max()


@pytest.mark.parametrize("family", ["gpt2", "bloom", "gemma3_text", "opt", "phi3", "gemma2"])
def test_mlp_is_the_change_of_the_down_projections_output(family, samples, model_of):
    model, batch = model_of(family), Batch.of(samples)
    found = parallel(model, batch, None, ["mlp"], [1], None).tokens["mlp"][1]
    site = model.site("mlp")
    outputs = []

    def off(neuron):
        def change(activation):
            changed = activation.clone()
            changed[..., neuron] = 0
            return changed

        return change

    handle = model.down_projection(1).register_forward_hook(
        lambda _m, _a, output: outputs.append(output.detach().view(*batch.ids.shape, -1))
    )
    with torch.no_grad():
        model.body(batch.ids)
        for neuron in (0, 7, 47):
            with site.visit({1: off(neuron)}):
                model.body(batch.ids)
    handle.remove()
    for neuron, output in zip((0, 7, 47), outputs[1:], strict=True):
        torch.testing.assert_close(found[..., neuron], (output - outputs[0]).norm(dim=-1))


@pytest.mark.parametrize("family", ["gpt2", "opt", "phi3"])
def test_values_of_other_layouts_add_up_to_what_attention_writes(family, samples, model_of):
    """Without groups the score of v is the change of the output projection's output, measured by ablation."""
    model = model_of(family) if family != "phi3" else tiny_model("phi3", num_key_value_heads=4)
    model.network.double()
    batch = Batch.of(samples)
    found = parallel(model, batch, None, ATTENTION, [1], None)
    outputs = []
    handle = (
        model.site("attn_out")
        .module(1)
        .register_forward_hook(
            lambda _m, _a, output: outputs.append(output.detach().view(*batch.ids.shape, -1))
        )
    )

    def off(activation):
        changed = activation.clone()
        changed[..., 13] = 0
        return changed

    with torch.no_grad():
        model.body(batch.ids)
        with model.site("attn_v").visit({1: off}):
            model.body(batch.ids)
    handle.remove()
    torch.testing.assert_close(
        found.tokens["attn_v"][1][..., 13], (outputs[1] - outputs[0]).norm(dim=-1), rtol=1e-5, atol=1e-8
    )
    assert torch.equal(found.tokens["attn_q"][1], found.tokens["attn_k"][1])


def test_what_cannot_be_seen_is_said(samples):
    batch = Batch.of(samples)
    with pytest.raises(NeuroglotError, match="not at 'resid'"):
        parallel(tiny_model("llama"), batch, None, ["mlp", "resid"], [0], None)
    eager = tiny_model("llama", attn_implementation="eager")
    with pytest.raises(NeuroglotError, match="does not pass through scaled_dot_product_attention"):
        parallel(eager, batch, None, ["attn_q"], [0], None)
    assert parallel(eager, batch, None, ["mlp"], [0], None).tokens["mlp"][0].isfinite().all()


def test_leaves_the_model_as_it_was(samples, gemma):
    batch = Batch.of(samples)
    before = gemma.body(batch.ids)
    parallel(gemma, batch, None, ("mlp", *ATTENTION), [0, 1, 2], None)
    assert torch.equal(gemma.body(batch.ids), before)
