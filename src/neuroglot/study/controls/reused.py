"""Masks that the run may have switched off itself: those of its own ablation are not measured again."""

import xarray as xr

from neuroglot.evaluation.ablation import BASE, EVERYTHING_OFF, Ablation
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.sections import Acts


def on_report(controlling: Controlling, acts: Acts) -> Ablation:
    """What masks do to the report, beside nothing and everything off."""
    run = controlling.ablation
    there = {mask.name for mask in run.masks}
    new = [(mask, act) for mask, act in acts if mask.name not in there]
    found = of_masks(run, {BASE, EVERYTHING_OFF, *(mask.name for mask, _ in acts)})
    if not new:
        return found
    measured = of_masks(controlling.measured(new), {BASE, *(mask.name for mask, _ in new)})
    data = [found.data, measured.data.drop_sel(mask=BASE)]
    both = xr.concat(data, "mask", data_vars="minimal", coords="minimal", compat="override")
    return Ablation(both, (*found.masks, *(mask for mask in measured.masks if mask.kind != BASE)))


def of_masks(ablation: Ablation, names: set[str]) -> Ablation:
    """The part of an ablation that has these masks; names that it lacks are passed over."""
    places = [place for place, mask in enumerate(ablation.masks) if mask.name in names]
    return Ablation(ablation.data.isel(mask=places), tuple(ablation.masks[place] for place in places))
