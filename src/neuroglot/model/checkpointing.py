"""Activation checkpointing: less memory for the backward pass, at the price of a second forward pass."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from torch.utils.checkpoint import checkpoint

from neuroglot.model.language_model import LanguageModel
from neuroglot.model.suffix import forward_as


@contextmanager
def checkpointed(model: LanguageModel) -> Iterator[None]:
    """Inside, only what enters a block is kept for the backward pass; the block is then computed again.

    transformers has a switch for this, but only in training mode, where dropout is on.
    """
    with ExitStack() as stack:
        for block in model.site("resid").blocks:
            own = partial(checkpoint, block.forward, use_reentrant=False)
            stack.enter_context(forward_as(block, own))
        yield
