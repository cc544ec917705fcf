"""Switching neurons off the other way, in the weights: the oracle of every intervention by zero."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch import Tensor

from neuroglot.model.language_model import LanguageModel


@contextmanager
def columns_zeroed(model: LanguageModel, mask: np.ndarray) -> Iterator[None]:
    """Zeroes the down projection's columns of ``mask`` [layer, neuron], and puts the weights back."""
    with torch.no_grad(), ExitStack() as stack:
        for layer in np.flatnonzero(mask.any(axis=1)):
            weight = model.down_weight(int(layer))
            stack.callback(weight.copy_, weight.clone())
            weight[:, torch.tensor(mask[layer])] = 0
        yield


def log_probs(model: LanguageModel, ids: Tensor) -> Tensor:
    """log p of every next token [row, position, vocabulary], from the logits of transformers itself."""
    with torch.inference_mode():
        return model.network(input_ids=ids).logits.float().log_softmax(-1)


def predictable(model: LanguageModel, tokens: int) -> tuple[int, ...]:
    """BOS and a text in which two tokens of three are the model's own first choice."""
    ids = [2]
    for number in range(tokens):
        likeliest = int(log_probs(model, torch.tensor([ids]))[0, -1].argmax())
        ids.append(likeliest if number % 3 else 3 + 17 * number)
    return tuple(ids)
