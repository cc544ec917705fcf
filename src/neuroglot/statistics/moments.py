"""Streaming statistics that merge: centred moments to the fourth order, extremes and fixed-edge histograms.

(shard A ⊕ shard B) equals (A then B) to rounding, in any order: the moments combine by the pairwise formulas
of Chan, Golub & LeVeque 1979 and Pébay 2008, in float64; the histogram's edges are fixed and shared, so its
counts add.
"""

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float64, Int

from neuroglot.errors import unknown
from neuroglot.statistics.quantity import UNITS

_DECADES = np.logspace(-10, 6, 97)
EDGES = np.concatenate([[-np.inf], -_DECADES[::-1], _DECADES, [np.inf]])
"""Histogram edges, six bins a decade on both sides of zero: a quantile read from it is within 21.2 %."""

ORDERS = ("mean", "m2", "m3", "m4")


def summarise(tree: xr.DataTree, unit: str = "tokens", *, histograms: bool = False) -> xr.DataTree:
    """The summary of a shard of samples: what streaming keeps of it.

    Args:
        tree: A shard of samples.
        unit: What N counts when a sample's score is divided by its length.
        histograms: Also count the scores in bins, for medians and quantiles.

    Raises:
        NeuroglotError: An unknown unit.
    """
    if unit not in UNITS:
        raise unknown("unit", unit, UNITS)
    sites = {site: _summary(node.to_dataset(), unit, histograms) for site, node in tree.children.items()}
    return _tree(sites, {**tree.attrs, "unit": unit})


def merge(first: xr.DataTree, second: xr.DataTree) -> xr.DataTree:
    """The summary of the samples of both. Languages that only one of them has are kept."""
    sites = {
        site: _merged(node.to_dataset(), second.children[site].to_dataset())
        for site, node in first.children.items()
    }
    return _tree(sites, first.attrs)


def quantile(counts: Int[np.ndarray, "... bin"], level: float) -> Float64[np.ndarray, "..."]:
    """The quantile at ``level`` from histogram counts: the geometric middle of the bin that holds it.

    It is the lowest score with at least that share of the scores at or below it (NumPy's ``inverted_cdf``).
    """
    middles = np.concatenate([[-_DECADES[-1]], -np.sqrt(_DECADES[1:] * _DECADES[:-1])[::-1], [0.0]])
    middles = np.concatenate([middles, -middles[-2::-1]])
    cumulative = counts.cumsum(axis=-1)
    bins = (cumulative < np.maximum(level * cumulative[..., -1:], 1)).sum(axis=-1)
    return np.asarray(middles[np.minimum(bins, len(middles) - 1)])


def _tree(sites: Mapping[str, xr.Dataset], attributes: Mapping[Hashable, object]) -> xr.DataTree:
    tree = xr.DataTree.from_dict(dict(sites))
    tree.attrs.update(attributes)
    return tree


def _summary(dataset: xr.Dataset, unit: str, histograms: bool) -> xr.Dataset:
    languages = list(dict.fromkeys(dataset["language"].values.tolist()))
    rows = [np.flatnonzero(dataset["language"].values == language) for language in languages]
    lengths = dataset[unit].values
    result = xr.Dataset(
        {
            "samples": ("language", np.array([len(row) for row in rows])),
            unit: ("language", np.array([lengths[row].sum() for row in rows])),
        },
        coords={"language": np.array(languages, dtype=np.dtypes.StringDType()), "layer": dataset["layer"]},
        attrs={"kind": "moments", "unit": unit},
    )
    for name, array in dataset.data_vars.items():
        values, divisor = array.values, lengths.astype(np.float64) ** array.attrs["power"]
        shape = (len(languages), *values.shape[1:])
        parts = {key: np.empty(shape) for key in (*ORDERS, "sum", "max")}
        counts = np.empty((*shape, len(EDGES) - 1), dtype=np.int32) if histograms else None
        # A language and layer at a time: float64 copies and bins of everything would be many times the store.
        for place in np.ndindex(shape[:2]):
            row = rows[place[0]]
            scores = values[row, place[1]] / divisor[row, None]
            parts["sum"][place] = scores.sum(axis=0)
            parts["max"][place] = scores.max(axis=0)
            parts["mean"][place] = scores.mean(axis=0)
            centred = scores - parts["mean"][place]
            squares = centred**2
            parts["m2"][place] = squares.sum(axis=0)
            parts["m3"][place] = (squares * centred).sum(axis=0)
            parts["m4"][place] = (squares**2).sum(axis=0)
            if counts is not None:
                counts[place] = _histogram(scores)
        for key, part in parts.items():
            result[f"{name}:{key}"] = (("language", "layer", "neuron"), part, array.attrs)
        if counts is not None:
            result[f"{name}:histogram"] = (("language", "layer", "neuron", "bin"), counts, array.attrs)
    return result


def _histogram(scores: Float64[np.ndarray, "sample neuron"]) -> Int[np.ndarray, "neuron bin"]:
    bins, neurons = len(EDGES) - 1, scores.shape[1]
    place = np.searchsorted(EDGES, scores, side="right") - 1
    flat = np.arange(neurons) * bins + place.clip(0, bins - 1)
    return np.bincount(flat.ravel(), minlength=neurons * bins).reshape(neurons, bins)


def _merged(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    languages = list(dict.fromkeys([*first["language"].values.tolist(), *second["language"].values.tolist()]))
    a, b = (_reindexed(dataset, languages) for dataset in (first, second))
    unit = first.attrs["unit"]
    n_a, n_b = (dataset["samples"].values.astype(np.float64)[:, None, None] for dataset in (a, b))
    n = n_a + n_b
    result = a.copy()
    for key in ("samples", unit):
        result[key] = a[key] + b[key]
    for name in {str(key).rsplit(":", 1)[0] for key in first.data_vars if str(key).endswith(":mean")}:
        mean_a, m2_a, m3_a, m4_a = (a[f"{name}:{order}"].values for order in ORDERS)
        mean_b, m2_b, m3_b, m4_b = (b[f"{name}:{order}"].values for order in ORDERS)
        d = mean_b - mean_a
        values = (
            mean_a + d * n_b / n,
            m2_a + m2_b + d**2 * n_a * n_b / n,
            m3_a + m3_b + d**3 * n_a * n_b * (n_a - n_b) / n**2 + 3 * d * (n_a * m2_b - n_b * m2_a) / n,
            m4_a
            + m4_b
            + d**4 * n_a * n_b * (n_a**2 - n_a * n_b + n_b**2) / n**3
            + 6 * d**2 * (n_a**2 * m2_b + n_b**2 * m2_a) / n**2
            + 4 * d * (n_a * m3_b - n_b * m3_a) / n,
        )
        for order, value in zip(ORDERS, values, strict=True):
            result[f"{name}:{order}"].values = value
        result[f"{name}:sum"].values = a[f"{name}:sum"].values + b[f"{name}:sum"].values
        result[f"{name}:max"].values = np.maximum(a[f"{name}:max"].values, b[f"{name}:max"].values)
        if f"{name}:histogram" in a:
            result[f"{name}:histogram"].values = a[f"{name}:histogram"].values + b[f"{name}:histogram"].values
    return result


def _reindexed(dataset: xr.Dataset, languages: list[str]) -> xr.Dataset:
    """The dataset with a row for every language: nothing counted where it had none."""
    empty = {str(name): -np.inf if str(name).endswith(":max") else 0 for name in dataset.data_vars}
    labels = np.array(languages, dtype=np.dtypes.StringDType())
    return dataset.reindex(language=labels, fill_value=empty, copy=False)
