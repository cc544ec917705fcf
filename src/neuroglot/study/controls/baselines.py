"""Baselines: is it the zero, which no neuron may ever have shown, rather than what the neurons carry?

The same sets under every kind of silence. Zero takes a neuron out of its ordinary range where its activations
lie far from it; means, medians and percentiles stay inside.
"""

import logging
from collections.abc import Sequence

from pydantic import Field, field_validator

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.losses import judged
from neuroglot.intervention.kinds import Intervention
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.config import Study
from neuroglot.study.controls.checks import CHECKS, Check
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.controls.reused import on_report
from neuroglot.study.named import Strict
from neuroglot.study.sections import Frames
from neuroglot.study.steps import activation_read
from neuroglot.study.validation import known_kind

logger = logging.getLogger(__name__)


class Baselines(Strict):
    """What the sets are set to.

    Attributes:
        kinds: Kinds of intervention, in the order of the table.
    """

    kinds: list[str] = Field(
        ["zero", "own_mean", "grand_mean", "other_mean", "median", "percentile(5)"], min_length=1
    )

    @field_validator("kinds")
    @classmethod
    def _known(cls, kinds: list[str]) -> list[str]:
        return [known_kind(kind) for kind in dict.fromkeys(kinds)]


def baselines(controlling: Controlling, options: Baselines) -> Frames:
    """Frame ``baselines``: a row a recipe, kind and target; see `neuroglot.evaluation.losses.judged`."""
    study = controlling.run.study
    acts: list[tuple[Mask, Intervention]] = []
    for kind in options.kinds:
        for recipe in controlling.recipes:
            try:
                acts += controlling.acts(recipe.name, controlling.chosen(recipe), kind)
            except NeuroglotError as error:  # a streamed bank has no medians
                logger.warning("baseline %s of %s: left out (%s)", kind, recipe.name, error)
    frame = judged(on_report(controlling, acts), resamples=study.resamples, seed=study.seed)
    frame = frame.set_index("mask").loc[[mask.name for mask, _ in acts]]
    frame = frame.drop(columns="kind").rename(columns={"baseline": "kind"})
    columns = ["f1_relative", "low", "high", "collateral_mean", "drop", "drop_low", "drop_high"]
    return {"baselines": frame[["recipe", "kind", "target", *columns]]}


def _reads(study: Study, options: Baselines) -> Sequence[Quantity]:
    """The activations that means and percentiles are made of."""
    checked = study.controls.recipes or [recipe.name for recipe in study.recipes]
    sites = {recipe.site for recipe in study.recipes if recipe.name in checked}
    return sorted({one for kind in options.kinds for site in sites for one in activation_read(kind, site)})


CHECKS.register("baselines")(Check(baselines, Baselines, _reads, sets_switched_off))
