"""What a comparison is told: a study, and a section ``compare``."""

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from neuroglot.errors import NeuroglotError
from neuroglot.specificity.contrasts import contrast_names
from neuroglot.specificity.selection import parse_budget
from neuroglot.study.config import Study, Text, load_study
from neuroglot.study.named import Strict
from neuroglot.study.recipe import Recipe, load_recipe
from neuroglot.study.validation import known_kind, known_name, located, validated

QUICK_SENTENCES = {"identify": 16, "report": 8}
QUICK_CROSSED_SENTENCES = 4
QUICK_PATH_SENTENCES = 4
QUICK_STEPS = 8
QUICK_NEURONS = 60

PATHS = ("integrated_gradients", "conductance")
"""Scores that go step by step."""


class Compare(Strict):
    """The sections of a comparison.

    Attributes:
        budgets: At which recipes are compared, beside the study's own.
        baselines: What silenced neurons are set to; at the study's budget.
        contrasts: Crossed with every score.
        crossed_sentences: At most so many sentences of the report for that; default: all.
        neurons: Whose exact effect is measured, over layers and quantiles.
        effect_sentences: On so many sentences a language.
        redrawn: Selections repeated on redrawn documents.
        thresholds: At which CRANE's own rule is tried.
        other: Another corpus to select on, for stability.
        known_answer: Whether recipes are tried on the model whose answer is known.
    """

    budgets: list[int | float | str] = Field(["0.1%", "0.3%", "1%", "2%", "5%"])
    baselines: list[str] = Field(["zero", "grand_mean", "other_mean", "percentile(5)"])
    contrasts: list[str] = Field(
        [
            "none",
            "difference",
            "margin",
            "ratio",
            "zscore",
            "entropy",
            "average_precision",
            "overlap",
        ]
    )
    crossed_sentences: int | None = Field(None, ge=1)
    neurons: int = Field(300, ge=10)
    effect_sentences: int = Field(4, ge=1)
    redrawn: int = Field(5, ge=0)
    thresholds: list[float] = Field([0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
    other: Text | None = None
    known_answer: bool = True

    @property
    def sizes(self) -> list[int | float]:
        """The budgets, parsed."""
        return [parse_budget(budget) for budget in self.budgets]

    @field_validator("budgets")
    @classmethod
    def _budgets(cls, budgets: list[Any]) -> list[Any]:
        try:
            for budget in budgets:
                parse_budget(budget)
        except NeuroglotError as error:
            raise ValueError(str(error)) from error
        return budgets

    @field_validator("baselines")
    @classmethod
    def _kinds(cls, names: list[str]) -> list[str]:
        return [known_kind(name) for name in names]

    @field_validator("contrasts")
    @classmethod
    def _contrasts(cls, names: list[str]) -> list[str]:
        return [known_name("contrast", contrast_names())(name) for name in names]


class Comparison(Study):
    """A study whose recipes are compared.

    Attributes:
        compare: What is measured of them.
    """

    compare: Compare = Compare()

    @model_validator(mode="after")
    def _same_languages(self) -> "Comparison":
        other = self.compare.other
        if other is not None and set(other.languages) != set(self.text.languages):
            raise ValueError(
                f"compare.other: its languages are {', '.join(other.languages)}; "
                f"the study's are {', '.join(self.text.languages)}"
            )
        return self

    def quick(self) -> "Comparison":
        """One budget, one baseline, few sentences, short paths: half an hour on two cores."""
        with located(self.at("text")):
            parts = self.text.parts(self.seed)
        sentences = {
            f"{part}_sentences": min(QUICK_SENTENCES[part], *map(corpus.sentences, corpus.languages))
            for part, corpus in parts.items()
        }
        text = self.text.model_copy(update=sentences)
        controls = self.controls.model_copy(update={"uniform": 2, "matched": min(self.controls.matched, 1)})
        compare = self.compare.model_copy(
            update={
                "budgets": [],
                "baselines": ["zero"],
                "crossed_sentences": self.compare.crossed_sentences or QUICK_CROSSED_SENTENCES,
                "neurons": QUICK_NEURONS,
                "effect_sentences": 1,
                "redrawn": 2,
                "other": None,
            }
        )
        recipes = [_shortened(recipe) for recipe in self.recipes]
        changes = {"text": text, "controls": controls, "compare": compare, "recipes": recipes}
        return self.model_copy(update=changes)

    def only(self, names: list[str]) -> "Comparison":
        """The comparison of other recipes, by name.

        Raises:
            NeuroglotError: An unknown one, or none.
        """
        own = {recipe.name: recipe for recipe in self.recipes}
        recipes = [own.get(name) or load_recipe(name) for name in names]
        if not recipes:
            raise NeuroglotError("there is nothing to compare: name at least one recipe")
        for recipe in recipes:
            recipe.rehearse(self.text.languages)
        controls = self.controls.model_copy(update={"recipes": None})
        changes = {"recipes": recipes, "interventions": {"zero": "all"}, "controls": controls}
        return self.model_copy(update=changes)


def _shortened(recipe: Recipe) -> Recipe:
    """Path methods and noise on few sentences; their steps cut."""
    options, sentences = dict(recipe.score.options), recipe.sentences
    if recipe.score.name in PATHS:
        options["steps"] = min(options.get("steps", QUICK_STEPS), QUICK_STEPS)
    if recipe.score.name in (*PATHS, "smoothgrad", "ablation"):
        sentences = min(sentences or QUICK_PATH_SENTENCES, QUICK_PATH_SENTENCES)
    select = recipe.select
    if recipe.searched:
        select = recipe.searched.model_copy(
            update={"train": 12, "validation": 4, "options": {**recipe.searched.options, **QUICK_SEARCH}}
        )
    score = recipe.score.model_copy(update={"options": options})
    return recipe.model_copy(update={"score": score, "sentences": sentences, "select": select})


QUICK_SEARCH = {"steps": 20, "trial": 10, "weights": [2.0], "validate_every": 10}
"""A search that shows what it is, and no more."""


def load_comparison(path: str | Path) -> Comparison:
    """Reads a comparison, or a plain study to compare the recipes of.

    Raises:
        NeuroglotError: One line that says what is wrong, and where.
    """
    study = load_study(path)
    if isinstance(study, Comparison):
        return study
    comparison = validated(Comparison, study.model_dump(mode="json"), str(path))
    comparison._file = str(path)
    return comparison
