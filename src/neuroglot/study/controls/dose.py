"""Dose and response: does the effect grow with the dose, or is it a break that any push would cause?

The sets' activations are multiplied with α. The run's zero is α = 0, and α = 1 changes nothing. The first
matched control of each set gets the same doses.
"""

from dataclasses import replace

import pandas as pd
from pydantic import Field, field_validator

from neuroglot.evaluation.ablation import BASE, Mask
from neuroglot.evaluation.dose import dose_response
from neuroglot.intervention.kinds import Intervention
from neuroglot.study.controls.checks import CHECKS, Check
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.controls.reused import of_masks, on_report
from neuroglot.study.named import Strict
from neuroglot.study.sections import Frames

NAMES = {
    "alpha": "strength",
    "target": "drop",
    "target_low": "low",
    "target_high": "high",
    "others": "others_drop",
    "others_low": "others_low",
    "others_high": "others_high",
}
"""The columns of `dose_response`, and what they are called here."""

UNTOUCHED = {**dict.fromkeys(NAMES.values(), 0.0), "strength": 1.0}


class Dose(Strict):
    """How much.

    Attributes:
        strengths: The values of α; 0 and 1, which cost nothing, are there as well.
    """

    strengths: list[float] = Field([0.25, 0.5, 0.75, 1.5, 2.0])

    @field_validator("strengths")
    @classmethod
    def _doses(cls, strengths: list[float]) -> list[float]:
        for strength in strengths:
            if not 0 <= strength < float("inf"):
                raise ValueError(f"a strength is a number from 0 up, not {strength:g}")
        return strengths


def dose(controlling: Controlling, options: Dose) -> Frames:
    """Frames ``dose`` and ``dose_control``: a row a recipe, target and α.

    ``drop`` is what the target loses and ``others_drop`` the mean over the other languages, in nats a token;
    negative where something is gained.
    """
    study = controlling.run.study
    acts: list[tuple[Mask, Intervention]] = []
    for strength in sorted({0.0, *options.strengths} - {1.0}):
        kind = f"scale({strength:g})" if strength else "zero"
        for recipe in controlling.recipes:
            acts += controlling.acts(recipe.name, controlling.chosen(recipe), kind)
            acts += [_dosed(mask, act, kind) for mask, act in controlling.matched(recipe, 1)]
    ablation = on_report(controlling, acts)
    parts = []
    for target in ablation.languages:
        own = {mask.name for mask in ablation.masks if mask.target == target}
        found = dose_response(of_masks(ablation, {BASE, *own}), resamples=study.resamples, seed=study.seed)
        found = found.rename(columns=NAMES)[["kind", "recipe", *NAMES.values()]]
        untouched = found.drop_duplicates(["kind", "recipe"]).assign(**UNTOUCHED)
        parts.append(pd.concat([found, untouched]).assign(target=target))
    frame = pd.concat(parts).sort_values(["recipe", "strength"], kind="stable")
    columns = ["recipe", "strength", "target", *list(NAMES.values())[1:]]
    return {
        name: frame.loc[frame["kind"] == kind, columns]
        for name, kind in (("dose", "recipe"), ("dose_control", "matched"))
    }


def _dosed(mask: Mask, act: Intervention, kind: str) -> tuple[Mask, Intervention]:
    """A control under another kind; the run's own where it is the same."""
    if kind == act.kind:
        return mask, act
    return replace(mask, name=f"{mask.name} {kind}", baseline=kind), replace(act, kind=kind)


CHECKS.register("dose")(Check(dose, Dose, refuse=sets_switched_off))
