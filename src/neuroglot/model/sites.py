"""A site on a live model: read or replace its tensor in every layer, with hooks that always come off.

`Site.visit` is the one primitive under both attribution (read the activation, take its gradient) and
intervention (replace the activation). A visitor gets the tensor as [batch, token, neuron], whatever shape the
family keeps it in, and returns None (leave it) or the tensor that goes on in its place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from neuroglot.model.families import Tap

Activation = Float[Tensor, "batch token neuron"]
Visitor = Callable[[Activation], Activation | None]


@dataclass(frozen=True)
class Site:
    """Where one kind of neuron lives in a loaded model.

    Attributes:
        name: The site's name (METHODS §0).
        blocks: The model's blocks, one a layer.
        tap: Where in a block the tensor passes.
        width: Neurons a layer.
        start: Where they begin in the last axis, of which a fused projection has more.
    """

    name: str
    blocks: Sequence[nn.Module]
    tap: Tap
    width: int
    start: int = 0

    def module(self, layer: int) -> nn.Module:
        """The module of ``layer`` whose input or output is this site's tensor."""
        return self.blocks[layer].get_submodule(self.tap.module)

    def device(self, layer: int) -> torch.device:
        """Where the tensor of ``layer`` is: the layers of a model that is spread lie on several devices."""
        return next(self.blocks[layer].parameters()).device

    @contextmanager
    def visit(self, visitors: Mapping[int, Visitor]) -> Iterator[None]:
        """Calls ``visitors[layer]`` on the layer's tensor in every forward pass inside the context."""
        with ExitStack() as stack:
            for layer, visitor in visitors.items():
                stack.enter_context(_attached(self, layer, visitor))
            yield


@contextmanager
def _attached(site: Site, layer: int, visitor: Visitor) -> Iterator[None]:
    block, stop = site.blocks[layer], site.start + site.width
    shape: list[torch.Size] = []

    def remember_shape(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        hidden = args[0] if args else kwargs["hidden_states"]
        shape[:] = [hidden.shape[:2]]

    def shown(tensor: Tensor) -> Tensor | None:
        # OPT flattens [batch, token]; the block's own input still knows them.
        whole = tensor if tensor.ndim == 3 else tensor.view(*shape[0], tensor.shape[-1])
        if whole.shape[-1] == site.width:
            new = visitor(whole)
        else:
            new = visitor(whole[..., site.start : stop])
            if new is not None:
                new = torch.cat([whole[..., : site.start], new, whole[..., stop:]], dim=-1)
        return None if new is None else new.view(tensor.shape)

    def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            new = shown(args[0])
            return None if new is None else ((new, *args[1:]), kwargs)
        new = shown(kwargs["hidden_states"])
        return None if new is None else (args, {**kwargs, "hidden_states": new})

    def after(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
        if isinstance(output, tuple):
            new = shown(output[0])
            return None if new is None else (new, *output[1:])
        return shown(output)

    module = site.module(layer)
    with ExitStack() as stack:
        handles = [block.register_forward_pre_hook(remember_shape, with_kwargs=True)]
        if site.tap.end == "input":
            handles.append(module.register_forward_pre_hook(before, with_kwargs=True))
        else:
            handles.append(module.register_forward_hook(after))
        for handle in handles:
            stack.callback(handle.remove)
        yield
