"""The sites of attention: what the projections give, where heads lie, and neurons at zero in the weights."""

from contextlib import ExitStack, contextmanager
from functools import partial

import numpy as np
import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import Heads
from neuroglot.neurons import NeuronSet
from tiny import CONFIGURATIONS, tiny_model

IDS = torch.randint(3, 250, (2, 9), generator=torch.Generator().manual_seed(0))
PROJECTED = ("attn_q", "attn_k", "attn_v")
INTERLEAVED = ("bloom", "gpt_neox")
FUSED = {"gpt2": "attn.c_attn", "phi3": "self_attn.qkv_proj"}
SEPARABLE = sorted(CONFIGURATIONS.keys() - set(INTERLEAVED))


def read(model, names, ids=IDS):
    seen = {}
    with ExitStack() as stack:
        for name in names:
            visitors = {
                layer: lambda a, place=(name, layer): seen.__setitem__(place, a.clone())
                for layer in range(model.layers)
            }
            stack.enter_context(model.site(name).visit(visitors))
        with torch.no_grad():
            model.body(ids)
    return seen


def rows_of(model, site, layer):
    """The rows of weight and bias that make a site: views, as [neuron, hidden] and [neuron] (or None).

    Written out for each layout, not read from the table.
    """
    block, heads = model.site("resid").blocks[layer], model.heads
    wide, narrow = heads.query * heads.dim, heads.key_value * heads.dim
    if model.model_type in FUSED:
        module = block.get_submodule(FUSED[model.model_type])
        first = {"attn_q": 0, "attn_k": wide, "attn_v": wide + narrow}[site]
        part = slice(first, first + (wide if site == "attn_q" else narrow))
    else:
        module, part = getattr(block.self_attn, f"{site[-1]}_proj"), slice(None)
    weight = module.weight.T if model.model_type == "gpt2" else module.weight
    return weight[part], None if module.bias is None else module.bias[part]


@contextmanager
def zeroed(*views):
    kept = [view.clone() for view in views]
    try:
        for view in views:
            view.zero_()
        yield
    finally:
        for view, values in zip(views, kept, strict=True):
            view.copy_(values)


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_which_families_have_them(family):
    model = tiny_model(family)
    assert "attn_out" in model.sites
    for site in PROJECTED:
        if family in INTERLEAVED:
            with pytest.raises(NeuroglotError, match=f"unknown site {site!r}.*attn_out"):
                model.site(site)
        else:
            assert model.site(site).name == site


@pytest.mark.parametrize(
    ("family", "heads"),
    [
        ("llama", Heads(4, 2, 8)),
        ("gemma3", Heads(4, 2, 8)),
        ("phi3", Heads(4, 2, 8)),
        ("gpt2", Heads(4, 4, 8)),
        ("opt", Heads(4, 4, 8)),
        ("bloom", Heads(4, 4, 8)),
        ("gpt_neox", Heads(4, 4, 8)),
    ],
)
def test_heads_and_widths(family, heads):
    model = tiny_model(family)
    assert model.heads == heads
    widths = model.signature["width"]
    assert widths["attn_out"] == heads.query * heads.dim
    if family not in INTERLEAVED:
        expected = [heads.query * heads.dim, heads.key_value * heads.dim, heads.key_value * heads.dim]
        assert [widths[site] for site in PROJECTED] == expected


def test_heads_wider_than_the_hidden_state():
    # Gemma's are: 4 × 16 neurons ask about 32 coordinates.
    model = tiny_model("gemma3_text", head_dim=16, query_pre_attn_scalar=16)
    assert model.heads == Heads(4, 2, 16)
    assert [model.site(site).width for site in (*PROJECTED, "attn_out")] == [64, 32, 32, 64]
    seen = read(model, (*PROJECTED, "attn_out"))
    assert {place[0]: a.shape[-1] for place, a in seen.items()} == {
        "attn_q": 64,
        "attn_k": 32,
        "attn_v": 32,
        "attn_out": 64,
    }


@pytest.mark.parametrize("family", SEPARABLE)
def test_they_are_the_projections_of_what_enters_attention(family):
    model, entered = tiny_model(family), {}
    handles = []
    for layer, block in enumerate(model.site("resid").blocks):
        attention = getattr(block, "self_attn", None) or block.attn

        def keep(_module, args, kwargs, layer=layer):
            entered[layer] = args[0] if args else kwargs["hidden_states"]

        handles.append(attention.register_forward_pre_hook(keep, with_kwargs=True))
    seen = read(model, PROJECTED)
    for handle in handles:
        handle.remove()
    assert len(seen) == 3 * model.layers
    for (site, layer), found in seen.items():
        weight, bias = rows_of(model, site, layer)
        torch.testing.assert_close(found, torch.nn.functional.linear(entered[layer], weight, bias))


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_the_output_projection_s_weight_has_a_column_a_neuron(family):
    model, outputs = tiny_model(family), {}
    handles = [
        model.site("attn_out")
        .module(layer)
        .register_forward_hook(
            lambda _module, _inputs, output, layer=layer: outputs.__setitem__(layer, output)
        )
        for layer in range(model.layers)
    ]
    seen = read(model, ["attn_out"])
    for handle in handles:
        handle.remove()
    for layer, output in outputs.items():
        weight = model.output_projection_weight(layer)
        assert weight.shape == (model.hidden_size, model.site("attn_out").width)
        bias = model.site("attn_out").module(layer).bias
        again = torch.nn.functional.linear(seen["attn_out", layer], weight, bias)
        torch.testing.assert_close(again, output)


@pytest.mark.parametrize("family", SEPARABLE)
def test_the_first_token_s_heads_write_its_own_values(family):
    # It has nothing else to look at: head h writes what its group's values are.
    model = tiny_model(family)
    heads, seen = model.heads, read(model, ["attn_v", "attn_out"])
    for layer in range(model.layers):
        values = seen["attn_v", layer][:, 0].unflatten(-1, (heads.key_value, heads.dim))
        written = seen["attn_out", layer][:, 0].unflatten(-1, (heads.query, heads.dim))
        shared = values.repeat_interleave(heads.query // heads.key_value, dim=1)
        torch.testing.assert_close(written, shared)


@pytest.mark.parametrize("site", [*PROJECTED, "attn_out"])
@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_neurons_at_zero_are_weights_at_zero(family, site):
    if family in INTERLEAVED and site != "attn_out":
        pytest.skip("the family has no such site")
    model = tiny_model(family)
    mask = np.random.default_rng(0).random((model.layers, model.site(site).width)) < 0.3
    mask[1] = False
    views = []
    for layer, neuron in np.argwhere(mask):
        if site == "attn_out":
            views.append(model.output_projection_weight(layer)[:, neuron])
        else:
            weight, bias = rows_of(model, site, layer)
            views += [weight[neuron], *([] if bias is None else [bias[neuron]])]
    with torch.no_grad():
        before = model.body(IDS)
        with zeroed(*views):
            expected = model.body(IDS)
        with intervene(model, Intervention(NeuronSet(site, mask))):
            found = model.body(IDS)
        assert (expected - before).abs().max() > 1e-2
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        assert torch.equal(model.body(IDS), before)
    (proof,) = prove(model, [Intervention(NeuronSet(site, mask))])
    assert (proof.hooks, proof.inert) == (2, "")


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_autograd_at_every_one_is_the_finite_difference(family):
    model = tiny_model(family)
    dice = torch.Generator().manual_seed(2)
    weights = torch.randn(2, 9, model.hidden_size, generator=dice)
    for site in [name for name in model.sites if name.startswith("attn")]:
        leaves = []

        def begin(activation, leaves=leaves):
            leaves.append(activation.detach().requires_grad_())
            return leaves[0]

        with model.site(site).visit({1: begin}):
            (model.body(IDS) * weights).sum().backward()
        slope = leaves[0].grad
        # Along the gradient s moves most; a random factor makes it a direction no wrong gradient would hit.
        step = slope * (0.5 + torch.rand(slope.shape, generator=dice))
        step *= 0.01 / step.norm()
        moved = []
        for shift in (step, -step):
            with torch.no_grad(), model.site(site).visit({1: partial(torch.add, shift)}):
                moved.append((model.body(IDS) * weights).double().sum().item())
        assert (moved[0] - moved[1]) / 2 == pytest.approx((slope * step).sum().item(), rel=2e-2), site
