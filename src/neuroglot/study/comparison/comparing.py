"""A comparison in a run folder: section after section, each a function from this object to frames."""

from collections.abc import Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.specificity.selection import neurons_allowed
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.comparison.budgets import scored_neurons
from neuroglot.study.comparison.settings import Comparison
from neuroglot.study.plan import control_sets
from neuroglot.study.recipe import Recipe, Scale
from neuroglot.study.rules import WithinBudget
from neuroglot.study.run import Run
from neuroglot.study.sections import Frames, Sections
from neuroglot.study.steps import activation_read
from neuroglot.study.validation import located
from neuroglot.text.samples import Sample


class Comparing(Sections):
    """A comparison under way.

    Attributes:
        comparison: What is compared.
    """

    def __init__(self, run: Run, comparison: Comparison) -> None:
        super().__init__(run, "comparison")
        self.comparison = comparison

    def check(self) -> None:
        """Refuses what would spoil the comparison, before any pass.

        Raises:
            NeuroglotError: A document on both sides of the split, or a budget that the model has not.
        """
        text = self.run.text
        both = [
            (language, one.id)
            for language in self.languages
            for one in text["report"].documents[language]
            if one.id in {other.id for other in text["identify"].documents[language]}
        ]
        if both:
            raise NeuroglotError(
                f"document {both[0][1]!r} of {both[0][0]!r} is in the text to identify on and in the report"
            )
        for size in self.comparison.compare.sizes:
            with located(self.comparison.at("compare.budgets")):
                neurons_allowed(size, scored_neurons(self.run))

    def score(self) -> ScoreBank:
        """The one bank that everything is read from."""
        self.check()
        return self.run.score(self._beside())

    def about(self) -> dict[str, Any]:
        """How it was made, for the page."""
        comparison, manifest = self.comparison, self.run.manifest
        scored = manifest["stages"]["score"]
        model, text = scored["model"], scored["text"]
        return {
            "title": comparison.title,
            "model": Path(model["name"]).name,
            "revision": model["revision"] or "none",
            "weights": model["fingerprint"],
            "precision": model["precision"],
            "identified on": f"{text['identify']['name']} ({text['identify']['fingerprint'][:12]})",
            "reported on": f"{text['report']['name']} ({text['report']['fingerprint'][:12]})",
            "languages": self.languages,
            "sentences": {
                part: {name: corpus.sentences(name) for name in self.languages}
                for part, corpus in self.run.text.items()
            },
            "recipes": {recipe.name: f"{recipe.about} {recipe.source}" for recipe in comparison.recipes},
            "budget": comparison.budget,
            "seed": comparison.seed,
            "resamples": comparison.resamples,
            "versions": manifest["versions"],
            "started": manifest["started"],
            "finished": manifest["finished"],
            "seconds": self.seconds,
            "commands": ["neuroglot compare study.yaml   # the study.yaml of this run's folder"],
        }

    def frames(self) -> Frames:
        """Every section's frames; finished ones are read, the others measured."""
        from neuroglot.study.comparison.sections import SECTIONS

        found: Frames = {}
        for name in SECTIONS:
            found |= self.section(name)
        return found

    def section(self, name: str) -> Frames:
        """One section's frames."""
        from neuroglot.study.comparison.sections import SECTIONS

        return self.kept(name, partial(SECTIONS[name], self), self.comparison.digest)

    @cached_property
    def controls(self) -> dict[str, dict[str, NeuronSet]]:
        """Uniform sets, and those matched to each recipe's."""
        sets = {recipe.name: self.chosen(recipe) for recipe in self.comparison.recipes}
        return control_sets(self.comparison, self.run.bank, sets)

    def few(self, sentences: int | None) -> Sequence[Sample] | None:
        """So many sentences a language of the report; None, which is all of it, if it has no more."""
        study, text = self.run.study, self.run.text["report"]
        if sentences is None or sentences >= min(map(text.sentences, text.languages)):
            return None
        return samples_of(self.run.model, text.take(sentences, study.seed), study.text.unit)

    def _beside(self) -> list[Quantity]:
        """What baselines and sections need of the pass beside the recipes."""
        sites = {recipe.site for recipe in self.comparison.recipes}
        needed: set[Quantity] = set()
        for kind in self.comparison.compare.baselines:
            for site in sites:
                needed |= activation_read(kind, site)
        # Predicted effects of whole sets are signed sums over tokens.
        return sorted(needed | {Quantity("mlp", "grad_act", "sum", 1, "logprob")})


def sized(recipe: Recipe) -> bool:
    """Whether the budget decides how many neurons a recipe chooses."""
    return recipe.select.rule in ("budget", "both_ends", "gates")


def recrossed(recipe: Recipe, contrast: str) -> Recipe:
    """A recipe's score and statistics, unscaled, under another contrast and the plain budget.

    Raises:
        ValueError: They do not go together.
    """
    document = recipe.model_dump(mode="json") | {
        "name": f"{recipe.name}--{contrast}",
        "scale": Scale().model_dump(),
        "contrast": contrast,
        "select": WithinBudget().model_dump(),
        "among": None,
    }
    return Recipe.model_validate(document)
