"""Only some neurons' own weights learn.

A neuron of the MLP has a row (and a bias) in every projection into it and a column in the one out of it. What
is added to these few is a tensor of its own, zero at first, that hooks put in where the weights are used:

    x·(W + Δ)ᵀ = x·Wᵀ + x·Δᵀ        with Δ zero but for the rows of the neurons,

and likewise for columns. So nothing else has a gradient or a state in the optimiser, the model's own weights
are not written to, and taking the hooks off gives it back as it was.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from neuroglot.model.families import Tap
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet


@contextmanager
def own_weights(model: LanguageModel, neurons: NeuronSet) -> Iterator[list[nn.Parameter]]:
    """Inside, the model computes with its weights plus the tensors yielded.

    Args:
        model: Left as it is; only hooks come and go.
        neurons: Whose weights. At any site of the MLP: neuron j is row j there.

    Yields:
        float32, zero at first. For each layer in turn: of each projection into its MLP the rows
        [chosen, hidden], and if it has biases those [chosen]; then the columns out of it [chosen, hidden].
    """
    learned: list[nn.Parameter] = []
    with ExitStack() as stack:
        for layer in np.flatnonzero(neurons.mask.any(axis=1)).tolist():
            chosen = torch.from_numpy(np.flatnonzero(neurons.mask[layer])).to(model.site("mlp").device(layer))
            block = model.site("mlp").blocks[layer]
            for tap in model.family.projections:
                module: Any = block.get_submodule(tap.module)
                rows = _zeros(len(chosen), _inputs(model, module), device=chosen.device)
                bias = None if module.bias is None else _zeros(len(chosen), device=chosen.device)
                hook = partial(_rows, chosen + _start(model, tap), rows, bias)
                stack.callback(module.register_forward_hook(hook).remove)
                learned += [rows] if bias is None else [rows, bias]
            columns = _zeros(len(chosen), model.down_weight(layer).shape[0], device=chosen.device)
            hook = partial(_columns, chosen, columns)
            stack.callback(model.down_projection(layer).register_forward_hook(hook).remove)
            learned.append(columns)
        yield learned


def weight_count(model: LanguageModel, neurons: NeuronSet) -> int:
    """How many numbers `own_weights` lets learn."""
    block = model.site("mlp").blocks[0]
    into: list[Any] = [block.get_submodule(tap.module) for tap in model.family.projections]
    each = sum(_inputs(model, module) + (module.bias is not None) for module in into)
    return len(neurons) * (each + model.down_weight(0).shape[0])


def _rows(
    chosen: Int[Tensor, " chosen"],
    rows: nn.Parameter,
    bias: nn.Parameter | None,
    _module: nn.Module,
    args: tuple[Tensor, ...],
    output: Tensor,
) -> Tensor:
    change = nn.functional.linear(args[0].to(rows.dtype), rows, bias)
    return output.index_add(-1, chosen, change.to(output.dtype))


def _columns(
    chosen: Int[Tensor, " chosen"],
    columns: nn.Parameter,
    _module: nn.Module,
    args: tuple[Tensor, ...],
    output: Tensor,
) -> Tensor:
    return output + (args[0][..., chosen].to(columns.dtype) @ columns).to(output.dtype)


def _start(model: LanguageModel, tap: Tap) -> int:
    """Where the rows of a fused projection's part begin."""
    return sum(model.site(name).width for name in tap.after)


def _inputs(model: LanguageModel, module: Any) -> int:
    weight: Tensor = module.weight
    return weight.shape[0 if model.family.transposed else 1]


def _zeros(*shape: int, device: torch.device) -> nn.Parameter:
    return nn.Parameter(torch.zeros(*shape, dtype=torch.float32, device=device))
