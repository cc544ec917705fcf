"""Where each row of a batch ends: at a token that ends a text, or at a string that no answer passes."""

from collections.abc import Collection, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import StoppingCriteria

from neuroglot.model.language_model import LanguageModel

SPARE = 4
"""Tokens read beyond a stop's own bytes: some tokens spell nothing."""


class Ends(StoppingCriteria):
    """Notes for each row how many tokens it had written when it ended, and stops when all have.

    `transformers` finds strings too, but looks through the whole vocabulary first.

    Attributes:
        tokens: [row] tokens written, with the one that ended it; -1 where it goes on.
    """

    def __init__(
        self, tokenizer: Any, prompt: int, rows: int, last: Collection[int], stops: Sequence[str]
    ) -> None:
        self.tokenizer = tokenizer
        self.prompt = prompt
        self.last = last
        self.stops = stops
        self.tail = max((len(stop.encode()) for stop in stops), default=0) + SPARE
        self.tokens = [-1] * rows

    def __call__(
        self, input_ids: Int[Tensor, "row position"], scores: Float[Tensor, "row token"], **_: Any
    ) -> Bool[Tensor, " row"]:
        """Which rows have ended."""
        written = input_ids[:, self.prompt :]
        tails = written[:, -self.tail :].tolist()
        for row, tail in enumerate(tails):
            if self.tokens[row] < 0 and self._ended(tail):
                self.tokens[row] = written.shape[1]
        return torch.tensor([tokens >= 0 for tokens in self.tokens], device=input_ids.device)

    def _ended(self, tail: list[int]) -> bool:
        if tail[-1] in self.last:
            return True
        return bool(self.stops) and any(stop in decoded(self.tokenizer, tail) for stop in self.stops)


def decoded(tokenizer: Any, ids: Sequence[int]) -> str:
    """The text of tokens, without special ones."""
    text: str = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text


def last_tokens(model: LanguageModel) -> frozenset[int]:
    """The tokens that end a text: the tokenizer's, and what the model's configurations name."""
    found = {model.tokenizer.eos_token_id}
    for config in (model.network.config, getattr(model.network, "generation_config", None)):
        own = getattr(config, "eos_token_id", None)
        found |= set(own) if isinstance(own, (list, tuple)) else {own}
    return frozenset(token for token in found if token is not None)
