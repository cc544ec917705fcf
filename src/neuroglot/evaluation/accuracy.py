"""Accuracy under masks, with intervals, and LangSpec-F1 on it: of tokens, of continuation choice, of items.

One paired bootstrap over documents, as in `neuroglot.evaluation.tables`. Here S is a share of trials that
were right and has a chance level: F1 is of what lies above it, and a language in which the untouched model
does not clearly lie above it is flagged and gets none (METHODS §6, §7).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.bootstrap import interval, rates, resample_weights
from neuroglot.evaluation.paired import Paired


@dataclass(frozen=True)
class Accuracies:
    """The results, tidy.

    Attributes:
        accuracy: A row a mask and language: the accuracy, its difference to the untouched model's (both with
            limits of their 95 % intervals), whether the language is ``at_chance``, trials and documents.
        langspec: A row a mask and target: LangSpec-F1 (absolute as in the paper, and relative) with
            intervals, and collateral; NaN where the target is at chance, or all the others are.
    """

    accuracy: pd.DataFrame
    langspec: pd.DataFrame


def accuracies(
    data: xr.Dataset,
    masks: Sequence[Mask],
    *,
    chance: float = 0.0,
    resamples: int = 1000,
    seed: int = 0,
) -> Accuracies:
    """Scores every mask.

    Args:
        data: ``correct`` [mask, sample or item], how many of ``trials`` were right, with language and
            document: from `likelihood` (tokens) or `chosen` (items). A sample or item whose ``log_prob`` is
            not finite under every mask counts under none.
        masks: What each mask is, in the order of ``data``; one of them is the base, ``none``.
        chance: Accuracy of a guess.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Raises:
        NeuroglotError: The masks are not those measured, or no accuracy was measured.
    """
    ablation = Ablation(data.rename(item="sample") if "item" in data.dims else data, tuple(masks))
    right, trials, documents = ablation.by_document("trials", "correct")
    paired = Paired(
        ablation.masks,
        ablation.languages,
        ablation.base,
        rates(right, trials, np.ones((1, trials.shape[1])))[0],
        rates(right, trials, resample_weights(documents, resamples, seed)),
        chance,
    )
    sizes = [{"trials": int(own.sum()), "documents": int((own > 0).sum())} for own in trials]
    return Accuracies(_accuracy(paired, sizes), pd.DataFrame(_langspec(paired)))


def _accuracy(paired: Paired, sizes: Sequence[dict[str, int]]) -> pd.DataFrame:
    change = paired.point - paired.point[paired.base]
    low, high = interval(paired.drawn)
    change_low, change_high = interval(paired.drawn - paired.drawn[:, [paired.base]])
    rows = []
    for index, mask in enumerate(paired.masks):
        for column, language in enumerate(paired.languages):
            here = index, column
            rows.append(
                {
                    **_about(mask),
                    "target": mask.target,
                    "language": language,
                    "accuracy": paired.point[here],
                    "low": low[here],
                    "high": high[here],
                    "difference": change[here],
                    "difference_low": change_low[here],
                    "difference_high": change_high[here],
                    "chance": paired.chance,
                    "at_chance": bool(paired.at_chance[column]),
                    **sizes[column],
                }
            )
    return pd.DataFrame(rows)


def _langspec(paired: Paired) -> list[dict[str, object]]:
    rows = []
    for index, mask, target in paired.aims():
        row: dict[str, object] = {**_about(mask), "language": paired.languages[target]}
        for drop in ("absolute", "relative"):
            value, drawn = paired.f1(index, target, drop)
            low, high = interval(drawn)
            row |= {f"f1_{drop}": value, f"f1_{drop}_low": float(low), f"f1_{drop}_high": float(high)}
        mean, largest = paired.collateral(index, target, "absolute")
        row |= {"collateral_mean": mean, "collateral_max": largest, "size": mask.size}
        rows.append(row | {"at_chance": bool(paired.at_chance[target])})
    return rows


def _about(mask: Mask) -> dict[str, object]:
    return {"mask": mask.name, "recipe": mask.recipe, "baseline": mask.baseline, "kind": mask.kind}
