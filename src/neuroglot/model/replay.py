"""Blocks run again, each on the input that it had: what a block adds with all below and above as it was.

A call is kept with all that the body passed along (masks, positions, rotations), so that it can be made again
whatever the family.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.model.suffix import forward_as

State = Float[Tensor, "row position hidden"]


@dataclass(frozen=True)
class Call:
    """One call of a block.

    Attributes:
        block: The block.
        args: What it was called with.
        kwargs: What it was called with by name.
        output: What it gave: the state that it leaves, or a tuple that begins with it (BLOOM).
    """

    block: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    output: Any

    @property
    def leaving(self) -> State:
        """The state that left the block."""
        return _state(self.output)

    def again(self) -> State:
        """The state that leaves it now, on the same input: hooks on the block and inside it act."""
        return _state(self.block(*self.args, **self.kwargs))

    def finish(self, model: LanguageModel, ids: Int[Tensor, "row position"], leaving: State) -> State:
        """The last hidden state, had ``leaving`` left this block, the last: through the final norm and so on.

        Args:
            model: The model.
            ids: Of the call; they only say how many rows and positions there are.
            leaving: The state.
        """
        output = (leaving, *self.output[1:]) if isinstance(self.output, tuple) else leaving
        with ExitStack() as stack:
            for block in model.site("resid").blocks:
                stack.enter_context(forward_as(block, lambda *_args, **_kwargs: output))
            return model.body(ids)


@contextmanager
def calling(model: LanguageModel, layers: Sequence[int]) -> Iterator[dict[int, Call]]:
    """Keeps the calls of the blocks of ``layers`` in a forward pass inside the context.

    Yields:
        Layer → the call in the latest forward pass; empty before the first.

    Raises:
        NeuroglotError: A layer does not exist.
    """
    check_layers(list(layers), model.layers)
    given: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    calls: dict[int, Call] = {}

    def enter(layer: int, _block: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given[layer] = args, kwargs

    def leave(layer: int, block: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
        calls[layer] = Call(block, *given.pop(layer), output)

    with ExitStack() as stack:
        for layer in layers:
            block = model.site("resid").blocks[layer]
            # Before all other hooks: those act once more when the call is made again.
            first = block.register_forward_pre_hook(partial(enter, layer), prepend=True, with_kwargs=True)
            stack.callback(first.remove)
            stack.callback(block.register_forward_hook(partial(leave, layer)).remove)
        yield calls


def _state(output: Any) -> State:
    state: Tensor = output[0] if isinstance(output, tuple) else output
    return state
