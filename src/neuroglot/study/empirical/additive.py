"""Whether slopes add up: what moving several neurons at once does, beside the sum of slope × shift."""

import numpy as np
import pandas as pd

from neuroglot.study.empirical.correlating import by_prompt, mean_with_interval, pearson, ratio_with_interval
from neuroglot.study.empirical.neurons import groups
from neuroglot.study.empirical.settings import NegSettings
from neuroglot.study.empirical.slopes import Slopes

COLUMNS = (
    "size", "move", "predicted", "measured", "pearson", "pearson_low", "pearson_high", "ratio", "ratio_low",
    "ratio_high", "error",
)  # fmt: skip


def additive_frame(slopes: Slopes, settings: NegSettings) -> pd.DataFrame:
    """A row a number of neurons and a distance; groups are of random neurons, all moved in the same sense.

    ``predicted`` and ``measured``: mean size of the change; ``pearson`` over a prompt's groups, mean over
    prompts; ``ratio``: Σ measured·predicted / Σ predicted², 1 where effects add up, below where they
    saturate, above where they help each other; ``error``: Σ |measured − predicted| / Σ |measured|. Intervals
    over prompts.
    """
    data, members = slopes.data, groups(slopes.slope.shape[1], settings.seed)
    size = np.array([len(own) for own in members])
    rows = []
    for one in np.unique(size).tolist():
        chosen = np.flatnonzero(size == one)
        total = np.array([slopes.slope[:, members[group]].sum(axis=1) for group in chosen]).T
        for move in data["move"].values.tolist():
            told = data["together"].sel(shift=slopes.shift, move=move).values[:, chosen]
            measured, predicted = told - data["base"].values[:, None], total * move
            each = by_prompt(pearson, predicted, measured, np.ones(predicted.shape, dtype=bool))
            correlation = mean_with_interval(each, settings.resamples, settings.seed)
            ratio = ratio_with_interval(
                (measured * predicted).sum(axis=1),
                np.square(predicted).sum(axis=1),
                settings.resamples,
                settings.seed,
            )
            apart, size_of = np.abs(measured - predicted).sum(), np.abs(measured).sum()
            rows.append(
                (
                    one, move, np.abs(predicted).mean(), np.abs(measured).mean(), *correlation, *ratio,
                    apart / size_of if size_of else np.nan,
                )
            )  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS))
