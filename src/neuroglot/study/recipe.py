"""A recipe: objective + score + reductions + contrast + selection. Data, not code: `recipes/*.yaml`.

Once a bank holds a recipe's quantity, the recipe is post-processing and takes seconds:

    quantity → statistic over samples → scale in the language → scale in the layer → contrast → selection
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.families import FAMILIES
from neuroglot.objective import OBJECTIVES
from neuroglot.specificity.arrays import LanguageMask
from neuroglot.specificity.contrasts import CONTRASTS
from neuroglot.specificity.lape import lape
from neuroglot.specificity.scales import LANGUAGE_SCALES, LAYER_SCALES
from neuroglot.specificity.selection import budget as within_budget
from neuroglot.specificity.selection import threshold as above_threshold
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.reductions import REDUCTIONS
from neuroglot.study.validation import known_name, validated, yaml_document

RECIPES = Path(__file__).parent / "recipes"


class Strict(BaseModel):
    """Frozen, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scale(Strict):
    """How a statistic is made comparable before languages are contrasted."""

    language: str = "none"
    layer: str = "none"

    _language = field_validator("language")(known_name("language scale", LANGUAGE_SCALES))
    _layer = field_validator("layer")(known_name("layer scale", LAYER_SCALES))


class Contrast(Strict):
    """A contrast and its options."""

    name: str
    options: dict[str, Any] = {}

    _name = field_validator("name")(known_name("contrast", CONTRASTS))


class WithinBudget(Strict):
    """The study's budget, the same for every language."""

    rule: Literal["budget"] = "budget"
    per_layer: bool = False
    shared: Literal["allow", "exclusive"] = "allow"

    def choose(self, statistic: np.ndarray, specificity: np.ndarray, size: int | float) -> LanguageMask:
        """The most specific neurons."""
        return within_budget(specificity, size, per_layer=self.per_layer, shared=self.shared)


class AboveThreshold(Strict):
    """Every neuron above a value; the sizes emerge."""

    rule: Literal["threshold"]
    value: float

    def choose(self, statistic: np.ndarray, specificity: np.ndarray, size: int | float) -> LanguageMask:
        """The neurons above the threshold."""
        return above_threshold(specificity, self.value)


class Lape(Strict):
    """LAPE's own rule (Tang et al. 2024); the sizes emerge."""

    rule: Literal["lape"]
    top_rate: float = 0.01
    filter_rate: float = 0.95
    activation_bar: float = 0.95

    def choose(self, statistic: np.ndarray, specificity: np.ndarray, size: int | float) -> LanguageMask:
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


class Recipe(Strict):
    """One way to find the neurons of each language.

    Attributes:
        name: What it is called in tables.
        about: One line for people.
        source: Paper, or where the idea comes from.
        site: Where the neurons are.
        objective: The scalar s.
        score: The per-token score.
        tokens: Token reduction.
        samples: Sample statistic.
        per: What a sample's score is divided by.
        scale: Scales inside the language and inside the layer.
        contrast: Contrast over languages.
        select: Selection rule.
    """

    name: str = Field(pattern=r"^[\w-]+$")
    about: str = ""
    source: str = ""
    site: str = "mlp"
    objective: str = "logprob"
    score: str
    tokens: str = "max"
    samples: str = "mean"
    per: Literal["tokens", "characters", "bytes"] = "tokens"
    scale: Scale = Scale()
    contrast: Contrast
    select: WithinBudget | AboveThreshold | Lape = Field(WithinBudget(), discriminator="rule")

    _site = field_validator("site")(
        known_name("site", {site for family in FAMILIES.values() for site in family.taps})
    )
    _objective = field_validator("objective")(known_name("objective", OBJECTIVES))
    _score = field_validator("score")(known_name("score", SCORES))
    _tokens = field_validator("tokens")(known_name("token reduction", REDUCTIONS))
    _samples = field_validator("samples")(known_name("sample statistic", STATISTICS))

    @field_validator("contrast", mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _rate_of_sums(self) -> "Recipe":
        if self.samples == "rate" and (self.tokens != "sum" or self.quantity.power):
            raise ValueError(
                "the statistic 'rate' is Σ scores / Σ tokens: it needs tokens: sum and a forward score"
            )
        return self

    @property
    def quantity(self) -> Quantity:
        """What the pass must keep for it."""
        score = SCORES[self.score]
        return Quantity(
            self.site, self.score, self.tokens, score.power, self.objective if score.gradient else ""
        )

    def statistic(self, bank: ScoreBank) -> xr.DataArray:
        """S [language, layer, neuron], before scaling."""
        return bank.statistic(self.quantity, self.samples, self.per)

    def scaled(self, statistic: xr.DataArray) -> xr.DataArray:
        """S on the scales that the contrast compares."""
        inside = LANGUAGE_SCALES[self.scale.language](statistic.values)
        return statistic.copy(data=LAYER_SCALES[self.scale.layer](inside))

    def specificity(self, statistic: xr.DataArray) -> xr.DataArray:
        """The contrast of the scaled statistic."""
        languages = [str(name) for name in statistic["language"].values]
        contrast = CONTRASTS[self.contrast.name]
        try:
            values = contrast(self.scaled(statistic).values, languages, **self.contrast.options)
        except TypeError as error:
            raise NeuroglotError(f"recipe {self.name!r}: contrast {self.contrast.name!r}: {error}") from error
        return statistic.copy(data=values)

    def choose(self, statistic: xr.DataArray, size: int | float) -> LanguageMask:
        """The neurons of every language, [language, layer, neuron]."""
        return self.select.choose(statistic.values, self.specificity(statistic).values, size)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name: str | Path) -> Recipe:
    """A recipe by name, or from a YAML file of your own.

    Raises:
        NeuroglotError: Unknown name (with the nearest one), or a key or value that is wrong (with its place).
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if str(name) not in recipe_names():
            raise unknown("recipe", str(name), recipe_names())
        path = RECIPES / f"{name}.yaml"
    return validated(Recipe, yaml_document(path), str(path) if path.parent != RECIPES else f"recipe {name}")
