"""The last position of a prompt, again and again: earlier keys and values once, blocks from a layer up.

A change at the last position of a causal model reaches nothing before it. So each variant of it costs one
token from its layer up, however long the prompt, and variants stand beside each other as rows of a batch.
Where an answer of several tokens is read behind the prompt, its tokens but the last are computed with it.

A masked language model says nothing of what follows; it reads a gap behind the prompt for each token of the
answer, and the first gap stands for the last position. Every position sees it, so all are computed again.
"""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from neuroglot.errors import NeuroglotError
from neuroglot.model.encoders import Encoder
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.suffix import entering, from_layer

Forward = Callable[[int], Float[Tensor, "row position hidden"]]
"""Rows → last hidden states."""


@dataclass(frozen=True)
class LastPosition:
    """A prompt whose last position can be computed again.

    Attributes:
        model: The model.
        forward: Computes it again: the prompt's last position, then those of the tokens behind the prompt.
        entering: What enters each block there; of a masked model also what enters it elsewhere, behind that.
        hidden: The last hidden states there, nothing changed.
    """

    model: LanguageModel
    forward: Forward
    entering: Float[Tensor, "layer position hidden"]
    hidden: Float[Tensor, "position hidden"]

    @classmethod
    @torch.no_grad()
    def of(cls, model: LanguageModel, ids: Sequence[int], after: Sequence[int] = ()) -> "LastPosition":
        """Reads the prompt once.

        Args:
            model: The model.
            ids: The prompt, BOS first.
            after: Tokens behind the prompt that are computed with its last one.

        Raises:
            NeuroglotError: The prompt is empty.
        """
        if not ids:
            raise NeuroglotError("a prompt needs at least one token")
        if model.encoder:
            forward = _at_gaps(model, model.encoder, ids[1:], 1 + len(after))
        else:
            forward = _behind(model, ids[:-1], (ids[-1], *after))
        with entering(model, range(model.layers)) as kept:
            hidden = forward(1)[0]
        state = torch.stack([kept[layer][0].to(model.device) for layer in range(model.layers)])
        return cls(model, forward, state, hidden)

    def run(self, layer: int, rows: int) -> Float[Tensor, "row position hidden"]:
        """The last hidden states after the blocks from ``layer`` up; visitors see [row, position, neuron].

        The prompt's last position comes first.

        Args:
            layer: The first block that runs, on what enters it when nothing is changed.
            rows: Variants: as many equal rows, unless a visitor tells them apart.
        """
        with from_layer(self.model, layer, self.entering[layer].expand(rows, -1, -1)):
            return self.forward(rows)


def _behind(model: LanguageModel, before: Sequence[int], again: Sequence[int]) -> Forward:
    """Some tokens, with keys and values of those before them shared."""
    cache, body = None, model.network.base_model
    if before:
        read = body(input_ids=torch.tensor([before], device=model.device), use_cache=True)
        cache = _Shared(read.past_key_values.layers)
    ids = torch.tensor([again], device=model.device)

    def forward(rows: int) -> Tensor:
        output = body(input_ids=ids.expand(rows, -1), past_key_values=cache, use_cache=cache is not None)
        hidden: Tensor = output.last_hidden_state
        return hidden

    return forward


def _at_gaps(model: LanguageModel, encoder: Encoder, text: Sequence[int], gaps: int) -> Forward:
    """A text with gaps behind it. In the row the gaps come first: positions are told, so order is free."""
    marks, begun = encoder.marks, 1 + len(text)
    tokens = [marks.begin, *text, *[marks.gap] * gaps, marks.end]
    places = [*range(begun, begun + gaps), *range(begun), begun + gaps]
    ids = torch.tensor([[tokens[place] for place in places]], device=model.device)
    positions = torch.tensor([places], device=model.device) + encoder.first

    def forward(rows: int) -> Tensor:
        told = {"input_ids": ids.expand(rows, -1), "position_ids": positions.expand(rows, -1)}
        return encoder.bend(model.network.base_model(**told).last_hidden_state)[:, :gaps]

    return forward


class _Shared(Cache):
    """Keys and values of one row that any number of rows read and none of them adds to."""

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """The shared states and the rows' own, for the attention of one layer; nothing is kept."""
        layer = copy(self.layers[layer_idx])
        layer.keys = layer.keys.expand(len(key_states), -1, -1, -1)
        layer.values = layer.values.expand(len(key_states), -1, -1, -1)
        found: tuple[Tensor, Tensor] = layer.update(key_states, value_states, *args, **kwargs)
        return found
