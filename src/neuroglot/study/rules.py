"""Selection rules as a recipe names them: the budget, a threshold, or a published method's own."""

from dataclasses import fields
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.specificity.arrays import LanguageMask
from neuroglot.specificity.lape import lape
from neuroglot.specificity.rules import both_ends, consistent, culnig
from neuroglot.specificity.selection import budget as within_budget
from neuroglot.specificity.selection import neurons_allowed
from neuroglot.specificity.selection import threshold as above_threshold
from neuroglot.study.gates.settings import GateSettings
from neuroglot.study.named import Named, Strict
from neuroglot.study.ranking import known_objective
from neuroglot.study.validation import located


class Rule(Strict):
    """From statistic and specificity to the neurons of each language.

    Attributes:
        contrasts: Whether it looks at the specificity; published rules that compare languages themselves take
            the statistic alone.
    """

    contrasts: ClassVar[bool] = True

    @property
    def controls(self) -> tuple[Named, ...]:
        """Further objectives whose statistics `choose` gets, in this order."""
        return ()

    def check_neurons(self, neurons: int) -> None:
        """Refuses a model of so few neurons that a share of them is none."""

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The mask [language, layer, neuron]."""
        raise NotImplementedError


class WithinBudget(Rule):
    """The study's budget, the same for every language."""

    rule: Literal["budget"] = "budget"
    per_layer: bool = False
    shared: Literal["allow", "exclusive"] = "allow"

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The most specific neurons."""
        return within_budget(specificity, size, per_layer=self.per_layer, shared=self.shared)


class AboveThreshold(Rule):
    """Every neuron above a value; the sizes emerge."""

    rule: Literal["threshold"]
    value: float

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The neurons above the threshold."""
        return above_threshold(specificity, self.value)


class Lape(Rule):
    """LAPE's own rule (Tang et al. 2024); the sizes emerge."""

    contrasts: ClassVar[bool] = False
    rule: Literal["lape"]
    top_rate: float = 0.01
    filter_rate: float = 0.95
    activation_bar: float = 0.95

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The neurons of lowest entropy, in every language whose p passes the bar."""
        mask = np.zeros(statistic.shape, dtype=bool)
        found = lape(
            statistic,
            top_rate=self.top_rate,
            filter_rate=self.filter_rate,
            activation_bar=self.activation_bar,
        )
        for language, pairs in enumerate(found):
            mask[language, pairs[:, 0], pairs[:, 1]] = True
        return mask


class BothEnds(Rule):
    """The top and the bottom of the ranking, half the budget each (Kojima et al. 2024)."""

    rule: Literal["both_ends"]

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The highest and the lowest."""
        return both_ends(specificity, size)


class Consistent(Rule):
    """What is among the strongest in every sample of the language, but not in all languages (PLND)."""

    contrasts: ClassVar[bool] = False
    rule: Literal["consistent"]
    consistency: float = Field(1.0, gt=0, le=1)

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The neurons whose share of samples is high enough."""
        return consistent(statistic, self.consistency)


class Culnig(Rule):
    """CULNIG's group-specific rule with its second control; at most ``share`` of the neurons."""

    contrasts: ClassVar[bool] = False
    rule: Literal["culnig"]
    share: float = Field(0.003, gt=0, lt=1)
    control: Named = Named(name="answer", options={"control": "copy"})
    control_share: float = Field(0.01, gt=0, lt=1)
    least_z: float = 0.5

    _control = field_validator("control")(known_objective)

    @property
    def controls(self) -> tuple[Named, ...]:
        """The second control."""
        return (self.control,)

    def check_neurons(self, neurons: int) -> None:
        """Refuses a share of less than one neuron."""
        for name in ("share", "control_share"):
            with located(f"culnig: {name}"):
                neurons_allowed(getattr(self, name), neurons)

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """The top, less the control's top, where the language stands out."""
        return culnig(
            statistic,
            controls[0],
            share=self.share,
            control_share=self.control_share,
            least_z=self.least_z,
        )


class Gates(Rule):
    """The set that a search on the model ends with (METHODS §4, searched gates; `neuroglot.study.gates`).

    Attributes:
        train: At most so many sentences a language to learn on.
        validation: At most so many to judge on, of other documents; λ and step size are chosen there too.
        options: Of `GateSettings`.
    """

    rule: Literal["gates"]
    train: int = Field(160, ge=1)
    validation: int = Field(16, ge=1)
    options: dict[str, Any] = Field({})

    @field_validator("options")
    @classmethod
    def _known(cls, options: dict[str, Any]) -> dict[str, Any]:
        known = [field.name for field in fields(GateSettings)]
        for option in options:
            if option not in known:
                raise ValueError(str(unknown("option", option, known, "select")))
        try:
            _settings(options)
        except (NeuroglotError, TypeError) as error:
            raise ValueError(str(error)) from error
        return options

    @property
    def settings(self) -> GateSettings:
        """How to search."""
        return _settings(self.options)

    def choose(
        self, statistic: np.ndarray, specificity: np.ndarray, size: int | float, *controls: np.ndarray
    ) -> LanguageMask:
        """Where the search starts: the most specific neurons."""
        return within_budget(specificity, size)


def _settings(options: dict[str, Any]) -> GateSettings:
    given: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in options.items()
    }
    return GateSettings(**given)


Selection = WithinBudget | AboveThreshold | Lape | BothEnds | Consistent | Culnig | Gates
