"""Masked language models (BERT kin): their families, what keeps the copies of a text apart, their head.

A row may hold several copies of a text side by side, each [begin, text, end] with a gap of its own
(`neuroglot.text.masked`). To the network they are texts of their own: positions count from each beginning,
and attention stays inside a copy. What follows an end is padding, which no copy sees.

Before its linear map the head bends the last state: norm(act(dense(h))). That belongs to the body here, so
that the head stays linear and its closed-form gradient goes back through the bend by autograd.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from neuroglot.errors import NeuroglotError
from neuroglot.model.families import Attention, Family
from neuroglot.text.masked import Marks


@dataclass(frozen=True)
class Bend:
    """The paths of what stands between the last block and the linear map of the head.

    Attributes:
        dense: A linear map.
        norm: The norm.
        act: The activation function between them; None where it is no module: then it is GELU.
        after_padding: Positions are counted from the padding token's number on, as fairseq did.
    """

    dense: str
    norm: str
    act: str | None = None
    after_padding: bool = False


BERT = Family(
    "bert.encoder.layer",
    "output.dense",
    "intermediate.intermediate_act_fn",
    "intermediate.dense",
    attention=Attention(
        "attention.output.dense",
        ("attention.self.query", "attention.self.key", "attention.self.value"),
    ),
)
ROBERTA = replace(BERT, blocks="roberta.encoder.layer")

ENCODERS: Mapping[str, tuple[Family, Bend]] = {
    "bert": (
        BERT,
        Bend(
            "cls.predictions.transform.dense",
            "cls.predictions.transform.LayerNorm",
            "cls.predictions.transform.transform_act_fn",
        ),
    ),
    "roberta": (ROBERTA, Bend("lm_head.dense", "lm_head.layer_norm", after_padding=True)),
    "xlm-roberta": (ROBERTA, Bend("lm_head.dense", "lm_head.layer_norm", after_padding=True)),
}
"""transformers' ``model_type`` → its paths. Multilingual BERT is a ``bert``."""


@dataclass(frozen=True)
class Encoder:
    """What a loaded masked language model has and a causal one has not.

    Attributes:
        marks: Its special tokens.
        first: The number of a text's first position.
        dense: The head's bend, first part.
        act: Second part.
        norm: Third part.
    """

    marks: Marks
    first: int
    dense: nn.Module
    act: nn.Module
    norm: nn.Module

    @classmethod
    def of(cls, network: Any, tokenizer: Any) -> "Encoder":
        """Finds its parts.

        Raises:
            NeuroglotError: It is set up as a decoder, or its tokenizer lacks a special token.
        """
        config = network.config
        if config.is_decoder:
            raise NeuroglotError(
                f"a {config.model_type} model set up as a decoder (is_decoder) is not known; "
                "as a masked language model it is"
            )
        _, bend = ENCODERS[config.model_type]
        return cls(
            Marks.of(tokenizer),
            config.pad_token_id + 1 if bend.after_padding else 0,
            network.get_submodule(bend.dense),
            network.get_submodule(bend.act) if bend.act else nn.GELU(),
            network.get_submodule(bend.norm),
        )

    def inputs(self, ids: Int[Tensor, "row position"], dtype: torch.dtype) -> dict[str, Tensor]:
        """What the network is told beside the ids: each copy's own positions, and whom a position sees."""
        # A text goes from where one begins to where one ends; the end itself still belongs to it.
        copy = (ids == self.marks.begin).cumsum(dim=1)
        copy[:, 1:] += (ids == self.marks.end).cumsum(dim=1)[:, :-1]
        place = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        fresh = torch.ones_like(ids, dtype=torch.bool)
        fresh[:, 1:] = copy[:, 1:] != copy[:, :-1]
        start = torch.where(fresh, place, 0).cummax(dim=1).values
        apart = (copy[:, :, None] != copy[:, None, :])[:, None]
        mask = torch.zeros(apart.shape, dtype=dtype, device=ids.device)
        return {
            "position_ids": place - start + self.first,
            "attention_mask": mask.masked_fill_(apart, torch.finfo(dtype).min),
        }

    def bend(self, hidden: Float[Tensor, "row position hidden"]) -> Float[Tensor, "row position hidden"]:
        """What the head's linear map multiplies."""
        bent: Tensor = self.norm(self.act(self.dense(hidden)))
        return bent
