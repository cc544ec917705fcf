"""The last position of a prompt, again and again: earlier keys and values once, blocks from a layer up.

A change at the last position of a causal model reaches nothing before it. So each variant of it costs one
token from its layer up, however long the prompt, and variants stand beside each other as rows of a batch.
Where an answer of several tokens is read behind the prompt, its tokens but the last are computed with it.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import Cache

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.suffix import entering, from_layer


@dataclass(frozen=True)
class LastPosition:
    """A prompt whose last position can be computed again.

    Attributes:
        model: The model.
        ids: What is computed again: the prompt's last token, then the tokens behind the prompt.
        cache: Keys and values of all positions before; None if there are none.
        entering: What enters each block there.
        hidden: The last hidden states there, nothing changed.
    """

    model: LanguageModel
    ids: tuple[int, ...]
    cache: Cache | None
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
        cache = None
        if len(ids) > 1:
            before = torch.tensor([ids[:-1]], device=model.device)
            cache = _Shared(model.network.base_model(input_ids=before, use_cache=True).past_key_values.layers)
        again = (ids[-1], *after)
        with entering(model, range(model.layers)) as kept:
            hidden = _body(model, again, cache, rows=1)[0]
        state = torch.stack([kept[layer][0].to(model.device) for layer in range(model.layers)])
        return cls(model, again, cache, state, hidden)

    def run(self, layer: int, rows: int) -> Float[Tensor, "row position hidden"]:
        """The last hidden states after the blocks from ``layer`` up; visitors see [row, position, neuron].

        The prompt's last position comes first.

        Args:
            layer: The first block that runs, on what enters it when nothing is changed.
            rows: Variants: as many equal rows, unless a visitor tells them apart.
        """
        with from_layer(self.model, layer, self.entering[layer].expand(rows, -1, -1)):
            return _body(self.model, self.ids, self.cache, rows)


def _body(
    model: LanguageModel, tokens: Sequence[int], cache: Cache | None, rows: int
) -> Float[Tensor, "row position hidden"]:
    ids = torch.tensor([tokens], device=model.device).expand(rows, -1)
    output = model.network.base_model(input_ids=ids, past_key_values=cache, use_cache=cache is not None)
    hidden: Tensor = output.last_hidden_state
    return hidden


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
