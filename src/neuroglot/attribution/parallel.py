"""What a layer's output loses when a neuron is off, in closed form (PLND; Zhao et al. 2024).

At ``mlp`` the loss is a_j times the neuron's column of the down projection: |a_j|·‖W_down[:,j]‖₂. Over a
sequence the norms add up as √Σ_t(·)²: token reduction ``l2``. In attention, per head and dimension d,

    attn_q   ‖softmax((A_t − q_{t,d}·k_dᵀ)·scale) − softmax(A_t·scale)‖₂ over keys, A = q kᵀ and the mask;
    attn_k   the same numbers, since a product loses as much by either factor, summed over the query heads
             that share the key head;
    attn_v   |Σ_s P_{t,s}·v_{s,d}|·‖W_o[:,d]‖₂, summed likewise.

t is the position that asks. q and k are those that meet in the product, after norm and rotation. Rotation
mixes dimensions d and d + head_dim/2 of a head; as in PLND, what stands at d after it is neuron d, head by
head as in the projection's output. One forward pass.

The sites of attention are seen where a model calls PyTorch's `scaled_dot_product_attention`; models
whose attention does not (BLOOM, Gemma 2's caps) have only ``mlp``.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.overrides import TorchFunctionMode

from neuroglot.attribution.scores import NoOptions, sweep
from neuroglot.attribution.sweeps import Activation, Swept, Value
from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.precision import products

ATTENTION = ("attn_q", "attn_k", "attn_v")
SITES = ("mlp", *ATTENTION)

ROOM = 2**22
"""Numbers in one block of changed attention patterns: 16 MB, of which there are a handful at a time."""


def defined_at(model: LanguageModel, site: str, options: NoOptions) -> None:
    """Refuses other sites.

    Raises:
        NeuroglotError: Naming those where the score is defined.
    """
    if site not in SITES:
        raise NeuroglotError(f"score 'parallel' is defined at {', '.join(SITES)}, not at {site!r}")


@sweep("parallel", power=0, gradient=False, check=defined_at)
@torch.no_grad()
def parallel(
    model: LanguageModel,
    batch: Batch,
    value: Value,
    sites: Sequence[str],
    layers: Sequence[int],
    options: NoOptions,
) -> Swept:
    """The norm of what the layer's output loses when the neuron is off: PLND's parallel scores.

    Raises:
        NeuroglotError: A site of another kind, or attention that cannot be seen.
    """
    for site in sites:
        defined_at(model, site, options)
    tokens: dict[str, dict[int, Activation]] = {site: {} for site in sites}

    def mlp(layer: int, activation: Activation) -> None:
        precise = torch.promote_types(activation.dtype, torch.float32)
        norm = torch.linalg.vector_norm(model.down_weight(layer).to(precise), dim=0)
        tokens["mlp"][layer] = activation.to(precise).abs() * norm

    def attention(layer: int, seen: "Attended") -> None:
        if {"attn_q", "attn_k"} & set(sites):
            query = seen.pattern_change()
            if "attn_q" in sites:
                tokens["attn_q"][layer] = _flat(query)
            if "attn_k" in sites:
                tokens["attn_k"][layer] = _flat(grouped(query, model.heads.key_value))
        if "attn_v" in sites:
            written = seen.written(model.output_projection_weight(layer))
            tokens["attn_v"][layer] = _flat(grouped(written, model.heads.key_value))

    with ExitStack() as stack:
        if "mlp" in sites:
            stack.enter_context(model.site("mlp").visit({layer: partial(mlp, layer) for layer in layers}))
        if set(ATTENTION) & set(sites):
            stack.enter_context(_watching(model, layers, attention))
        model.body(batch.ids)
    for site, found in tokens.items():
        if set(found) != set(layers):
            raise NeuroglotError(
                f"score 'parallel' at {site!r}: the attention of {model.name} does not pass through "
                "scaled_dot_product_attention, where its queries and keys could be seen; only 'mlp' is left"
            )
    return Swept(tokens)


@dataclass(frozen=True)
class Attended:
    """One call of attention, every tensor with one head for each query head, in float32 or finer."""

    query: Float[Tensor, "row head position dim"]
    key: Float[Tensor, "row head position dim"]
    value: Float[Tensor, "row head position dim"]
    products: Float[Tensor, "row head position position"]
    """q kᵀ·scale and the mask."""
    scale: float

    @classmethod
    def of(
        cls,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attn_mask: Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> "Attended":
        """From the arguments of `scaled_dot_product_attention`."""
        precise = torch.promote_types(query.dtype, torch.float32)
        share = query.shape[1] // key.shape[1]
        q, k, v = query.to(precise), *(part.to(precise).repeat_interleave(share, 1) for part in (key, value))
        scale = q.shape[-1] ** -0.5 if scale is None else scale
        table = q @ k.mT * scale
        if is_causal:
            attn_mask = torch.ones(table.shape[-2:], dtype=torch.bool, device=table.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            table = table.masked_fill(~attn_mask, -torch.inf)
        elif attn_mask is not None:
            table = table + attn_mask
        return cls(q, k, v, table, scale)

    def pattern_change(self) -> Float[Tensor, "row head position dim"]:
        """How far the attention pattern of each position moves when a dimension of its head is off."""
        rows, heads, length, dim = self.query.shape
        table = self.products.flatten(0, 1)
        pattern = table.softmax(dim=-1)
        # One line a row, head and dimension.
        q, k = (part.mT.reshape(-1, length) for part in (self.query * self.scale, self.key))
        moved = torch.empty_like(q)
        for part in torch.arange(len(q), device=q.device).split(max(1, ROOM // length**2)):
            head = part // dim
            without = torch.baddbmm(table[head], q[part, :, None], k[part, None, :], alpha=-1)
            moved[part] = torch.linalg.vector_norm(without.softmax(dim=-1).sub_(pattern[head]), dim=-1)
        return moved.view(rows, heads, dim, length).mT

    def written(self, weight: Float[Tensor, "hidden neuron"]) -> Float[Tensor, "row head position dim"]:
        """What each dimension of a head's values puts out: its size times that of its output weights."""
        norm: Tensor = torch.linalg.vector_norm(weight.to(self.value.dtype), dim=0)
        read: Tensor = self.products.softmax(dim=-1) @ self.value
        return read.abs() * norm.view(self.value.shape[1], 1, -1)


def grouped(
    scores: Float[Tensor, "row head position dim"], heads: int
) -> Float[Tensor, "row group position dim"]:
    """Summed over the query heads that share a key or value head."""
    groups: Tensor = scores.unflatten(1, (heads, -1))
    return groups.sum(dim=2)


def _flat(scores: Float[Tensor, "row head position dim"]) -> Activation:
    return scores.transpose(1, 2).flatten(2)


@contextmanager
def _watching(model: LanguageModel, layers: Sequence[int], hear: Any) -> Iterator[None]:
    """Calls ``hear`` with each layer's attention, in this thread alone."""
    watch = _Watch(hear, frozenset(layers))
    visitors = {layer: partial(watch.enter_layer, layer) for layer in range(model.layers)}
    with model.site("resid_pre").visit(visitors), watch:
        yield


class _Watch(TorchFunctionMode):
    def __init__(self, hear: Any, layers: frozenset[int]) -> None:
        super().__init__()
        self.hear, self.layers, self.layer = hear, layers, -1

    def enter_layer(self, layer: int, _hidden: Tensor) -> None:
        self.layer = layer

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.nn.functional.scaled_dot_product_attention and self.layer in self.layers:
            with products("float32"):
                self.hear(self.layer, Attended.of(*args, **kwargs))
        return func(*args, **kwargs)
