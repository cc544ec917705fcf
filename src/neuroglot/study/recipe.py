"""A recipe: objective + score + reductions + contrast + selection. Data, not code: `recipes/*.yaml`.

Once a bank holds a recipe's quantities, the recipe is post-processing and takes seconds:

    ranking (→ `neuroglot.study.ranking`) → what other rankings leave → selection
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from pydantic import Field, model_validator

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.model.language_model import LanguageModel
from neuroglot.specificity.arrays import LanguageMask
from neuroglot.specificity.contrasts import check_contrast_options
from neuroglot.specificity.rules import among, among_layers
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.named import Named, Strict
from neuroglot.study.ranking import Ranking, Scale
from neuroglot.study.rules import Gates, Selection, WithinBudget
from neuroglot.study.validation import validated, yaml_document

__all__ = ["RECIPES", "Among", "Recipe", "Scale", "Strict", "load_recipe", "recipe_names"]

RECIPES = Path(__file__).parent / "recipes"


class Among(Ranking):
    """A cheaper ranking that narrows the candidates down.

    Attributes:
        by: Whether it picks neurons, or whole layers by the sum of their neurons.
        keep: The share of them that stays.
    """

    by: Literal["neurons", "layers"] = "neurons"
    keep: float = Field(gt=0, lt=1)

    def check_model(self, model: LanguageModel, layers: int) -> None:
        """Refuses what cannot be ranked, or of which nothing would be kept."""
        super().check_model(model, layers)
        neurons = model.site(self.site).width * layers
        if round(self.keep * (neurons if self.by == "neurons" else layers)) < 1:
            raise NeuroglotError(f"among: {self.keep:.4%} of {layers} layers is none of their {self.by}")

    def narrowed(self, specificity: xr.DataArray, bank: ScoreBank) -> xr.DataArray:
        """The specificity, NaN where the candidate is out."""
        own = self.ranked(bank).values
        if self.by == "neurons":
            return specificity.copy(data=among(specificity.values, own, self.keep))
        return specificity.copy(data=among_layers(specificity.values, np.nansum(own, axis=2), self.keep))


class Recipe(Ranking):
    """One way to find the neurons of each language.

    Attributes:
        name: What it is called in tables.
        about: One line for people.
        source: Paper, or where the idea comes from.
        among: Only among what this other ranking leaves.
        select: Selection rule.
    """

    name: str = Field(pattern=r"^[\w-]+$")
    about: str = ""
    source: str = ""
    contrast: Named
    among: Among | None = None
    select: Selection = Field(WithinBudget(), discriminator="rule")

    @model_validator(mode="after")
    def _same_neurons(self) -> "Recipe":
        if self.among and self.among.by == "neurons" and self.among.site != self.site:
            raise ValueError(
                f"among: ranks neurons at {self.among.site!r}, the recipe those at {self.site!r}"
            )
        if not self.select.contrasts and self.contrast.name != "none":
            raise ValueError(
                f"select: rule {self.select.rule!r} compares languages itself and would not look at contrast "
                f"{self.contrast.name!r}: say contrast: none"
            )
        for control in self.select.controls:
            self._check_other(control, "select.control")
        return self

    @property
    def tasks(self) -> dict[Quantity, Named]:
        """Every quantity that a pass must keep, with the objective that it is scored for."""
        needed = super().tasks
        if self.among:
            needed |= self.among.tasks
        return needed | {self._quantity(control): control for control in self.select.controls}

    @property
    def searched(self) -> Gates | None:
        """The search that goes on from the ranking, if it is one: that takes the model."""
        return self.select if isinstance(self.select, Gates) else None

    def rehearse(self, languages: list[str]) -> None:
        """Tries contrasts and selection on made-up numbers, so that mistakes cost no model time.

        Raises:
            NeuroglotError: What they would say after the pass.
        """
        for ranking in (self, self.among):
            if ranking:
                check_contrast_options(ranking.contrast.name, ranking.contrast.options, languages)
        made_up = np.random.default_rng(0).random((len(languages), 10, 1000))
        self.select.choose(made_up, made_up, 1, *(made_up for _ in self.select.controls))

    def check_model(self, model: LanguageModel, layers: int) -> None:
        """Refuses what cannot be ranked, or too few neurons for the rule."""
        super().check_model(model, layers)
        if self.among:
            self.among.check_model(model, layers)
        self.select.check_neurons(model.site(self.site).width * layers)

    def candidates(self, statistic: xr.DataArray, bank: ScoreBank | None = None) -> xr.DataArray:
        """The specificity of the neurons that may be chosen; NaN for all others."""
        specificity = self.specificity(statistic, bank)
        if self.among is None:
            return specificity
        if bank is None:
            raise NeuroglotError(f"recipe {self.name!r} chooses among another ranking's: it needs the bank")
        return self.among.narrowed(specificity, bank)

    def choose(
        self, statistic: xr.DataArray, size: int | float, bank: ScoreBank | None = None
    ) -> LanguageMask:
        """The neurons of every language, [language, layer, neuron].

        Args:
            statistic: What `statistic` gave.
            size: The budget a language.
            bank: Needed by contrasts and rules that read more of it than the statistic.
        """
        specificity = self.candidates(statistic, bank)
        if self.select.controls and bank is None:
            raise NeuroglotError(f"recipe {self.name!r} has a control: it needs the score bank")
        controls = [self.statistic_for(one, bank).values for one in self.select.controls if bank is not None]
        return self.select.choose(statistic.values, specificity.values, size, *controls)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def load_recipe(name: str | Path, /, **changes: Any) -> Recipe:
    """A recipe by name, or from a YAML file of your own.

    Args:
        name: Its name or file.
        changes: Keys to set otherwise.

    Raises:
        NeuroglotError: Unknown name (with the nearest one), or a key or value that is wrong (with its place).
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if str(name) not in recipe_names():
            raise unknown("recipe", str(name), recipe_names())
        path = RECIPES / f"{name}.yaml"
    where = str(path) if path.parent != RECIPES else f"recipe {name}"
    return validated(Recipe, yaml_document(path) | changes, where)
