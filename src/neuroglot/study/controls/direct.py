"""Direct against total effect: do a set's neurons write to the logits themselves, or through later blocks?

The total effect is what the run measured. The direct effect is what the set's own change does at the end of
the residual stream, the later blocks frozen (`neuroglot.evaluation.direct`).
"""

from neuroglot.evaluation.effects import effects
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.controls.reused import of_masks
from neuroglot.study.sections import Frames


def direct_effect(controlling: Controlling, options: NoOptions) -> Frames:
    """Frame ``direct``: a row a recipe and target; effects in nats a token that the target loses.

    ``share`` is direct / total: NaN where the interval of the total effect includes 0.
    """
    study = controlling.run.study
    acts = [act for one in controlling.recipes for act in controlling.acts(one.name, controlling.chosen(one))]
    direct = controlling.measured(acts, effect="direct")
    total = of_masks(controlling.ablation, {mask.name for mask in direct.masks})
    frame = effects(total, direct, resamples=study.resamples, seed=study.seed)
    frame = frame[(frame["kind"] == "recipe") & (frame["target"] == frame["language"])]
    for effect in ("total", "direct"):
        low, high = -frame[f"{effect}_high"], -frame[f"{effect}_low"]  # Δ is negative where something is lost
        frame = frame.assign(**{effect: -frame[effect], f"{effect}_low": low, f"{effect}_high": high})
    columns = [f"{name}{limit}" for name in ("total", "direct", "share") for limit in ("", "_low", "_high")]
    return {"direct": frame[["recipe", "target", *columns]]}


CHECKS.register("direct")(Check(direct_effect, refuse=sets_switched_off))
