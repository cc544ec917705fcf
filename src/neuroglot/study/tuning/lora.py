"""LoRA (Hu et al. 2022) on the MLP's projections, as large as a set of neurons: what tuning is compared with.

The library peft puts its layers in the place of the projections; on leaving, the very same projections are
put back.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel


def check_peft() -> None:
    """Refuses, before anything is done, where peft is not installed."""
    if find_spec("peft") is None:
        raise NeuroglotError("comparing with LoRA needs the extra `tune`: pip install 'neuroglot[tune]'")


def lora_ranks(model: LanguageModel, parameters: int) -> dict[str, int]:
    """Ranks for all projections of all MLPs that come nearest to a number of parameters.

    All have the same rank but for what is then left over: one more for a few of them, evenly spread. A rank
    of a projection costs one number for each of its inputs and outputs.

    Args:
        model: The model.
        parameters: How many may learn.

    Returns:
        The projection's path in the network → rank; projections of rank 0 are left out, and there is one at
        least.
    """
    costs = _costs(model)
    whole, rest = divmod(parameters, sum(costs.values()))
    ranks = dict.fromkeys(costs, whole)
    more = max(round(rest * len(costs) / sum(costs.values())), 0 if whole else 1)
    names = list(costs)
    for place in range(more):  # in the middle of each of so many equal stretches
        ranks[names[(2 * place + 1) * len(names) // (2 * more)]] += 1
    return {name: rank for name, rank in ranks.items() if rank}


def lora_count(model: LanguageModel, ranks: Mapping[str, int]) -> int:
    """How many numbers learn at these ranks."""
    costs = _costs(model)
    return sum(costs[name] * rank for name, rank in ranks.items())


@contextmanager
def lora(model: LanguageModel, ranks: Mapping[str, int], seed: int) -> Iterator[list[nn.Parameter]]:
    """Inside, the model computes with W + B·A in its projections; B is zero at first.

    Args:
        model: Its own weights are not written to.
        ranks: The projection's path in the network → rank.
        seed: Of A.

    Yields:
        A [rank, inputs] and B [outputs, rank] of every projection, in float32.
    """
    from peft import LoraConfig, inject_adapter_in_model  # heavy, and an extra

    network = model.network
    own, attributes = {name: network.get_submodule(name) for name in ranks}, set(vars(network))
    config = LoraConfig(
        target_modules=list(ranks),
        rank_pattern=dict(ranks),
        alpha_pattern=dict(ranks),  # B·A counts once, whatever the rank: the step size is chosen for each arm
        fan_in_fan_out=model.family.transposed,
    )
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            inject_adapter_in_model(config, network)
        learned = [weight for weight in network.parameters() if weight.requires_grad]
        for weight in learned:  # in half precision small steps would be rounded away
            weight.data = weight.data.float()
        yield learned
    finally:
        for name, module in own.items():
            network.set_submodule(name, module)
        for name in set(vars(network)) - attributes:
            delattr(network, name)


def _costs(model: LanguageModel) -> dict[str, int]:
    """Path of each projection into and out of an MLP → what a rank of it costs."""
    family = model.family
    paths = dict.fromkeys([*(tap.module for tap in family.projections), family.down])
    costs = {}
    for layer in range(model.layers):
        for path in paths:
            name = f"{family.blocks}.{layer}.{path}"
            module: Any = model.network.get_submodule(name)
            costs[name] = sum(module.weight.shape)
    return costs
