"""What the masks of a search are worth on validation text: relative LangSpec-F1 and collateral."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from neuroglot.evaluation.langspec import collateral, langspec
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.text.samples import Sample

Mask = Bool[np.ndarray, "layer neuron"]


@dataclass(frozen=True)
class Judge:
    """Validation text and what the untouched model makes of it.

    Attributes:
        model: The model.
        site: Where the masks act.
        samples: The text.
        languages: In the order of targets.
        base: S of every language: exp of the mean log p a token.
        tolerated: Mean collateral that costs nothing.
    """

    model: LanguageModel
    site: str
    samples: Sequence[Sample]
    languages: Sequence[str]
    base: Float[np.ndarray, " language"]
    tolerated: float

    @classmethod
    def of(
        cls,
        model: LanguageModel,
        site: str,
        samples: Sequence[Sample],
        languages: Sequence[str],
        tolerated: float,
    ) -> "Judge":
        """Reads the text with the untouched model."""
        base = _likelihood(log_prob(model, samples, [nobody(model, site)], site), samples, languages)
        return cls(model, site, samples, languages, base[0], tolerated)

    def __call__(self, masks: Sequence[Mask], targets: Sequence[int]) -> list[dict[str, float]]:
        """F1, the target's relative drop, the collateral and the worth of each mask.

        The worth is F1 less the mean collateral beyond what is tolerated; 0 where the target lost nothing.

        Args:
            masks: The masks.
            targets: Index of the language that each is aimed at.
        """
        values = _likelihood(
            log_prob(self.model, self.samples, masks, self.site), self.samples, self.languages
        )
        rows = []
        for masked, target in zip(values, targets, strict=True):
            mean, largest = collateral(self.base, masked, target, drop="relative")
            f1 = float(langspec(self.base, masked, target, drop="relative"))
            excess = max(0.0, float(mean) - self.tolerated) if f1 else 0.0
            rows.append(
                {
                    "worth": f1 - excess,
                    "f1": f1,
                    "drop": float(1 - masked[target] / self.base[target]),
                    "collateral_mean": float(mean),
                    "collateral_max": float(largest),
                }
            )
        return rows


def log_prob(
    model: LanguageModel, samples: Sequence[Sample], masks: Sequence[Mask], site: str
) -> Float[np.ndarray, "mask sample"]:
    """Log p of every sample under every mask."""
    acts = {str(number): Intervention(NeuronSet(site, mask)) for number, mask in enumerate(masks)}
    values: Float[np.ndarray, "mask sample"] = likelihood(model, samples, acts)["log_prob"].values
    return values


def nobody(model: LanguageModel, site: str) -> Mask:
    """The mask that silences nothing."""
    return np.zeros((model.layers, model.site(site).width), dtype=bool)


def _likelihood(
    values: Float[np.ndarray, "mask sample"], samples: Sequence[Sample], languages: Sequence[str]
) -> Float[np.ndarray, "mask language"]:
    spoken = np.array([sample.language for sample in samples])
    tokens = np.array([sample.tokens for sample in samples])
    means = [values[:, spoken == name].sum(axis=1) / tokens[spoken == name].sum() for name in languages]
    return np.asarray(np.exp(np.stack(means, axis=1)))
