"""From what was measured on several models to tables; the first model is the one the sets were found on."""

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce

import numpy as np
import pandas as pd

from neuroglot.evaluation.ablation import Ablation
from neuroglot.evaluation.survival import Measured, f1_changes, raw_scores, survival
from neuroglot.evaluation.tables import tabulate


def transfer_frames(
    measured: Mapping[str, Ablation], *, resamples: int, seed: int
) -> dict[str, pd.DataFrame]:
    """The tables of a transfer.

    Args:
        measured: Model → the same masks on the same samples; the first found the sets.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Returns:
        With a column ``model``: ``base``, ``drops``, ``langspec`` and ``means`` as of a study (see `Tables`),
        ``raw`` (`raw_scores`), and for every model but the first ``survival`` and ``f1`` (`f1_changes`).
    """
    alike = _on_common_samples(measured)
    found: dict[str, list[pd.DataFrame]] = {}

    def keep(name: str, model: str, frame: pd.DataFrame) -> None:
        frame.insert(0, "model", model)
        found.setdefault(name, []).append(frame)

    drawn = {model: Measured(ablation, resamples, seed) for model, ablation in alike.items()}
    first = next(iter(drawn.values()))
    for model, ablation in alike.items():
        tables = tabulate(ablation, resamples=resamples, seed=seed)
        for name in ("base", "drops", "langspec", "means"):
            keep(name, model, getattr(tables, name))
        keep("raw", model, raw_scores(drawn[model]))
        if drawn[model] is not first:
            keep("survival", model, survival(first, drawn[model]))
            keep("f1", model, f1_changes(first, drawn[model]))
    return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}


def _on_common_samples(measured: Mapping[str, Ablation]) -> dict[str, Ablation]:
    """What every model can be compared on: the samples whose likelihood is finite on all of them."""
    fit = reduce(np.logical_and, (ablation.fit for ablation in measured.values()))
    return {
        model: replace(ablation, data=ablation.data.isel(sample=fit)) for model, ablation in measured.items()
    }
