"""How much a neuron matters for s: every score by name (METHODS §2).

Most are a formula of a neuron's activation and its gradient, and all of these come out of one forward and one
backward pass (`token_score`). The others are *sweeps* and run passes of their own (`sweep`).
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from neuroglot.attribution.sweeps import Sweep
from neuroglot.model.language_model import LanguageModel
from neuroglot.registry import Registry, check_options

Activation = Float[Tensor, "row token neuron"]
Formula = Callable[[Activation, Any], Activation]
Around = Callable[[LanguageModel, Any], AbstractContextManager[None]]
Check = Callable[[LanguageModel, str, Any], None]


@dataclass(frozen=True)
class NoOptions:
    """Of scores that have none."""


@dataclass(frozen=True)
class Score:
    """One score of every neuron.

    Attributes:
        gradient: Whether it is a score *for* an objective s.
        about: The formula in one line, for `neuroglot recipes`.
        length: Options → power: s is a sum over N units, so a sample's score is divided by N to this power
            (METHODS §1).
        options: The dataclass of its options; its defaults are the score's.
        formula: (a, g) → score, elementwise; g = ∂s/∂a is None where ``gradient`` is False.
        around: What the pass of a formula runs inside of, if anything: other rules for going back.
        sweep: What is run instead of one pass.
        whole: It is a score of the whole sample: there are no tokens to reduce, and it may leave neurons out
            (NaN: never chosen).
        check: (model, site, options): refuses, before any pass, what the score cannot do there.
    """

    gradient: bool
    about: str
    length: Callable[[Any], int]
    options: type = NoOptions
    formula: Formula | None = None
    around: Around | None = None
    sweep: Sweep | None = None
    whole: bool = False
    check: Check | None = None

    @property
    def power(self) -> int:
        """The power of N under the default options."""
        return self.length(self.options())

    def configured(self, options: Mapping[str, Any], name: str) -> Any:
        """The options as the score takes them.

        Raises:
            NeuroglotError: One that it does not have, or a value that it cannot take.
        """
        check_options(self.options, options, f"score {name!r}")
        return self.options(**options)

    def read_options(self, text: str) -> Any:
        """The options that a quantity names, as JSON."""
        return self.options(**json.loads(text)) if text else self.options()


SCORES: Registry[Score] = Registry("score")


def token_score(
    name: str, *, gradient: bool, power: int = 0, options: type = NoOptions, around: Around | None = None
) -> Callable[[Formula], Formula]:
    """Registers a formula under ``name``; its docstring's first line says what it is."""

    def enter(formula: Formula) -> Formula:
        entry = Score(gradient, _about(formula), lambda _: power, options, formula=formula, around=around)
        SCORES.register(name)(entry)
        return formula

    return enter


def sweep(
    name: str,
    *,
    options: type = NoOptions,
    power: int | Callable[[Any], int] = 0,
    about: str = "",
    gradient: bool = True,
    whole: bool = False,
    check: Check | None = None,
) -> Callable[[Sweep], Sweep]:
    """Registers a sweep under ``name``; its docstring's first line says what it is, unless ``about`` does."""

    def enter(run: Sweep) -> Sweep:
        length = power if callable(power) else lambda _: power
        entry = Score(gradient, about or _about(run), length, options, sweep=run, whole=whole, check=check)
        SCORES.register(name)(entry)
        return run

    return enter


def _about(plugin: Any) -> str:
    return (plugin.__doc__ or "").strip().splitlines()[0]


# One line a new family. Each registers its scores, and needs the names above.
import neuroglot.attribution.ablation_score  # noqa: E402
import neuroglot.attribution.activation  # noqa: E402
import neuroglot.attribution.conductance  # noqa: E402
import neuroglot.attribution.gradient  # noqa: E402
import neuroglot.attribution.integrated_gradients  # noqa: E402
import neuroglot.attribution.jacobian  # noqa: E402
import neuroglot.attribution.parallel  # noqa: E402
import neuroglot.attribution.random_score  # noqa: E402
import neuroglot.attribution.relevance  # noqa: E402
import neuroglot.attribution.smoothgrad  # noqa: E402, F401
