"""What every language loses under every mask, in nats a unit, with intervals; and how a mask is judged by it.

One paired bootstrap over documents, as in `neuroglot.evaluation.tables`: the same seed, the same resamples.
"""

import pandas as pd

from neuroglot.evaluation.ablation import BASE, Ablation
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples
from neuroglot.evaluation.tables import tabulate


def losses(ablation: Ablation, *, unit: str = "tokens", resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """The drop of each language under each mask.

    Args:
        ablation: What was measured.
        unit: What a loss is per: ``tokens``, ``characters`` or ``bytes``.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Returns:
        A row a mask and language: mask, recipe, baseline, kind, target, language, and ``drop``, nats a unit
        (positive: lost), with the limits ``drop_low`` and ``drop_high`` of its 95 % interval.
    """
    log_prob, units, documents = ablation.by_document(unit)
    rate = rates(log_prob, units, whole_then_resamples(documents, resamples, seed))
    lost = rate[:, [ablation.base]] - rate
    low, high = interval(lost[1:])
    return pd.DataFrame(
        {
            "mask": mask.name,
            "recipe": mask.recipe,
            "baseline": mask.baseline,
            "kind": mask.kind,
            "target": mask.target,
            "language": language,
            "drop": lost[0, index, column],
            "drop_low": low[index, column],
            "drop_high": high[index, column],
        }
        for index, mask in enumerate(ablation.masks)
        if mask.kind != BASE
        for column, language in enumerate(ablation.languages)
    )


def judged(ablation: Ablation, *, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Every mask in the language that it is for: LangSpec-F1 on relative drops, collateral, and the loss.

    Args:
        ablation: What was measured.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Returns:
        A row a mask with a target: mask, recipe, baseline, kind, target, size, ``f1_relative`` with ``low``
        and ``high``, collateral_mean, and ``drop`` (nats a token) with ``drop_low`` and ``drop_high``.
    """
    f1 = tabulate(ablation, resamples=resamples, seed=seed).langspec.set_index(["mask", "language"])
    lost = losses(ablation, resamples=resamples, seed=seed)
    own = lost[lost["target"] == lost["language"]]
    names = {
        "f1_relative": "f1_relative",
        "f1_relative_low": "low",
        "f1_relative_high": "high",
        "collateral_mean": "collateral_mean",
        "size": "size",
    }
    return own.join(f1[list(names)].rename(columns=names), on=["mask", "language"]).drop(columns="language")
