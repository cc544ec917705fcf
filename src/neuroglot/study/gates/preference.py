"""What a search prefers to silence, and how it learns (METHODS §4, searched gates).

θ holds a preference a neuron; the budget's top θ are silent. With S = exp(mean log p a token) and δ = 1 −
S_masked/S the relative drop of a language, LangSpec-F1 is 2δ_L / (1 + δ_L + max_x δ_x), and the gradient of δ
is −(1 − δ)·G, G the gate gradient of log p a token. So θ climbs along

    u = (1 − δ_L)·G_L − λ·Σ_x ω_x·(1 − δ_x)·max(G_x, 0),     ω = softmax(sharpness · δ) over the others.

* G_L > 0 says that silencing the neuron costs the target something: θ rises. The pull fades by itself as the
  target loses its probability; without that a search drifts into destruction.
* ω is a soft maximum: the metric looks at the language that lost most. Only losses count: a neuron is not
  silenced because another language would be better off.
* G and δ are running means over the sentences of the last steps, of every language: two sentences a step
  would be noise. A language that was not drawn keeps its mean.
* u is divided by its own value at the budget's last neuron and clipped, so that one huge gradient moves one
  neuron by no more than a step.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from neuroglot.specificity.selection import budget


@dataclass
class Preference:
    """One search: a target, λ and a step size, and what it has learnt.

    Attributes:
        target: Index of the language.
        weight: λ.
        rate: Step size, in ranks.
        size: Neurons that may be silent.
        theta: The preferences.
        gradient: Running mean of each language's gate gradient a token, at the masks of the last steps.
        change: Running mean of each language's change of log p a token.
        seen: Steps in which each language was read.
    """

    target: int
    weight: float
    rate: float
    size: int
    theta: Float[np.ndarray, "layer neuron"]
    gradient: Float[np.ndarray, "language layer neuron"]
    change: Float[np.ndarray, " language"]
    seen: Int[np.ndarray, " language"]

    @classmethod
    def of(
        cls,
        target: int,
        languages: int,
        weight: float,
        rate: float,
        size: int,
        start: Float[np.ndarray, "layer neuron"],
    ) -> "Preference":
        """A search that has learnt nothing yet and silences the highest of ``start``."""
        gradient = np.zeros((languages, *start.shape), dtype=np.float32)
        nothing = np.zeros(languages)
        return cls(target, weight, rate, size, ranks(start), gradient, nothing, nothing.astype(np.int64))

    @property
    def mask(self) -> Bool[np.ndarray, "layer neuron"]:
        """The silent neurons."""
        chosen: Bool[np.ndarray, "layer neuron"] = budget(self.theta[None], self.size)[0]
        return chosen

    @property
    def drops(self) -> Float[np.ndarray, " language"]:
        """δ: the share of its likelihood that each language has lost, as far as the last steps show."""
        return np.asarray(np.maximum(1 - np.exp(self.change), 0.0))

    def attention(self, sharpness: float) -> Float[np.ndarray, " language"]:
        """ω: how much each language counts among the others; 0 for the target."""
        odds = np.exp(sharpness * self.drops)
        odds[self.target] = 0
        return np.asarray(odds / odds.sum())

    def others(self, count: int, sharpness: float, dice: np.random.Generator) -> list[int]:
        """Languages to read next to the target: half the draw is even, half goes to those that lost most."""
        even = np.ones(len(self.change))
        even[self.target] = 0
        odds = (self.attention(sharpness) + even / even.sum()) / 2
        drawn = dice.choice(len(odds), size=min(count, len(odds) - 1), replace=False, p=odds)
        return [int(other) for other in drawn]

    def learn(
        self, language: int, gradient: Float[np.ndarray, "layer neuron"], change: float, memory: float
    ) -> None:
        """Takes a step's sentences of one language into the running means.

        Args:
            language: Its index.
            gradient: Their gate gradients a token.
            change: Their change of log p a token.
            memory: Share of the old mean that stays; the first few count alike.
        """
        self.seen[language] += 1
        new = max(1 - memory, 1 / self.seen[language])
        self.gradient[language] += np.float32(new) * (gradient - self.gradient[language])
        self.change[language] += new * (change - self.change[language])

    def move(self, step: float, weight: float, sharpness: float) -> None:
        """Climbs along u: the budget's last neuron by the step size, and none by more.

        Args:
            step: The part of the step size that is taken now.
            weight: The part of λ that counts now.
            sharpness: Of ω.
        """
        left = 1 - self.drops
        loss = self.attention(sharpness) * left
        wish = left[self.target] * self.gradient[self.target].astype(np.float64)
        for other in np.flatnonzero(loss):
            wish -= self.weight * weight * loss[other] * np.maximum(self.gradient[other], 0)
        strength = np.abs(wish).reshape(-1)
        scale = np.partition(strength, len(strength) - self.size)[len(strength) - self.size]
        if scale > 0:
            self.theta += self.rate * step * np.clip(wish / scale, -1, 1)


def ranks(scores: Float[np.ndarray, "layer neuron"]) -> Float[np.ndarray, "layer neuron"]:
    """1 for the highest to 0 for the lowest; of equal ones the first is higher. NaN and −∞ are lowest."""
    flat = np.where(np.isnan(scores), -np.inf, scores).reshape(-1)
    ranked = np.empty(len(flat))
    ranked[np.argsort(-flat, kind="stable")] = np.linspace(1, 0, len(flat))
    return ranked.reshape(scores.shape)
