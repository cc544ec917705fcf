"""Matched random sets: is it how many neurons, in which layers, of which activity, and not which ones?

Every set stands beside random ones with as many neurons of every layer that are alike in what the study
matches on (METHODS §7). A set that does no more than they do is not specific, whatever its F1.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.tables import tabulate
from neuroglot.study.config import Study
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.sections import Frames

LEVEL = 0.05


def matched(controlling: Controlling, options: NoOptions) -> Frames:
    """Frame ``matched``: a row a recipe and target, in nats a token that the target loses.

    ``rho`` is effect / control over resamples of documents; an infinite upper limit makes it a lower bound
    (`neuroglot.evaluation.bootstrap.rho`). ``standardised`` is (effect − control) / the controls' standard
    deviation, NaN under two seeds. ``p`` = (1 + controls of at least the effect) / (1 + seeds) is never below
    ``p_least``; ``p_holm``, over the recipe's targets, is NaN where Holm could not reject at 5 % even then.
    """
    study = controlling.run.study
    tables = tabulate(controlling.ablation, resamples=study.resamples, seed=study.seed)
    rho = tables.langspec.set_index(["mask", "language"])[["rho", "rho_low", "rho_high"]]
    drops = tables.drops[(tables.drops["baseline"] == "zero") & (tables.drops["target"] != "")]
    own = drops[drops["target"] == drops["language"]].assign(effect=-drops["delta_log_prob"])
    parts = []
    for recipe in controlling.recipes:
        ours = own[own["recipe"] == recipe.name]
        groups = ours[ours["kind"] == "matched"].groupby("target")["effect"]
        controls = {target: effects.to_numpy() for target, effects in groups}
        sets = ours[ours["kind"] == "recipe"].join(rho, on=["mask", "language"])
        against = [beside(row["effect"], controls[row["target"]]) for _, row in sets.iterrows()]
        frame = pd.concat([sets.reset_index(drop=True), pd.DataFrame(against)], axis=1)
        frame["p_holm"] = holm(frame["p"].to_numpy())
        frame.loc[frame["p_least"] * len(frame) > LEVEL, "p_holm"] = np.nan
        parts.append(frame)
    columns = ["recipe", "target", "effect", "control", "rho", "rho_low", "rho_high", "standardised"]
    return {"matched": pd.concat(parts)[[*columns, "seeds", "p", "p_holm", "p_least"]]}


def beside(effect: float, controls: Float[np.ndarray, " seed"]) -> dict[str, float]:
    """An effect beside those of its matched controls; see `matched`."""
    seeds = len(controls)
    spread = controls.std(ddof=1) if seeds > 1 else 0.0
    return {
        "control": float(controls.mean()),
        "standardised": float((effect - controls.mean()) / spread) if spread > 0 else np.nan,
        "seeds": seeds,
        "p": float((1 + (controls >= effect).sum()) / (1 + seeds)),
        "p_least": 1 / (1 + seeds),
    }


def holm(p: Float[np.ndarray, " test"]) -> Float[np.ndarray, " test"]:
    """Holm's p of each of m tests: in the order of p, the largest so far of (m − i)·p_i; at most 1."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order]), 1.0)
    return adjusted


def _refuse(study: Study, options: NoOptions) -> None:
    sets_switched_off(study, options)
    if not study.controls.matched:
        raise NeuroglotError("needs matched controls: controls.matched is 0")


CHECKS.register("matched")(Check(matched, refuse=_refuse))
