"""Dose and response: what sets do when their activations are multiplied with α (METHODS §7).

A dose is nothing but a kind of intervention (``scale(0.25)``; ``zero`` is α = 0), so a study that asks for
some has measured it already. A set that serves its language should hurt it the more the further α is from 1,
and the other languages little at any α.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.evaluation.ablation import Ablation
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples
from neuroglot.intervention.kinds import kind_named


def dose_response(
    ablation: Ablation, *, unit: str = "tokens", resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """The response of targets and of the others at every dose.

    Args:
        ablation: Masks of several kinds, some of them ``zero`` or ``scale(α)``.
        unit: What a loss is per: ``tokens``, ``characters`` or ``bytes``.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Returns:
        A row a kind of mask (``recipe`` or ``matched``), recipe and α, in the order of α: the mean loss of
        the targets and of all other languages (nats a unit; negative where something is gained) with limits
        of their 95 % intervals, and the number of masks. α = 1 changes nothing and has no row.
    """
    log_prob, units, documents = ablation.by_document(unit)
    rate = rates(log_prob, units, whole_then_resamples(documents, resamples, seed))
    lost = rate[:, [ablation.base]] - rate  # [all documents and resamples, mask, language]
    groups: dict[tuple[str, str, float], list[int]] = {}
    for index, mask in enumerate(ablation.masks):
        does = kind_named(mask.baseline)
        if mask.target and not callable(does.shift) and does.shift == 0:
            groups.setdefault((mask.kind, mask.recipe, does.gain), []).append(index)
    rows = []
    for (kind, recipe, alpha), members in sorted(groups.items()):
        own, others = _own_and_others(ablation, lost, members)
        row: dict[str, object] = {"kind": kind, "recipe": recipe, "alpha": alpha}
        for name, values in (("target", own), ("others", others)):
            low, high = interval(values[1:])
            row |= {name: float(values[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
        rows.append(row | {"masks": len(members)})
    return pd.DataFrame(rows)


def _own_and_others(
    ablation: Ablation, lost: Float[np.ndarray, "resample mask language"], members: Sequence[int]
) -> tuple[Float[np.ndarray, " resample"], Float[np.ndarray, " resample"]]:
    """The mean loss of the masks' targets, and that of their other languages (NaN where there is none)."""
    targets = [ablation.languages.index(ablation.masks[index].target) for index in members]
    own = np.mean([lost[:, index, target] for index, target in zip(members, targets, strict=True)], axis=0)
    rest = [np.delete(lost[:, index], target, axis=1) for index, target in zip(members, targets, strict=True)]
    others = np.concatenate(rest, axis=1)
    return own, others.mean(axis=1) if others.size else np.full(len(own), np.nan)
