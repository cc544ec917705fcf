"""Part of a forward pass: only the blocks from some layer up.

What an intervention leaves as it was need not be computed again: the blocks below the first layer it touches.
transformers makes masks, positions and layer types in the body's own forward, so the body runs as it is,
whatever the family; only the blocks below have nothing to say.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from neuroglot.model.language_model import LanguageModel, check_layers


@contextmanager
def entering(
    model: LanguageModel, layers: Sequence[int]
) -> Iterator[dict[int, Float[Tensor, "row position hidden"]]]:
    """Keeps what enters the blocks of ``layers`` (site ``resid_pre``) in a forward pass inside the context.

    Yields:
        Layer → the hidden state of the latest forward pass; empty before the first.

    Raises:
        NeuroglotError: A layer does not exist.
    """
    check_layers(list(layers), model.layers)
    kept: dict[int, Tensor] = {}
    visitors = {layer: partial(kept.__setitem__, layer) for layer in layers}
    with model.site("resid_pre").visit(visitors):
        yield kept


@contextmanager
def from_layer(
    model: LanguageModel, layer: int, hidden: Float[Tensor, "row position hidden"]
) -> Iterator[None]:
    """Runs only the blocks from ``layer`` up, on the hidden state given.

    >>> with entering(model, [4]) as kept:      # doctest: +SKIP
    ...     whole = model.body(ids)
    >>> with from_layer(model, 4, kept[4]):     # doctest: +SKIP
    ...     model.body(ids)                     # equal to `whole`

    The ids of a forward pass inside the context only say how many rows and positions there are: any rows may
    stand beside each other, each with its own hidden state. Sites below ``layer`` are not visited there.

    Args:
        model: The model. Its classes are not touched; on leaving it is what it was, also after an exception.
        layer: The first block that runs.
        hidden: What enters it, of as many rows and positions as the ids.

    Raises:
        NeuroglotError: The layer does not exist.
    """
    check_layers([layer], model.layers)
    blocks = model.site("resid_pre").blocks
    # The families' bodies take a block's output as it is, or its first part (BLOOM). Either will do here:
    # block ``layer`` takes ``hidden`` whatever arrives.
    nothing = hidden[None]

    def enter(_block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return (hidden, *args[1:]), kwargs
        return args, {**kwargs, "hidden_states": hidden}

    with ExitStack() as stack:
        for block in blocks[:layer]:
            stack.enter_context(forward_as(block, lambda *_args, **_kwargs: nothing))
        # Before all other hooks, so that visitors of ``resid_pre`` see what really enters.
        handle = blocks[layer].register_forward_pre_hook(enter, prepend=True, with_kwargs=True)
        stack.callback(handle.remove)
        yield


@contextmanager
def forward_as(block: nn.Module, forward: Callable[..., Any]) -> Iterator[None]:
    """Makes one block compute something else: an attribute of the instance, taken off on leaving."""
    own = vars(block).get("forward")  # accelerate puts one on instances, too
    block.forward = forward
    try:
        yield
    finally:
        if own is None:
            del block.forward
        else:
            block.forward = own
