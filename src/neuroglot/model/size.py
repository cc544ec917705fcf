"""How large a model is, without its weights: from its configuration, or from what its name says."""

import re
from dataclasses import dataclass
from typing import Any

import torch

from neuroglot.errors import NeuroglotError
from neuroglot.model.loading import auto_class, load_configuration


@dataclass(frozen=True)
class Size:
    """What the cost of a model depends on.

    Attributes:
        body: Parameters that every token is multiplied with, the head's not among them.
        head: Parameters of the head.
        cache: Numbers of keys and values that a token leaves in the cache, over all layers.
        known_from: ``configuration``, or ``name``: then cache and head are 0, and the body is all of it.
    """

    body: int
    head: int
    cache: int
    known_from: str


def size_of(name: str, *, revision: str | None, trust_remote_code: bool) -> Size:
    """The size of anything that `LanguageModel.load` takes.

    Raises:
        NeuroglotError: There is no configuration to be had, and no size in the name (as in ``Llama-2-7b``).
    """
    try:
        config = load_configuration(name, revision=revision, trust_remote_code=trust_remote_code)
    except NeuroglotError as error:
        told = re.search(r"(\d+(?:\.\d+)?)([bm])\b", name.lower().replace("_", "-"))
        if told is None:
            raise NeuroglotError(f"{error}; nor does the name say how large it is") from error
        return Size(int(float(told[1]) * (1e9 if told[2] == "b" else 1e6)), 0, 0, "name")
    return _of(config)


def _of(config: Any) -> Size:
    with torch.device("meta"):
        network = auto_class(config).from_config(config)
    head = network.get_output_embeddings().weight.numel()
    apart = {id(network.get_input_embeddings().weight), id(network.get_output_embeddings().weight)}
    body = sum(weight.numel() for weight in network.parameters() if id(weight) not in apart)
    text = config.get_text_config()
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    dim = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return Size(body, head, 2 * text.num_hidden_layers * heads * dim, "configuration")
