"""The controls of a run under way: check after check, each kept when it is finished."""

import logging
from collections.abc import Iterator, Sequence
from functools import cached_property, partial

from pydantic import ValidationError

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.intervention.kinds import Intervention
from neuroglot.objective import samples_of
from neuroglot.statistics.bank import ScoreBank
from neuroglot.study.config import Study
from neuroglot.study.controls.checks import CHECKS, Check, options_of
from neuroglot.study.named import Named, Strict
from neuroglot.study.plan import UNIFORM, control_sets
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.sections import Frames, Sections, Sets
from neuroglot.study.steps import score, select
from neuroglot.study.validation import located
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample

logger = logging.getLogger(__name__)


class Controlling(Sections):
    """Checks on the sets of a run whose stages are finished."""

    def __init__(self, run: Run) -> None:
        super().__init__(run, "controls")

    @property
    def recipes(self) -> list[Recipe]:
        """Whose sets are checked: those that get matched controls."""
        study = self.run.study
        return [one for one in study.recipes if one.name in (study.controls.recipes or [one.name])]

    @property
    def ablation(self) -> Ablation:
        """What the run itself measured: the sets, their controls, everything off."""
        return self.run.ablation

    def frames(self) -> Frames:
        """Every check's frames; finished ones are read, the others measured."""
        found: Frames = {}
        for named, check, options in checks_of(self.run.study.checks):
            rests_on = (self.run.study.digest, named.key)
            with located(self.run.study.at(f"checks: {named.name}")):
                found |= self.kept(named.name, partial(check.measure, self, options), *rests_on)
        return found

    def chosen(self, recipe: Recipe, size: int | float | None = None) -> Sets:
        """The sets that the run selected; at another budget, chosen now."""
        return self.run.sets[recipe.name] if size is None else super().chosen(recipe, size)

    @cached_property
    def _controls(self) -> dict[str, dict[str, Sets]]:
        drawn = control_sets(self.run.study, self.run.bank, self.run.sets)
        found: dict[str, dict[str, Sets]] = {}
        for name, sets in drawn.items():
            if name != UNIFORM:
                _, recipe, number = name.split("/")
                found.setdefault(recipe, {})[number] = sets
        return found

    def matched(self, recipe: Recipe, most: int | None = None) -> list[tuple[Mask, Intervention]]:
        """The matched controls of a recipe's sets (of the first ``most`` seeds), as masks."""
        seeds = list(self._controls.get(recipe.name, {}).items())[:most]
        return [
            (
                Mask(
                    f"matched {recipe.name} {language} {number}",
                    *("matched", recipe.name, "zero", language),
                    size=len(neurons),
                    seed=int(number),
                ),
                Intervention(neurons),
            )
            for number, sets in seeds
            for language, neurons in sets.items()
        ]

    def choosable(self, recipe: Recipe) -> int:
        """How many neurons the recipe could choose from."""
        study, model = self.run.study, self.run.model
        return model.site(recipe.site).width * len(set(study.layers or range(model.layers)))

    def samples(self, corpus: Corpus) -> Sequence[Sample]:
        """Text cut as the study's is."""
        return samples_of(self.run.model, corpus, self.run.study.text.unit)

    def bank_of(self, corpus: Corpus) -> ScoreBank:
        """What the checked recipes need of other text to identify on; kept shard by shard."""
        study = self.run.study
        return score(
            self.run.model,
            corpus,
            self.recipes,
            folder=self.run.folder / "bank" / f"check-{corpus.fingerprint[:16]}",
            layers=study.layers,
            positions=study.positions,
            unit=study.text.unit,
            checkpointing=study.checkpointing,
            track=self.run.track,
            executor=self.run.executor,
        )

    def found_on(self, corpus: Corpus) -> list[tuple[Recipe, Sets]]:
        """Each checked recipe with the sets that it finds on other text, at the study's budget.

        A recipe that searches on the model is left out: a search takes too long to be one of many.
        """
        bank = self.bank_of(corpus)
        found: list[tuple[Recipe, Sets]] = []
        for recipe in self.recipes:
            if recipe.searched:
                logger.warning(
                    "recipe %r searches on the model: not repeated on %s", recipe.name, corpus.name
                )
                continue
            found.append((recipe, select(bank, recipe, self.size)))
        return found


def checks_of(checks: Sequence[Named]) -> Iterator[tuple[Named, Check, Strict]]:
    """Each check that a study asks for, with its options."""
    for named in checks:
        yield named, CHECKS[named.name], options_of(named)


def asked_for(study: Study, names: str | None) -> Study:
    """The study with other checks: those named, or if it names none itself, all that can look at it.

    Args:
        study: The study.
        names: Of checks, with commas between; None leaves the choice to the study.

    Raises:
        NeuroglotError: There is no such check, or it cannot look at this study.
    """
    if names is None and study.checks:
        return study
    own = {named.name: named for named in study.checks}
    if names is None:
        checks = [Named(name=name) for name in CHECKS if _fits(study, CHECKS[name])]
    else:
        wanted = [name.strip() for name in names.split(",") if name.strip()]
        checks = [own.get(name) or Named(name=name) for name in wanted]
        for _, check, options in checks_of(checks):
            check.refuse(study, options)
    return study.model_copy(update={"checks": checks})


def _fits(study: Study, check: Check) -> bool:
    try:
        check.refuse(study, check.options())
    except (NeuroglotError, ValidationError):
        return False
    return True
