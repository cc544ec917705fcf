"""How much of what a mask does is its direct effect, and how much is what later blocks make of it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import BASE, Ablation
from neuroglot.evaluation.bootstrap import interval, rates, whole_then_resamples


def effects(
    total: Ablation, direct: Ablation, *, unit: str = "tokens", resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Direct beside total effect of every mask in every language, on the same resamples of the documents.

    Args:
        total: The masks on some text, by `likelihood`.
        direct: The same masks on the same text, by `direct`.
        unit: What effects are per: ``tokens``, ``characters`` or ``bytes``.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap.

    Returns:
        A row a mask and language: Δ log p (nats a unit; negative where something is lost) as ``total`` and
        ``direct``, and ``share`` = direct / total, each with the limits of its 95 % interval. A share is NaN
        where the interval of the total effect includes 0: of no effect there is no part.

    Raises:
        NeuroglotError: The two are not of the same masks and text.
    """
    same = ("mask", "language", "document", "sentence", "tokens")
    if total.masks != direct.masks or any(
        total.data[name].values.tolist() != direct.data[name].values.tolist() for name in same
    ):
        raise NeuroglotError("direct and total effect were not measured with the same masks on the same text")
    names = [f"direct {mask.name}" for mask in direct.masks]
    text = np.array(names, dtype=np.dtypes.StringDType())
    data = xr.concat([total.data, direct.data.assign_coords(mask=text)], "mask", data_vars="minimal")
    twice = (
        *total.masks,
        *(replace(mask, name=name) for mask, name in zip(direct.masks, names, strict=True)),
    )
    both = Ablation(data, twice)
    log_prob, units, documents = both.by_document(unit)
    change = rates(log_prob, units, whole_then_resamples(documents, resamples, seed))
    change -= change[:, [both.base]]
    rows = []
    for index, mask in enumerate(total.masks):
        for column, language in enumerate(both.languages):
            if mask.kind == BASE:
                continue
            whole, part = change[:, index, column], change[:, index + len(total.masks), column]
            low, high = interval(whole[1:])
            share = np.full_like(whole, np.nan) if low <= 0 <= high else part / whole
            rows.append(
                {
                    "mask": mask.name,
                    "recipe": mask.recipe,
                    "baseline": mask.baseline,
                    "kind": mask.kind,
                    "target": mask.target,
                    "language": language,
                    **_with_limits("total", whole),
                    **_with_limits("direct", part),
                    **_with_limits("share", share),
                }
            )
    return pd.DataFrame(rows)


def _with_limits(name: str, drawn: np.ndarray) -> dict[str, float]:
    low, high = interval(drawn[1:])
    return {name: float(drawn[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
