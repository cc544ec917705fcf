"""Relevance: the backward pass follows the rules of AttnLRP or CP-LRP, the forward pass is what it was.

A tensor's relevance is the tensor times the gradient that these rules send it (METHODS §4). A rule belongs to
an operation, whichever family uses it:

1. activation function f: the gradient times f(x)/x, at 0 its limit f'(0); the tanh of a softcap likewise;
2. product of two activations: half the gradient to each. Of gate·up: what arrives at the down projection is
   halved on its way to both. Of attention: pattern·v, and q·kᵀ again, so v gets a half, q and k a quarter;
3. under ``cp`` the attention pattern is a constant instead: q and k get nothing, v gets the whole;
4. RMSNorm, LayerNorm: the denominator is a constant; the subtraction of the mean stays;
5. linear layers and the softmax: the plain gradient.

Sources: Achtibat 2024 (AttnLRP), Ali 2022 (constant patterns and denominators). Without biases cp conserves:
Σ relevance is the same in every layer. AttnLRP leaks through its softmax.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Literal
from weakref import WeakSet

import torch
from jaxtyping import Int
from torch import Tensor, nn

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.relevance_rules import RULES, Operation, Rules, scaled, secant
from neuroglot.model.suffix import forward_as

ATTENTION = ("eager", "sdpa")
"""What transformers may compute attention with: other kernels hide their operations from the rules."""

_following: WeakSet[nn.Module] = WeakSet()
_lock = threading.Lock()


@contextmanager
def relevance(model: LanguageModel, rules: Literal["attnlrp", "cp"]) -> Iterator[None]:
    """Inside, gradients of this thread's forward passes follow ``rules``; the values do not change.

    >>> with relevance(model, "attnlrp"):           # doctest: +SKIP
    ...     hidden = model.body(ids)                # tensor × gradient is now the tensor's relevance

    Sites may be visited and interventions put on inside or outside; other threads see plain gradients.

    Args:
        model: The model. Its classes are not touched; on leaving it is what it was, also after an exception.
        rules: ``attnlrp`` or ``cp``.

    Raises:
        NeuroglotError: Unknown rules; attention or an activation function that the rules do not cover; the
            model follows rules already.
    """
    if rules not in RULES:
        raise unknown("relevance rules", rules, RULES)
    attention = model.network.config.get_text_config()._attn_implementation
    if attention not in ATTENTION:
        raise NeuroglotError(
            f"relevance rules do not reach into attention of kind {attention!r}: "
            f"load {model.name} with {' or '.join(ATTENTION)}"
        )
    with _lock:
        if model.network in _following:
            raise NeuroglotError(f"{model.name} follows relevance rules already: leave that context first")
        _following.add(model.network)
    try:
        with ExitStack() as stack:
            _apply(stack, model, Rules(RULES[rules]))
            yield
    finally:
        _following.discard(model.network)


def conservation(
    model: LanguageModel, ids: Int[Tensor, "row position"], rules: Literal["attnlrp", "cp"] = "cp"
) -> list[float]:
    """Σ relevance of what enters each layer over Σ relevance that leaves the head, for all gold logits.

    What enters the first layer are the embeddings. Under ``cp`` every ratio is 1 on a model without biases:
    that is how to see that the rules cover an architecture.
    """
    entered: dict[int, Tensor] = {}

    def keep(layer: int, hidden: Tensor) -> Tensor:
        entered[layer] = hidden if hidden.requires_grad else hidden.detach().requires_grad_()
        return entered[layer]

    visitors = {layer: partial(keep, layer) for layer in range(model.layers)}
    with torch.enable_grad(), relevance(model, rules), model.site("resid_pre").visit(visitors):
        hidden = model.body(ids)[:, :-1]
    _, slope = model.head.gold_logit(hidden.detach().flatten(0, 1), ids[:, 1:].flatten(), gradient=True)
    assert slope is not None  # it was asked for
    arriving = slope.view_as(hidden).to(hidden)
    total = (hidden.detach() * arriving).double().sum()
    slopes = torch.autograd.grad(hidden, list(entered.values()), arriving)
    tensors = zip(entered.values(), slopes, strict=True)
    return [float((tensor.detach() * slope).double().sum() / total) for tensor, slope in tensors]


def _apply(stack: ExitStack, model: LanguageModel, rules: Rules) -> None:
    opener = threading.get_ident()

    def ours() -> bool:
        # On a GPU autograd computes a checkpointed block again in a thread of its own, not begun by Python.
        return threading.get_ident() == opener or threading.current_thread().name.startswith("Dummy-")

    def replace(module: nn.Module, forward: Callable[[Operation], Operation]) -> None:
        plain = module.forward
        other = forward(plain)
        stack.enter_context(forward_as(module, lambda *a, **k: (other if ours() else plain)(*a, **k)))

    trunk = model.network.get_submodule(model.family.blocks.rpartition(".")[0])
    blocks = model.site("mlp").blocks
    # Not the blocks themselves: checkpointing and partial forward passes replace those.
    for parent in (trunk, *blocks):
        for child in parent.children():
            if not isinstance(child, nn.ModuleList):
                replace(child, rules.over)
    if model.encoder:  # what stands between the last block and its head's linear map
        replace(model.encoder.norm, rules.over)
        zero = torch.zeros(1, dtype=model.network.dtype, device=model.device)
        slope = _slope_at_zero(model.encoder.act, zero, f"{model.name}, head")
        replace(model.encoder.act, lambda plain, slope=slope: partial(secant, plain, slope))  # type: ignore[misc]
    for layer in range(model.layers):
        act = model.site("mlp_gate").module(layer)
        zero = torch.zeros(1, dtype=model.network.dtype, device=model.site("mlp").device(layer))
        slope = _slope_at_zero(act, zero, f"{model.name}, layer {layer}")
        replace(act, lambda plain, slope=slope: partial(secant, plain, slope))  # type: ignore[misc]
        if model.family.up:
            # Before all visitors, who see the gradient as it arrives, not yet halved.
            down = model.down_projection(layer)
            handle = down.register_forward_pre_hook(
                lambda _module, args: (scaled(args[0], 0.5), *args[1:]) if ours() else None, prepend=True
            )
            stack.callback(handle.remove)


def _slope_at_zero(act: nn.Module, zero: Tensor, where: str) -> float:
    with torch.inference_mode(False), torch.enable_grad():
        x = zero.clone().requires_grad_()
        value = act.forward(x)  # not a pass: no hook may see it
        if value.item() != 0:
            raise NeuroglotError(f"the activation function {type(act).__name__} is not 0 at 0", where)
        (slope,) = torch.autograd.grad(value, x)
    return float(slope.item())
