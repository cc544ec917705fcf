"""s = log p_φ(L | pooled hidden state): can the language be read off the model itself (METHODS §1).

φ is a logistic regression (scikit-learn) on the mean of the last hidden states over a text's tokens. It is
fitted on half of the documents; neurons are scored on the others, where its accuracy is reported.

    z = W·h̄ + b,  ∂s/∂h_t = Wᵀ(e_L − softmax z) / T  at each of the T tokens.
"""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from neuroglot.errors import NeuroglotError
from neuroglot.model.batch import Batch, default_budget, pack
from neuroglot.model.head import Head
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES
from neuroglot.objective.objective import Hidden, Objective, Task, texts_of
from neuroglot.text.corpus import Corpus
from neuroglot.text.masked import in_copies
from neuroglot.text.samples import Sample, Unit

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LanguageId(Objective):
    """The log-probability that a probe gives a text's language.

    Attributes:
        strength: Inverse of the probe's L2 penalty, on standardised states.
    """

    strength: float = 0.1
    languages: tuple[str, ...] = field(default=(), repr=False)
    weight: Float[np.ndarray, "language hidden"] | None = field(default=None, repr=False)
    bias: Float[np.ndarray, " language"] | None = field(default=None, repr=False)
    name: ClassVar[str] = "language_id"
    sums: ClassVar[bool] = False
    plain: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.strength < math.inf:
            raise NeuroglotError(f"objective 'language_id': strength must be above 0, not {self.strength}")

    def __call__(self, hidden: Hidden, batch: Batch, head: Head) -> tuple[Float[Tensor, " row"], Hidden]:
        """Value and gradient.

        Raises:
            NeuroglotError: The probe was not fitted (`task` does).
        """
        if self.weight is None or self.bias is None:
            raise NeuroglotError("objective 'language_id' has no probe yet: ask for its task")
        weight, bias = (
            torch.from_numpy(a).to(hidden.device, torch.float32) for a in (self.weight, self.bias)
        )
        log_prob = (_pooled(hidden, batch) @ weight.T + bias).log_softmax(dim=1)
        own = torch.tensor([self.languages.index(sample.language) for sample in batch.samples])
        row = torch.arange(len(own))
        pull = -log_prob.exp()
        pull[row, own] += 1
        real = batch.real[..., None].float()
        slope = (pull @ weight)[:, None] * real / real.sum(dim=1, keepdim=True)
        return log_prob[row, own], slope.to(hidden.dtype)

    def check(self, corpus: Corpus) -> None:
        """Two documents a language: one to fit on, one to score."""
        for language in corpus.languages:
            if len(corpus.documents[language]) < 2:
                raise NeuroglotError(
                    "objective 'language_id' fits its probe on other documents than it scores; "
                    f"{language!r} has only one"
                )

    def task(self, model: LanguageModel, corpus: Corpus, unit: Unit) -> Task:
        """Fits the probe on half of the documents; the other half is the task."""
        from sklearn.linear_model import LogisticRegression

        self.check(corpus)
        parts = corpus.split(probe=0.5, scored=0.5)
        fitting, scored = (_whole(model, parts[name], unit) for name in ("probe", "scored"))
        states = _states(model, fitting)
        mean, spread = states.mean(axis=0), states.std(axis=0) + 1e-6
        probe = LogisticRegression(C=self.strength, max_iter=1000)
        names = list(corpus.languages)
        probe.fit((states - mean) / spread, [names.index(sample.language) for sample in fitting])
        weight, bias = probe.coef_, probe.intercept_
        if len(names) == 2:  # scikit-learn keeps the second class's side only
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
        weight = weight / spread
        bias = bias - weight @ mean
        fitted = replace(self, languages=corpus.languages, weight=weight, bias=bias)
        right = (_states(model, scored) @ weight.T + bias).argmax(axis=1)
        accuracy = float(
            np.mean([names[n] == sample.language for n, sample in zip(right, scored, strict=True)])
        )
        logger.info("language_id: the probe is right on %.1f %% of held-out texts", 100 * accuracy)
        return Task(scored, fitted, {"held-out accuracy": accuracy, "chance": 1 / len(names)})


def _whole(model: LanguageModel, corpus: Corpus, unit: Unit) -> tuple[Sample, ...]:
    """The text with nothing hidden."""
    samples = texts_of(model, corpus, unit)
    if model.encoder is None:
        return samples
    return tuple(in_copies(sample, model.encoder.marks, ()) for sample in samples)


def _pooled(hidden: Hidden, batch: Batch) -> Float[Tensor, "row hidden"]:
    """The mean over the text's tokens."""
    real = batch.real[..., None].float()
    pooled: Tensor = (hidden.float() * real).sum(dim=1) / real.sum(dim=1)
    return pooled


@torch.no_grad()
def _states(model: LanguageModel, samples: Sequence[Sample]) -> Float[np.ndarray, "sample hidden"]:
    states = np.empty((len(samples), model.hidden_size))
    with model.products():
        for chosen in pack(samples, default_budget(model.device)):
            batch = Batch.of([samples[index] for index in chosen], model.device)
            states[chosen] = _pooled(model.body(batch.ids), batch).cpu().numpy()
    return states


OBJECTIVES.register(LanguageId.name)(LanguageId())
