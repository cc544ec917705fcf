"""Relevance rules against formulas written out here, a whole Llama written out here, and conservation."""

import _thread
import threading
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from types import MethodType

import numpy as np
import pytest
import torch
from accelerate import dispatch_model
from torch import nn
from torch.nn.functional import layer_norm, linear, scaled_dot_product_attention, silu, softmax
from transformers.activations import ACT2FN
from transformers.models.gemma2 import modeling_gemma2
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from neuroglot.errors import NeuroglotError
from neuroglot.model.checkpointing import checkpointed
from neuroglot.model.relevance import conservation, relevance
from neuroglot.model.relevance_rules import RULES, Rules, scaled, secant
from neuroglot.model.suffix import entering, from_layer
from tiny import CONFIGURATIONS, tiny_model

IDS = torch.randint(3, 250, (2, 12), generator=torch.Generator().manual_seed(0))
"""Longer than the sliding window of the families that have one."""

VARIANTS = {
    "bloom, residual after the norm": ("bloom", {"apply_residual_connection_post_layernorm": True}),
    "cohere, norm of q and k": ("cohere", {"use_qk_norm": True}),
    "gemma2, hard softcap": ("gemma2", {"final_logit_softcapping": None, "attn_logit_softcapping": 1.0}),
    "gpt2, other order of products": ("gpt2", {"reorder_and_upcast_attn": True}),
    "gpt_neox, sequential": ("gpt_neox", {"use_parallel_residual": False}),
    "opt, norm after the block": ("opt", {"do_layer_norm_before": False}),
    "opt, narrow embeddings": ("opt", {"word_embed_proj_dim": 16}),
} | {
    # Without its last cap, whose plain gradient does not give the logit back.
    family: (family, {"final_logit_softcapping": None} if family == "gemma2" else {})
    for family in CONFIGURATIONS
}
SITES = ("resid_pre", "mlp_gate_pre", "mlp_up", "mlp_gate", "mlp", "resid")


def unbiased(variant, attention=None):
    family, overrides = VARIANTS[variant]
    model = tiny_model(family, seed=1, **overrides)
    if attention:
        model.network.set_attn_implementation(attention)
    with torch.no_grad():
        for name, weight in model.network.named_parameters():
            if name.endswith("bias"):
                weight.zero_()
    return model


def gold_logits(model, hidden, ids=IDS):
    """Σ gold logits, of a head without a cap, by autograd and in the model's own precision."""
    head = model.head
    logits = linear(hidden[:, :-1], head.weight, head.bias) * head.scale
    return logits.gather(-1, ids[:, 1:, None]).sum()


@contextmanager
def keeping(model, sites):
    """(site, layer) → the tensor of a forward pass inside; the lowest of them begins the graph."""
    seen = {}

    def keep(place, activation):
        # A part of a tensor, or a view of one, is in the graph only if it goes on.
        seen[place] = activation if activation.requires_grad else activation.detach().requires_grad_()
        return seen[place]

    with ExitStack() as stack:
        for site in sites:
            visitors = {layer: partial(keep, (site, layer)) for layer in range(model.layers)}
            stack.enter_context(model.site(site).visit(visitors))
        yield seen


def read(model, sites, ids=IDS):
    """s = Σ gold logits, and (tensor, gradient) of every site and layer, by plain autograd."""
    with keeping(model, sites) as seen:
        s = gold_logits(model, model.body(ids), ids)
    slopes = torch.autograd.grad(s, list(seen.values()))
    return s.item(), {
        place: (tensor.detach(), slope) for (place, tensor), slope in zip(seen.items(), slopes, strict=True)
    }


def slopes_of(model, sites=SITES):
    return {place: slope for place, (_, slope) in read(model, sites)[1].items()}


def same(found, expected):
    return found.keys() == expected.keys() and all(torch.equal(found[key], expected[key]) for key in found)


def untouched(model):
    modules = list(model.network.modules())
    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)
    return hooks == 0 and not any("forward" in vars(module) for module in modules)


# Whole models.


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_cp_conserves_in_every_layer_and_attnlrp_leaks(variant, attention):
    if attention == "sdpa" and VARIANTS[variant][0] in ("bloom", "gemma2"):
        pytest.skip("the family has only eager attention")
    model = unbiased(variant, attention)
    found = {}
    for rules in ("cp", "attnlrp", "plain"):
        with nullcontext() if rules == "plain" else relevance(model, rules):
            s, tensors = read(model, ["resid_pre"])
        found[rules] = [float((a * g).double().sum()) / s for a, g in tensors.values()]
    worst = {rules: max(abs(ratio - 1) for ratio in ratios) for rules, ratios in found.items()}
    said = f"{variant}, {attention}: s = {s:.4f}; worst layer off by " + ", ".join(
        f"{rules} {error:.1e}" for rules, error in worst.items()
    )
    print(said)  # noqa: T201 (`pytest -rP` shows it)
    assert worst["cp"] < 1e-4, said
    assert worst["attnlrp"] > 1e-2, said
    assert worst["plain"] > 1e-2, said
    assert conservation(model, IDS) == pytest.approx(found["cp"], abs=1e-5)
    assert conservation(model, IDS, "attnlrp") == pytest.approx(found["attnlrp"], abs=1e-4)


@pytest.mark.parametrize("family", sorted(CONFIGURATIONS.keys() - {"gpt2", "opt"}))
def test_cp_conserves_down_to_the_word_embeddings(family):
    # Gemma scales them, Granite too, BLOOM has a norm behind them. GPT-2 and OPT add positions.
    model, leaves = unbiased(family), []

    def begin(_module, _inputs, output):
        leaves.append(output.detach().requires_grad_())
        return leaves[0]

    handle = model.network.get_input_embeddings().register_forward_hook(begin)
    with relevance(model, "cp"):
        s = gold_logits(model, model.body(IDS))
    handle.remove()
    (slope,) = torch.autograd.grad(s, leaves)
    assert float((leaves[0] * slope).sum().detach() / s.detach()) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_the_neurons_have_the_relevance_of_the_mlp_s_output_less_its_bias(family, rules):
    model, outputs = tiny_model(family), {}
    handles = [
        model.down_projection(layer).register_forward_hook(
            lambda _module, _inputs, output, layer=layer: outputs.__setitem__(layer, output)
        )
        for layer in range(model.layers)
    ]
    arriving = torch.randn(2, 12, model.hidden_size, generator=torch.Generator().manual_seed(1))
    names = ("mlp", "mlp_gate", "mlp_up")
    with relevance(model, rules), keeping(model, ("resid_pre", *names)) as seen:
        hidden = model.body(IDS)
    for handle in handles:
        handle.remove()
    for layer, output in outputs.items():
        tensors = [output, *(seen[name, layer] for name in names)]
        slopes = torch.autograd.grad(hidden, tensors, arriving, retain_graph=True)
        bias = model.down_projection(layer).bias
        whole = ((output if bias is None else output - bias) * slopes[0]).view(2, 12, -1).sum(-1)
        mlp, gate, up = ((a * g).view(2, 12, -1) for a, g in zip(tensors[1:], slopes[1:], strict=True))
        torch.testing.assert_close(mlp.sum(-1), whole, rtol=1e-4, atol=1e-5)
        if model.family.up:  # half to each
            torch.testing.assert_close(gate, mlp / 2, rtol=1e-4, atol=1e-6)
            torch.testing.assert_close(up, mlp / 2, rtol=1e-4, atol=1e-6)
        else:
            torch.testing.assert_close(gate, mlp, rtol=1e-4, atol=1e-6)


def rms_norm(norm, x):
    return norm.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)


def written_out(network, ids, rules):
    """A Llama in plain torch whose plain autograd is the relevance: what a rule leaves out is detached."""
    config, body = network.config, network.model
    heads, groups, dim = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    seen = {}

    def keep(site, layer, tensor):
        tensor.retain_grad()
        seen[site, layer] = tensor
        return tensor

    def half(product, a, b):
        return 0.5 * product(a, b.detach()) + 0.5 * product(a.detach(), b)

    def norm(module, x):
        size = torch.sqrt((x * x).mean(-1, keepdim=True) + module.variance_epsilon)
        return module.weight * (x / size.detach())

    def rotated(x):
        first, second = x.chunk(2, dim=-1)
        return x * cos + torch.cat([-second, first], dim=-1) * sin

    def split(x, count):
        return x.view(len(ids), -1, count, dim).transpose(1, 2)

    h = body.embed_tokens(ids).detach().requires_grad_()
    cos, sin = (part[:, None] for part in body.rotary_emb(h.detach(), torch.arange(ids.shape[1])[None]))
    future = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
    for layer, block in enumerate(body.layers):
        keep("resid_pre", layer, h)
        attention, mlp = block.self_attn, block.mlp
        x = norm(block.input_layernorm, h)
        q = keep("attn_q", layer, linear(x, attention.q_proj.weight))
        k = keep("attn_k", layer, linear(x, attention.k_proj.weight))
        v = keep("attn_v", layer, linear(x, attention.v_proj.weight))
        queries = rotated(split(q, heads))
        keys = rotated(split(k, groups)).repeat_interleave(heads // groups, dim=1)
        values = split(v, groups).repeat_interleave(heads // groups, dim=1)
        z = half(lambda a, b: a @ b.transpose(-1, -2), queries, keys) / dim**0.5
        z = z.masked_fill(future, -torch.inf)
        pattern = z.exp() / z.exp().sum(-1, keepdim=True)
        o = pattern.detach() @ values if rules == "cp" else half(torch.matmul, pattern, values)
        o = keep("attn_out", layer, o.transpose(1, 2).flatten(2))
        h = h + linear(o, attention.o_proj.weight)
        x = norm(block.post_attention_layernorm, h)
        before = keep("mlp_gate_pre", layer, linear(x, mlp.gate_proj.weight, mlp.gate_proj.bias))
        gate = keep("mlp_gate", layer, before * (silu(before) / before).detach())
        up = keep("mlp_up", layer, linear(x, mlp.up_proj.weight, mlp.up_proj.bias))
        a = keep("mlp", layer, half(torch.mul, gate, up))
        h = h + linear(a, mlp.down_proj.weight, mlp.down_proj.bias)
        keep("resid", layer, h)
    hidden = norm(body.norm, h)[:, :-1]
    logits = linear(hidden, network.lm_head.weight)
    s = logits.gather(-1, ids[:, 1:, None]).sum()
    s.backward()
    zero = torch.zeros(())
    return s.item(), {
        place: (tensor.detach(), zero.expand_as(tensor) if tensor.grad is None else tensor.grad)
        for place, tensor in seen.items()
    }


@pytest.mark.parametrize(
    ("dtype", "attention", "limit"),
    [(torch.float64, "sdpa", 1e-8), (torch.float32, "sdpa", 1e-4), (torch.float32, "eager", 1e-4)],
)
@pytest.mark.parametrize("rules", RULES)
def test_a_whole_llama_written_out(rules, dtype, attention, limit):
    model = tiny_model("llama", num_hidden_layers=2)
    model.network.to(dtype).set_attn_implementation(attention)
    if dtype == torch.float64:  # the family's own norm computes in float32 whatever it is given
        for module in model.network.modules():
            if isinstance(module, LlamaRMSNorm):
                module.forward = MethodType(rms_norm, module)
    expected_s, expected = written_out(model.network, IDS, rules)
    with relevance(model, rules):
        s, found = read(model, list(dict.fromkeys(site for site, _ in expected)))
    assert s == pytest.approx(expected_s, rel=limit)
    assert found.keys() == expected.keys()
    for place, (tensor, slope) in found.items():
        own, own_slope = expected[place]
        scale = own_slope.abs().max() if own_slope.any() else 1
        assert (tensor - own).abs().max() < limit * own.abs().max(), place
        assert (slope - own_slope).abs().max() < limit * scale, place
        assert bool(own_slope.any()) == (rules == "attnlrp" or place[0] not in ("attn_q", "attn_k")), place


def test_a_whole_gemma_2_with_its_attention_written_out(monkeypatch):
    # Its softcap bends hard here; einsum has no rule, so nothing but what stands here acts inside attention.
    model = tiny_model("gemma2", attn_logit_softcapping=1.0)
    with relevance(model, "attnlrp"):
        _, expected = read(model, ["attn_q", "attn_k", "attn_v", "attn_out", "mlp", "resid_pre"])

    def half(equation, a, b):
        return 0.5 * (torch.einsum(equation, a, b.detach()) + torch.einsum(equation, a.detach(), b))

    def attend(module, query, key, value, mask, *, scaling, softcap, **_):
        groups = module.num_key_value_groups
        key, value = (part.repeat_interleave(groups, dim=1) for part in (key, value))
        z = half("bhqd,bhkd->bhqk", query, key) * scaling / softcap
        cosh = torch.cosh(z.detach())
        capped = z * (torch.sinh(z.detach()) / cosh / z.detach()) * softcap + mask
        pattern = capped.exp() / capped.exp().sum(-1, keepdim=True)
        return half("bhqk,bhkd->bqhd", pattern, value), pattern

    monkeypatch.setattr(modeling_gemma2, "eager_attention_forward", attend)
    with relevance(model, "attnlrp"):
        _, found = read(model, ["attn_q", "attn_k", "attn_v", "attn_out", "mlp", "resid_pre"])
    for place, (_, slope) in expected.items():
        torch.testing.assert_close(found[place][1], slope, rtol=1e-3, atol=1e-4 * float(slope.abs().max()))


# Each rule alone.


def mode(rules, function, *tensors):
    """The gradients of a random sum of what ``function`` gives, by the rules and plain."""
    found = []
    for over in (Rules(RULES[rules]).over(function), function):
        leaves = [tensor.clone().requires_grad_() for tensor in tensors]
        value = over(*leaves)
        weights = torch.randn(value.shape, generator=torch.Generator().manual_seed(3))
        slopes = torch.autograd.grad(value, leaves, weights, allow_unused=True)
        found.append((value.detach(), slopes, weights))
    assert torch.equal(found[0][0], found[1][0])
    return found[0][1], found[1][1], found[0][2]


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tanh_gelu(x):
    return 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@pytest.mark.parametrize(
    ("function", "slope", "ratio"),
    [
        ("silu", 0.5, lambda x: 1 / (1 + np.exp(-x))),
        ("gelu_pytorch_tanh", 0.5, tanh_gelu),
        ("gelu_new", 0.5, tanh_gelu),
        ("relu", 0.0, lambda x: (x > 0).astype(float)),
        ("tanh", 1.0, lambda x: np.where(x == 0, 1, np.tanh(x) / np.where(x == 0, 1, x))),
    ],
)
def test_an_activation_function_passes_its_secant(function, slope, ratio):
    act = ACT2FN[function]
    x = torch.tensor([-30, -3, -0.7, -1e-6, -1e-30, -0.0, 0, 1e-30, 1e-6, 0.4, 2, 30], requires_grad=True)
    value = secant(act, slope, x)
    arriving = torch.linspace(-2, 3, len(x))
    (found,) = torch.autograd.grad(value, x, arriving)
    expected = arriving.numpy() * ratio(x.detach().double().numpy())
    assert torch.equal(value, act(x))
    np.testing.assert_allclose(found.numpy(), expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("family", ["gemma3_text", "bloom", "opt", "llama"])
def test_the_model_s_own_activation_function_has_that_rule(family):
    # In BLOOM it has a backward pass of its own.
    model = tiny_model(family)
    with relevance(model, "attnlrp"):
        _, found = read(model, ["mlp_gate_pre", "mlp_gate"])
    for layer in range(model.layers):
        x, slope = found["mlp_gate_pre", layer]
        value, arriving = found["mlp_gate", layer]
        torch.testing.assert_close(slope, arriving * value / x, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rules", RULES)
def test_a_norm_is_divided_by_a_constant(rules):
    x, weight, bias = random(4, 6) + 0.5, random(6, seed=1), random(6, seed=2)
    (found,), (plain,), g = mode(rules, lambda x: layer_norm(x, (6,), weight, bias, 1e-3), x)
    deviation = x.numpy().std(-1, keepdims=True)
    h = (g * weight).numpy() / np.sqrt(deviation**2 + 1e-3)
    np.testing.assert_allclose(found, h - h.mean(-1, keepdims=True), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found, plain, atol=1e-2)

    norm = LlamaRMSNorm(6, eps=1e-3)
    norm.weight.data = weight
    (found,), (plain,), g = mode(rules, norm, x)
    size = np.sqrt((x.numpy() ** 2).mean(-1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(found, (g * weight).numpy() / size, rtol=1e-5)
    assert not torch.allclose(found, plain, atol=1e-2)


def by_products(q, k, v):
    return softmax((q @ k.transpose(-1, -2)) / 2, dim=-1) @ v


def by_matmul(q, k, v):
    return torch.matmul(torch.softmax(torch.matmul(q, k.transpose(-1, -2)) / 2, dim=-1), v)


def by_baddbmm(q, k, v):
    scores = torch.zeros(3, 5, 5).baddbmm(batch1=q, batch2=k.transpose(-1, -2), beta=1.0, alpha=0.5)
    return torch.bmm(softmax(scores, dim=-1), v)


@pytest.mark.parametrize("attention", [scaled_dot_product_attention, by_products, by_matmul, by_baddbmm])
@pytest.mark.parametrize(("rules", "shares"), [("attnlrp", (0.25, 0.25, 0.5)), ("cp", (0, 0, 1))])
def test_attention_shares_its_gradient(rules, shares, attention):
    q, k, v = (random(3, 5, 4, seed=seed) for seed in range(3))
    found, plain, _ = mode(rules, attention, q, k, v)
    for slope, own, share in zip(found, plain, shares, strict=True):
        assert own.abs().max() > 0.05
        torch.testing.assert_close(slope, share * own, rtol=1e-5, atol=1e-7)


def test_a_softcap_passes_its_secant():
    (found,), _, g = mode("attnlrp", lambda z: torch.tanh(z / 3) * 3, random(7) * 5)
    z = random(7).double().numpy() * 5
    np.testing.assert_allclose(found, g.numpy() * np.tanh(z / 3) / (z / 3), rtol=1e-5)


def test_a_share_is_in_the_gradient_alone():
    x = random(5).requires_grad_()
    assert torch.equal(scaled(x, 0.25), x)
    (slope,) = torch.autograd.grad(scaled(x, 0.25).sum(), x)
    assert (slope == 0.25).all()


# Coming and going.


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("family", CONFIGURATIONS)
def test_values_do_not_change_and_leaving_restores_every_bit(family, rules):
    model = tiny_model(family)
    value, before = model.body(IDS), slopes_of(model)
    with relevance(model, rules):
        torch.testing.assert_close(model.body(IDS), value, rtol=1e-5, atol=1e-5)
        assert not same(slopes_of(model), before)
    assert torch.equal(model.body(IDS), value)
    assert same(slopes_of(model), before)
    assert untouched(model)


@pytest.mark.parametrize("rules", RULES)
def test_an_exception_restores_every_bit(gemma, rules):
    before = slopes_of(gemma)

    def stumble(activation):
        raise RuntimeError("stumbled")

    with (
        pytest.raises(RuntimeError, match="stumbled"),
        relevance(gemma, rules),
        gemma.site("mlp").visit({1: stumble}),
    ):
        gemma.body(IDS)
    assert untouched(gemma)
    assert same(slopes_of(gemma), before)
    with relevance(gemma, rules):  # and it can be entered again
        assert not same(slopes_of(gemma), before)


def in_thread(work, start):
    """What ``work`` gives in another thread."""
    found, done = [], threading.Event()

    def run():
        try:
            found.append(work())
        finally:
            done.set()

    start(run)
    assert done.wait(60)
    return found[0]


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma2"])
def test_another_thread_sees_plain_gradients_meanwhile(family, rules):
    model = tiny_model(family)
    before = slopes_of(model)
    with relevance(model, rules):
        own = slopes_of(model)
        other = in_thread(lambda: slopes_of(model), lambda run: threading.Thread(target=run).start())
        assert same(other, before)
        assert same(slopes_of(model), own) and not same(own, before)


@pytest.mark.parametrize("inner", ["relevance", "checkpointed"])
@pytest.mark.parametrize("family", ["llama", "opt", "bloom"])
def test_checkpointing_computes_the_same_again(family, inner):
    model = tiny_model(family)
    with relevance(model, "attnlrp"):
        expected = slopes_of(model)
    order = [relevance(model, "attnlrp"), checkpointed(model)]
    with ExitStack() as stack:
        for context in order if inner == "checkpointed" else order[::-1]:
            stack.enter_context(context)
        found = slopes_of(model)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[place], expected[place]) for place in expected)


def test_a_checkpointed_block_may_be_computed_again_in_autograd_s_own_thread():
    # On a GPU it is, by a thread that no Python code began; here one such thread runs the backward pass.
    model = tiny_model("llama")
    with relevance(model, "attnlrp"):
        expected = slopes_of(model)["resid_pre", 0]
    leaf = {0: lambda hidden: leaves.append(hidden.detach().requires_grad_()) or leaves[0]}
    leaves = []
    with relevance(model, "attnlrp"), checkpointed(model), model.site("resid_pre").visit(leaf):
        s = gold_logits(model, model.body(IDS))
        in_thread(s.backward, lambda run: _thread.start_new_thread(run, ()))
    assert torch.equal(leaves[0].grad, expected)


@pytest.mark.parametrize("rules", RULES)
@pytest.mark.parametrize("family", ["llama", "phi3", "gpt2"])
def test_it_does_not_matter_who_comes_first(family, rules):
    model, sites = tiny_model(family), ("attn_q", "attn_k", "attn_v", "attn_out", "mlp_gate", "mlp_up", "mlp")
    with relevance(model, rules):
        expected = slopes_of(model, sites)
    with keeping(model, sites) as seen, relevance(model, rules):
        s = gold_logits(model, model.body(IDS))
    for place, tensor in seen.items():
        (slope,) = torch.autograd.grad(s, tensor, retain_graph=True)
        torch.testing.assert_close(slope, expected[place], rtol=1e-5, atol=1e-6)


def test_partial_passes_and_accelerate_s_hooks_follow_too():
    model = tiny_model("gemma3_text")
    with relevance(model, "cp"):
        expected = slopes_of(model)["resid_pre", 1]
    with torch.no_grad(), entering(model, [1]) as kept:
        model.body(IDS)
    hidden = kept[1].clone().requires_grad_()
    with relevance(model, "cp"), from_layer(model, 1, hidden):
        gold_logits(model, model.body(IDS)).backward()
    torch.testing.assert_close(hidden.grad, expected)

    names = [name for name, module in model.network.named_modules() if not list(module.children())]
    dispatch_model(model.network, dict.fromkeys(names, "cpu"), force_hooks=True)
    with relevance(model, "cp"):
        torch.testing.assert_close(slopes_of(model)["resid_pre", 1], expected)


@pytest.mark.parametrize("family", ["llama", "gpt2", "cohere"])
def test_half_precision_and_inference_mode(family):
    model = tiny_model(family)
    model.network.to(torch.bfloat16)
    with torch.inference_mode():
        value = model.body(IDS)
        with relevance(model, "attnlrp"):
            assert torch.equal(model.body(IDS), value)
    with relevance(model, "attnlrp"):
        slopes = slopes_of(model)
    assert all(slope.dtype == torch.bfloat16 and slope.isfinite().all() for slope in slopes.values())


def test_refusals_name_what_is_wrong_and_leave_no_trace():
    model = tiny_model("llama")
    with pytest.raises(NeuroglotError, match="unknown relevance rules 'attnlr'; did you mean 'attnlrp'"):
        relevance(model, "attnlr").__enter__()
    with relevance(model, "cp"):
        expected = slopes_of(model)
        with pytest.raises(NeuroglotError, match="tiny llama follows relevance rules already"):
            relevance(model, "attnlrp").__enter__()
        assert same(slopes_of(model), expected)
    model.network.config._attn_implementation = "flex_attention"
    with pytest.raises(NeuroglotError, match=r"attention of kind 'flex_attention'.*eager or sdpa"):
        relevance(model, "cp").__enter__()
    model.network.config._attn_implementation = "sdpa"
    model.site("mlp_gate").blocks[2].mlp.act_fn = nn.Sigmoid()
    with pytest.raises(NeuroglotError, match="layer 2: the activation function Sigmoid is not 0 at 0"):
        relevance(model, "cp").__enter__()
    assert untouched(model)
