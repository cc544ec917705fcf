from functools import partial

import pytest
import torch

from neuroglot.model.families import FAMILIES
from tiny import CONFIGURATIONS, tiny_model

IDS = torch.arange(10).view(2, 5) + 3


def read(model, site: str) -> list[torch.Tensor]:
    seen: dict[int, torch.Tensor] = {}

    def keep(layer, activation):
        seen[layer] = activation.clone()

    with model.site(site).visit({layer: partial(keep, layer) for layer in range(model.layers)}):
        model.body(IDS)
    return [seen[layer] for layer in range(model.layers)]


def hooks(model) -> int:
    return sum(
        len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.network.modules()
    )


@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_a_visitor_sees_batch_token_neuron(family):
    model = tiny_model(family)
    for name, site in model.sites.items():
        assert {tuple(tensor.shape) for tensor in read(model, name)} == {(2, 5, site.width)}


@pytest.mark.parametrize("family", CONFIGURATIONS)
@pytest.mark.parametrize(
    "site", ["mlp", "mlp_gate", "mlp_gate_pre", "mlp_up", "resid_pre", "resid", "attn_out"]
)
def test_what_a_visitor_returns_goes_on_and_nothing_lasts(family, site):
    model = tiny_model(family)
    before = model.body(IDS)
    with model.site(site).visit({1: lambda activation: None}):
        assert torch.equal(model.body(IDS), before)
    with model.site(site).visit({1: lambda activation: activation.clone()}):
        torch.testing.assert_close(model.body(IDS), before)
    with model.site(site).visit({1: lambda activation: activation.roll(1, dims=-1)}):
        assert not torch.allclose(model.body(IDS), before, atol=1e-2)
    assert torch.equal(model.body(IDS), before)
    assert hooks(model) == 0


def test_the_second_half_of_a_fused_projection():
    model = tiny_model("phi3")
    hidden = []
    mlp = model.site("mlp").blocks[0].mlp
    handle = mlp.register_forward_pre_hook(lambda _module, inputs: hidden.append(inputs[0]))
    gate, up = read(model, "mlp_gate_pre")[0], read(model, "mlp_up")[0]
    handle.remove()
    weight = mlp.gate_up_proj.weight
    torch.testing.assert_close(gate, hidden[0] @ weight[:48].T)
    torch.testing.assert_close(up, hidden[0] @ weight[48:].T)


def test_opt_rows_do_not_mix():
    # OPT hands its MLP [batch × token, neuron]: row 1 must come back as row 1.
    model = tiny_model("opt")
    before = model.body(IDS)

    def silence_row(activation):
        activation = activation.clone()
        activation[1] = 0
        return activation

    with model.site("mlp").visit({0: silence_row}):
        after = model.body(IDS)
    assert torch.equal(after[0], before[0])
    assert not torch.allclose(after[1], before[1], atol=1e-3)


@pytest.mark.parametrize("site", FAMILIES["llama"].taps)
def test_an_exception_removes_the_hooks(site):
    model = tiny_model("llama")

    def stumble(activation):
        raise RuntimeError("stumbled")

    with pytest.raises(RuntimeError, match="stumbled"), model.site(site).visit({0: stumble, 2: stumble}):
        model.body(IDS)
    assert hooks(model) == 0


def test_a_layer_that_cannot_be_hooked_leaves_no_other_hooked():
    model = tiny_model("llama")
    with pytest.raises(IndexError), model.site("mlp").visit({0: lambda a: None, 7: lambda a: None}):
        pass
    assert hooks(model) == 0


def test_contexts_nest_inner_after_outer():
    model = tiny_model("llama")
    with (
        model.site("mlp").visit({0: lambda activation: torch.full_like(activation, 3.0)}),
        model.site("mlp").visit({0: lambda activation: activation + 1}),
    ):
        assert (read(model, "mlp")[0] == 4.0).all()
