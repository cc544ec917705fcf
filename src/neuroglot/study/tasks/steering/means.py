"""The mean activations that steering needs, and matched controls, where the run's bank may lack them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from neuroglot.neurons import NeuronSet
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.plan import control_sets
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.steps import activations_for, matched_on, mean_activation, score
from neuroglot.study.tasks.steering.conditions import Means

STREAM = "resid"


@dataclass(frozen=True)
class Measured:
    """Activations on the identification text.

    Attributes:
        run: Whose text and model.
        recipe: Whose sets steer.
    """

    run: Run
    recipe: Recipe

    @cached_property
    def means(self) -> Means:
        """Of the neurons, and of the residual stream; every token counts the same inside a language."""
        found = []
        for site in (self.recipe.site, STREAM):
            bank = self._bank(mean_activation(site))
            activations = activations_for("own_mean", bank, site)
            assert activations is not None  # that kind reads means
            found.append(activations)
        return Means(*found)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers after which the residual stream was read."""
        return self._bank(mean_activation(STREAM)).layers(STREAM)

    def matched(self, sets: Mapping[str, NeuronSet]) -> Mapping[str, NeuronSet]:
        """The first matched control of each set: the study's own, or what it would have drawn."""
        study, name = self.run.study, self.recipe.name
        only = study.controls.model_copy(update={"uniform": 0, "matched": 1, "recipes": [name]})
        bank = self._bank(matched_on(study.controls.matched_on, self.recipe.site))
        drawn = control_sets(study.model_copy(update={"controls": only}), bank, {name: sets})
        return drawn[f"matched/{name}/0"]

    def _bank(self, quantity: Quantity) -> ScoreBank:
        return self.run.bank if self.run.bank.holds(quantity) else self._beside

    @cached_property
    def _beside(self) -> ScoreBank:
        """What the run's bank lacks: one small pass over the same text, kept."""
        run, site = self.run, self.recipe.site
        study = run.study
        wanted = {mean_activation(site), mean_activation(STREAM)}
        wanted.add(matched_on(study.controls.matched_on, site))
        return score(
            run.model,
            run.text["identify"],
            [],
            also=sorted(one for one in wanted if not run.bank.holds(one)),
            folder=run.folder / "bank" / f"steering-{run.manifest['stages']['score']['bank']}",
            layers=study.layers,
            positions=study.positions,
            unit=study.text.unit,
            track=run.track,
            executor=run.executor,
        )
