"""Per-token scores out of one forward pass, or of one forward and one backward pass (METHODS §2)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from neuroglot.registry import Registry

Activation = Float[Tensor, "row token neuron"]
Formula = Callable[[Activation, Any], Activation]


@dataclass(frozen=True)
class TokenScore:
    """One score of every neuron at every token.

    Attributes:
        formula: (a, g) → score, elementwise; g = ∂s/∂a is None where ``gradient`` is False.
        gradient: Whether it needs the backward pass.
        power: s is a sum over N units, so a sample's score is divided by N to this power (METHODS §1).
        about: The formula in one line, for `neuroglot recipes`.
    """

    formula: Formula
    gradient: bool
    power: int
    about: str


SCORES: Registry[TokenScore] = Registry("score")


def token_score(name: str, *, gradient: bool, power: int = 0) -> Callable[[Formula], Formula]:
    """Registers a formula under ``name``; its docstring's first line says what it is."""

    def enter(formula: Formula) -> Formula:
        about = (formula.__doc__ or "").strip().splitlines()[0]
        SCORES.register(name)(TokenScore(formula, gradient, power, about))
        return formula

    return enter


import neuroglot.attribution.activation  # noqa: E402  one line a new family
import neuroglot.attribution.gradient  # noqa: E402, F401
