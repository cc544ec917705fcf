"""Estimates of the slope beside the slope that was measured, laid out as the published table is."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from jaxtyping import Bool

from neuroglot.study.empirical.correlating import by_prompt, mean_with_interval, pearson, spearman
from neuroglot.study.empirical.settings import NegSettings
from neuroglot.study.empirical.slopes import Slopes

PUBLISHED = {"gradient": 0.302, "integrated_gradients": 0.538, "neurgrad": 0.814}
"""Pearson's r with the slope along the sign, Llama-2-7B (Zhao et al. 2024)."""

PUBLISHED_CHEAPER = {"neurgrad": 20.0}
"""How many times the time of measuring is that of the estimate, there."""

RANKS = {"1": (1, 1), "2–10": (2, 10), "11–100": (11, 100), "> 100": (101, np.inf)}
"""Of the target's first token in the model's prediction."""

Pairs = Bool[np.ndarray, "prompt neuron"]


def estimator_frame(slopes: Slopes, settings: NegSettings) -> pd.DataFrame:
    """A row an estimator, and one of the measurement itself.

    ``pearson`` and ``spearman`` with the measured slopes: over a prompt's neurons, mean over prompts, with an
    interval over prompts; ``pooled``: Pearson's over all pairs at once. ``seconds`` and ``passes`` a prompt
    (a pass is one token from some layer up, or for a gradient forth and back); ``cheaper``: seconds of
    measuring over those.
    """
    frame = _correlations(slopes, ~slopes.saturated, settings)
    data = slopes.data
    seconds = data["seconds"].mean("prompt").to_series().to_dict()
    neurons, points = data.sizes["neuron"], data.sizes["delta"]
    path = settings.steps * len(np.unique(data["layer"].values))
    gradient = (seconds["gradient"], 1)
    cost = {
        "gradient": gradient,
        "neurgrad": gradient,
        "grad_act": gradient,
        "integrated_gradients": (seconds["integrated"], path),
        "two_point": (seconds["measured"] * 2 / points, 2 * neurons),  # its share of the points
        "measured": (seconds["measured"], points * neurons),
    }
    frame = pd.concat([frame, pd.DataFrame({"estimator": ["measured"]})], ignore_index=True)
    frame["seconds"] = [cost[name][0] for name in frame["estimator"]]
    frame["passes"] = [cost[name][1] for name in frame["estimator"]]
    frame["cheaper"] = seconds["measured"] / frame["seconds"]
    along = slopes.shift == "sign"
    frame["published_pearson"] = [
        PUBLISHED.get(name, np.nan) if along else np.nan for name in frame["estimator"]
    ]
    frame["published_cheaper"] = [PUBLISHED_CHEAPER.get(name, np.nan) for name in frame["estimator"]]
    return frame


def estimator_frame_by(slopes: Slopes, settings: NegSettings) -> pd.DataFrame:
    """The same correlations ``by`` layer, and by the rank of the target in the prediction."""
    parts = []
    for by, group, pairs in _parts(slopes):
        frame = _correlations(slopes, pairs & ~slopes.saturated, settings)
        frame.insert(0, "by", by)
        frame.insert(1, "group", group)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _parts(slopes: Slopes) -> Iterator[tuple[str, str, Pairs]]:
    whole = np.ones(slopes.slope.shape, dtype=bool)
    layer, rank = slopes.data["layer"].values, slopes.data["rank"].values
    for one in np.unique(layer).tolist():
        yield "layer", str(one), whole & (layer == one)
    for name, (first, last) in RANKS.items():
        own = (rank >= first) & (rank <= last)
        if own.any():
            yield "rank", name, whole & own[:, None]


def _correlations(slopes: Slopes, pairs: Pairs, settings: NegSettings) -> pd.DataFrame:
    rows = []
    for name, estimate in slopes.estimates().items():
        row: dict[str, object] = {"estimator": name}
        for kind, correlate in (("pearson", pearson), ("spearman", spearman)):
            each = by_prompt(correlate, estimate, slopes.slope, pairs)
            mean, low, high = mean_with_interval(each, settings.resamples, settings.seed)
            row |= {kind: mean, f"{kind}_low": low, f"{kind}_high": high}
            row["prompts"] = int(np.count_nonzero(~np.isnan(each)))
        row["pooled"] = pearson(estimate[pairs], slopes.slope[pairs])
        rows.append(row)
    return pd.DataFrame(rows)
