"""The backward rules of relevance, one an operation, and the mode that follows them.

A rule calls the operation itself, so that values stay what they are to the bit, and gives its result another
way back. Which operation has which rule is a table; `neuroglot.model.relevance` says where it holds.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional
from torch.overrides import TorchFunctionMode

Operation = Callable[..., Any]
Rule = Callable[..., Any]
"""(operation, its arguments) → what the operation gives, with another way back."""


class _Scale(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, share: float) -> Tensor:
        ctx.share = share
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None]:
        return slopes[0] * ctx.share, None


class _Secant(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, function: Operation, slope: float) -> Tensor:
        value: Tensor = function(x)
        ctx.save_for_backward(torch.where(x == 0, slope, value / x))
        return value

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None]:
        return slopes[0] * ctx.saved_tensors[0], None, None


class _LayerNorm(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float
    ) -> Tensor:
        value, _, inverse = torch.native_layer_norm(x, shape, weight, bias, eps)
        ctx.save_for_backward(inverse, weight)
        ctx.axes = tuple(range(-len(shape), 0))
        return value

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None, None, None]:
        inverse, weight = ctx.saved_tensors
        centred = (slopes[0] if weight is None else slopes[0] * weight) * inverse
        centred = centred - centred.mean(ctx.axes, keepdim=True)
        return centred.to(slopes[0].dtype), None, None, None, None


def scaled(x: Tensor, share: float) -> Tensor:
    """``x`` itself; only a share of its gradient goes on to what made it."""
    out: Tensor = _Scale.apply(x, share)  # type: ignore[no-untyped-call]
    return out


def secant(function: Operation, slope: float, x: Tensor) -> Tensor:
    """f(x), whose gradient is f(x)/x, or ``slope`` = f'(0) where x = 0."""
    out: Tensor = _Secant.apply(x, function, slope)  # type: ignore[no-untyped-call]
    return out


def _layer_norm(
    _norm: Operation,
    x: Tensor,
    shape: list[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    out: Tensor = _LayerNorm.apply(x, shape, weight, bias, eps)  # type: ignore[no-untyped-call]
    return out


def _share(share: float, operation: Operation, *args: Any, **kwargs: Any) -> Tensor:
    return scaled(operation(*args, **kwargs), share)


def _attention(
    pattern: float,
    product: float,
    attention: Operation,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    out = attention(scaled(query, pattern), scaled(key, pattern), value, *args, **kwargs)
    return scaled(out, product)


_DENOMINATORS: Mapping[Operation, Rule] = {
    # RMSNorm and Cohere's LayerNorm call it, and nothing else in the families does.
    torch.rsqrt: lambda rsqrt, x: rsqrt(x).detach(),
    functional.layer_norm: _layer_norm,
}

# Weights are multiplied by `linear` or, in GPT-2, `addmm`: these are products of two activations.
_PRODUCTS = (torch.matmul, torch.bmm, torch.baddbmm, Tensor.matmul, Tensor.bmm, Tensor.baddbmm)

_SOFTMAX = (functional.softmax, torch.softmax, Tensor.softmax)

RULES: Mapping[str, Mapping[Operation, Rule]] = {
    "attnlrp": {
        **_DENOMINATORS,
        **dict.fromkeys(_PRODUCTS, partial(_share, 0.5)),
        functional.scaled_dot_product_attention: partial(_attention, 0.5, 0.5),
        torch.tanh: lambda tanh, x: secant(tanh, 1.0, x),  # Gemma 2's softcap
    },
    "cp": {
        **_DENOMINATORS,
        # Zeros and not nothing: whoever asks for the relevance of q and k must get an answer.
        **dict.fromkeys(_SOFTMAX, partial(_share, 0.0)),
        functional.scaled_dot_product_attention: partial(_attention, 0.0, 1.0),
    },
}


class Rules(TorchFunctionMode):
    """Follows the rule of every operation that has one. A mode belongs to the thread that is in it."""

    def __init__(self, rules: Mapping[Operation, Rule]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rules = rules

    def __torch_function__(
        self, func: Operation, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        rule = self.rules.get(func)
        return func(*args, **kwargs or {}) if rule is None else rule(func, *args, **kwargs or {})

    def over(self, forward: Operation) -> Operation:
        """``forward`` with the rules followed inside."""

        def followed(*args: Any, **kwargs: Any) -> Any:
            with self:
                return forward(*args, **kwargs)

        return followed
