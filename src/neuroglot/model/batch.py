"""Length-sorted packing: samples of like length share a batch, so hardly anything is padding.

Padding goes to the right. In a causal model no real position attends to what follows it, so the numbers at
real positions do not depend on it and no attention mask is needed; a masked one is told where a text ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from neuroglot.text.samples import Sample

TOKEN_BUDGET = 512
"""Positions a batch on a processor. On two cores more does not run faster, and memory grows with it."""

GPU_TOKEN_BUDGET = 8192
"""Positions a batch on a GPU, which fewer do not fill; halved where memory runs out."""


def default_budget(device: torch.device | str) -> int:
    """Positions a batch on a device."""
    return TOKEN_BUDGET if torch.device(device).type == "cpu" else GPU_TOKEN_BUDGET


@dataclass(frozen=True)
class Batch:
    """Samples side by side.

    Attributes:
        samples: The rows.
        ids: [row, position], BOS first, padded on the right.
        lengths: [row], positions in use, BOS included.
    """

    samples: tuple[Sample, ...]
    ids: Int[Tensor, "row position"]
    lengths: Int[Tensor, " row"]

    @classmethod
    def of(cls, samples: Sequence[Sample], device: torch.device | str = "cpu") -> "Batch":
        """Pads ``samples`` with token 0, which no real position ever sees."""
        lengths = torch.tensor([len(sample.ids) for sample in samples])
        ids = torch.zeros(len(samples), int(lengths.max()), dtype=torch.long)
        for row, sample in enumerate(samples):
            ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
        return cls(tuple(samples), ids.to(device), lengths.to(device))

    @property
    def real(self) -> Bool[Tensor, "row position"]:
        """Where neurons are read: at the text's own tokens, not at BOS (or CLS, SEP) or padding."""
        position = torch.arange(self.ids.shape[1], device=self.ids.device)
        inside = (position >= 1) & (position < self.lengths[:, None])
        for row, sample in enumerate(self.samples):
            if sample.gaps is not None:
                inside[row] &= (position % (sample.tokens + 2) + 1) % (sample.tokens + 2) > 1
        return inside

    @property
    def predicting(self) -> Bool[Tensor, "row position"]:
        """The positions that predict a scored token: BOS, or the end of a prompt, up to the last but one.

        In a masked language model these are the gaps.
        """
        position = torch.arange(self.ids.shape[1], device=self.ids.device)
        prompts = torch.tensor([sample.prompt for sample in self.samples], device=self.ids.device)
        predicting = (position < self.lengths[:, None] - 1) & (position >= prompts[:, None])
        for row, sample in enumerate(self.samples):
            if sample.gaps is not None:
                predicting[row] = False
                predicting[row, [place for place, _ in sample.gaps]] = True
        return predicting

    @property
    def scored(self) -> tuple[Int[Tensor, " token"], Int[Tensor, " token"], Int[Tensor, " token"]]:
        """Every scored token: its row, the position that predicts it, and the token itself."""
        row, position = self.predicting.nonzero(as_tuple=True)
        token = self.ids[row, position + 1]
        for number, sample in enumerate(self.samples):
            if sample.gaps is not None:
                token[row == number] = token.new_tensor([hidden for _, hidden in sample.gaps])
        return row, position, token


def pack(samples: Sequence[Sample], token_budget: int = TOKEN_BUDGET, rows: int = 1) -> list[list[int]]:
    """Groups sample indices into batches of at most ``token_budget`` positions, longest first.

    Args:
        samples: What to pack.
        token_budget: Positions a batch; a longer sample gets a batch of its own.
        rows: Rows that each sample takes (one a mask, when masks share a batch).

    Returns:
        Lists of indices into ``samples``; every index once. Longest first: a lack of memory shows at once.
    """
    order = sorted(range(len(samples)), key=lambda index: (-len(samples[index].ids), index))
    batches: list[list[int]] = []
    for index in order:
        if batches:
            longest = len(samples[batches[-1][0]].ids)
            if (len(batches[-1]) + 1) * rows * longest <= token_budget:
                batches[-1].append(index)
                continue
        batches.append([index])
    return batches
