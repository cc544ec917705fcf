"""What samples under masks came to: their log-probabilities, and the tokens that were predicted right.

Token accuracy is teacher-forced: before each token the model has read the true ones, and the token counts as
correct if it is the likeliest (`neuroglot.model.head.Reading`).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import xarray as xr
from jaxtyping import Float, Int
from torch import Tensor

from neuroglot.intervention.hooks import Proof
from neuroglot.model.batch import Batch
from neuroglot.model.head import Head
from neuroglot.statistics.shard import sample_coordinates
from neuroglot.text.samples import Sample


class Record:
    """Fills up batch by batch, in any order.

    Attributes:
        log_prob: Σ log p of a sample's scored tokens, in nats.
        correct: How many of them are the likeliest token.
    """

    def __init__(
        self, head: Head, samples: Sequence[Sample], masks: int, advance: Callable[[int], None]
    ) -> None:
        self.head = head
        self.samples = samples
        self.advance = advance
        self.log_prob: Float[np.ndarray, "mask sample"] = np.empty((masks, len(samples)))
        self.correct: Int[np.ndarray, "mask sample"] = np.zeros((masks, len(samples)), dtype=np.int64)

    def keep(
        self,
        rows: Sequence[tuple[int, int]],
        batch: Batch,
        hidden: Float[Tensor, "row position hidden"],
    ) -> None:
        """Scores the (mask, sample) of each row of a batch from its last hidden states."""
        row, position, token = batch.scored
        found = self.head.read(hidden[row, position], token)
        total = torch.zeros(len(rows), dtype=torch.float64, device=row.device)
        right = torch.zeros(len(rows), dtype=torch.long, device=row.device)
        masks, samples = (list(each) for each in zip(*rows, strict=True))
        self.log_prob[masks, samples] = total.index_add_(0, row, found.log_prob.double()).tolist()
        self.correct[masks, samples] = right.index_add_(0, row, found.correct.long()).tolist()
        self.advance(sum(sample.tokens for sample in batch.samples))

    def dataset(self, names: Sequence[str], proofs: Sequence[Proof]) -> xr.Dataset:
        """What was kept, labelled.

        Returns:
            ``log_prob`` and ``correct`` [mask, sample] with the samples' language, document, tokens,
            characters and bytes, and ``trials``: how many of the tokens are scored (those of a prompt are
            not). And each mask's proof: ``moved`` (largest change of the last hidden state on a probe) and
            ``inert`` (why nothing moved).
        """
        text = np.dtypes.StringDType()
        trials = np.array([sample.tokens - sample.prompt for sample in self.samples], dtype=np.int64)
        return xr.Dataset(
            {
                "log_prob": (("mask", "sample"), self.log_prob),
                "correct": (("mask", "sample"), self.correct),
                "moved": ("mask", np.array([proof.moved for proof in proofs])),
                "inert": ("mask", np.array([proof.inert for proof in proofs], dtype=text)),
            },
            coords={
                "mask": np.array(names, dtype=text),
                **sample_coordinates(self.samples),
                "trials": ("sample", trials),
            },
        )
