"""Hooks that hear every neuron's activation and gradient in a pass, for the scores that run their own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

import torch

from neuroglot.attribution.sweeps import Activation, Place
from neuroglot.model.language_model import LanguageModel

Hear = Callable[[Place, Activation, Activation], None]
"""(site and layer, a, g = what came back there), once for every backward pass, in float32 or finer."""


@contextmanager
def hearing(model: LanguageModel, sites: Sequence[str], layers: Sequence[int], hear: Hear) -> Iterator[None]:
    """Inside, passes grow a graph from the lowest tensor wanted up, and their backward passes are heard."""

    def visit(place: Place, activation: Activation) -> Activation:
        value = activation.detach()
        if not activation.requires_grad:  # the lowest tensor wanted: the graph starts here
            activation = value.requires_grad_()
            value = activation.detach()
        precise = torch.promote_types(value.dtype, torch.float32)

        def arrive(slope: Activation) -> None:
            hear(place, value.to(precise), slope.to(precise))

        activation.register_hook(arrive)
        return activation

    with ExitStack() as stack:
        stack.enter_context(torch.enable_grad())
        for site in sites:
            visitors = {layer: partial(visit, (site, layer)) for layer in layers}
            stack.enter_context(model.site(site).visit(visitors))
        yield
