"""From measured pieces to tables."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.attribution.lines import LINEAR
from neuroglot.study.empirical.additive import additive_frame
from neuroglot.study.empirical.correlating import ratio_with_interval
from neuroglot.study.empirical.estimators import estimator_frame, estimator_frame_by
from neuroglot.study.empirical.settings import NegSettings
from neuroglot.study.empirical.slopes import Slopes, all_slopes


def neg_frames(measured: Mapping[str, xr.Dataset], settings: NegSettings) -> dict[str, pd.DataFrame]:
    """The tables of a measurement, each with columns ``site`` and ``shift``.

    Args:
        measured: Site → its pieces.
        settings: The shifts to tell of; how intervals are drawn.

    Returns:
        ``neg``, a row a prompt and neuron; ``summary`` (`_summary`) and ``layers``, the same a layer;
        ``estimators`` (`estimator_frame`), ``estimators_by`` the same by layer and by the target's rank;
        ``additive`` (`additive_frame`).
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for (site, shift), slopes in all_slopes(measured, settings).items():
        frames = {
            "neg": _pairs(slopes),
            "summary": pd.DataFrame([_summary(slopes, np.ones(slopes.slope.shape[1], bool), settings)]),
            "layers": _layers(slopes, settings),
            "estimators": estimator_frame(slopes, settings),
            "estimators_by": estimator_frame_by(slopes, settings),
            "additive": additive_frame(slopes, settings),
        }
        for name, frame in frames.items():
            frame.insert(0, "site", site)
            frame.insert(1, "shift", shift)
            found.setdefault(name, []).append(frame)
    return {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}


def _pairs(slopes: Slopes) -> pd.DataFrame:
    return pd.DataFrame(
        slopes.labels
        | {
            "slope": slopes.slope.ravel(),
            "r": slopes.r.ravel(),
            "range": slopes.reach.ravel(),
            "saturated": slopes.saturated.ravel(),
            "sign": np.sign(slopes.data["activation"].values).astype(int).ravel(),
        }
    )


def _layers(slopes: Slopes, settings: NegSettings) -> pd.DataFrame:
    layer = slopes.data["layer"].values
    return pd.DataFrame(
        [{"layer": one} | _summary(slopes, layer == one, settings) for one in np.unique(layer).tolist()]
    )


def _summary(slopes: Slopes, own: np.ndarray, settings: NegSettings) -> dict[str, float]:
    """Of the neurons that are ``own``; shares are of the pairs whose line is not saturated.

    ``linear``: |r| > 0.95, with its interval over prompts; ``range``: mean; ``positive`` and ``negative``:
    shares of slopes, with the mean of each; ``agree``: how often two prompts agree in a neuron's sign (by
    chance: the sum of both shares' squares); ``always``: the share of neurons with one sign in all prompts.
    """
    slope, moved = slopes.slope[:, own], ~slopes.saturated[:, own]
    linear = (np.abs(slopes.r[:, own]) > LINEAR) & moved
    share, low, high = ratio_with_interval(
        linear.sum(axis=1), moved.sum(axis=1), settings.resamples, settings.seed
    )
    positive, negative = moved & (slope > 0), moved & (slope < 0)
    pairs, up, down = int(moved.sum()), positive.sum(axis=0), negative.sum(axis=0)
    together = (up + down) * (up + down - 1)
    agreeing = up * (up - 1) + down * (down - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "prompts": len(slope),
            "neurons": slope.shape[1],
            "saturated": 1 - moved.mean(),
            "linear": share,
            "linear_low": low,
            "linear_high": high,
            "range": _mean(slopes.reach[:, own][moved]),
            "positive": float(np.divide(positive.sum(), pairs)),
            "mean_positive": _mean(slope[positive]),
            "negative": float(np.divide(negative.sum(), pairs)),
            "mean_negative": _mean(slope[negative]),
            "agree": float(np.divide(agreeing.sum(), together.sum())),
            "always": float(np.mean((up == len(slope)) | (down == len(slope)))) if len(slope) > 1 else np.nan,
        }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else np.nan
