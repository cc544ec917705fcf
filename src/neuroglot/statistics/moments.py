"""Streaming statistics that merge: centred moments to the fourth order, extremes and fixed-edge histograms.

(shard A ⊕ shard B) equals (A then B) to rounding, in any order and nesting: the moments combine by the
pairwise formulas of Chan, Golub & LeVeque 1979 and Pébay 2008, in float64; the histogram's edges are fixed
and shared, so its counts add. Counts take as many bytes as the number of samples asks for.
"""

import json
from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr
from jaxtyping import Float64, Int

from neuroglot.errors import unknown
from neuroglot.statistics.quantity import UNITS
from neuroglot.statistics.shard import COMPLETENESS, QUARANTINED, completeness, quarantined

_DECADES = np.logspace(-10, 6, 97)
EDGES = np.concatenate([[-np.inf], -_DECADES[::-1], _DECADES, [np.inf]])
"""Histogram edges, six bins a decade on both sides of zero: a quantile read from it is within 21.2 %."""
BINS = len(EDGES) - 1

ORDERS = ("mean", "m2", "m3", "m4")
"""The moments; each order's merging reads those before it."""

PARTS = (*ORDERS, "sum", "max")
"""What is kept of every neuron, in float64; histograms only when they are asked for."""


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
        site: merge_summaries(node.to_dataset(), second.children[site].to_dataset())
        for site, node in first.children.items()
    }
    summed = {QUARANTINED: quarantined(first, second), COMPLETENESS: completeness(first, second)}
    return _tree(sites, {**first.attrs, **{key: json.dumps(value) for key, value in summed.items() if value}})


def merge_summaries(first: xr.Dataset, second: xr.Dataset) -> xr.Dataset:
    """The same for one site, or for some of its arrays.

    A language at a time, so that beside the result it takes the memory of one language, and what lies on disk
    is read once and not kept.
    """
    unit = first.attrs["unit"]
    rows = [
        (part, {language: row for row, language in enumerate(part["language"].values.tolist())})
        for part in (first, second)
    ]
    languages = list(dict.fromkeys(language for _, known in rows for language in known))
    holding = [
        [(part, known[language]) for part, known in rows if language in known] for language in languages
    ]
    result = _labelled(languages, first["layer"], unit)
    for key in ("samples", unit):
        counts = [sum(int(part[key].values[row]) for part, row in parts) for parts in holding]
        result[key] = ("language", np.array(counts, dtype=np.int64))
    merged = {
        str(key): np.empty((len(languages), *array.shape[1:]), _dtype(str(key), array, result["samples"]))
        for key, array in first.data_vars.items()
        if "neuron" in array.dims
    }
    names = list(dict.fromkeys(key.rpartition(":")[0] for key in merged))
    for place, parts in enumerate(holding):
        samples = [float(part["samples"].values[row]) for part, row in parts]
        for name in names:
            kept = [_row(part, name, row) for part, row in parts]
            both = kept[0] if len(kept) == 1 else _combined(samples[0], samples[1], kept[0], kept[1])
            for key, values in both.items():
                merged[f"{name}:{key}"][place] = values
    for key, values in merged.items():
        result[key] = (first[key].dims, values, first[key].attrs)
    return result


def quantile(counts: Int[np.ndarray, "... bin"], level: float) -> Float64[np.ndarray, "..."]:
    """The quantile at ``level`` from histogram counts: the geometric middle of the bin that holds it.

    It is the lowest score with at least that share of the scores at or below it (NumPy's ``inverted_cdf``).
    """
    middles = np.concatenate([[-_DECADES[-1]], -np.sqrt(_DECADES[1:] * _DECADES[:-1])[::-1], [0.0]])
    middles = np.concatenate([middles, -middles[-2::-1]])
    cumulative = counts.cumsum(axis=-1)
    bins = (cumulative < np.maximum(level * cumulative[..., -1:], 1)).sum(axis=-1)
    return np.asarray(middles[np.minimum(bins, len(middles) - 1)])


def count_type(samples: int) -> np.dtype:
    """The smallest kind of number that counts them: bins are by far the most of a bank."""
    return np.min_scalar_type(samples)


def _tree(sites: Mapping[str, xr.Dataset], attributes: Mapping[Hashable, object]) -> xr.DataTree:
    tree = xr.DataTree.from_dict(dict(sites))
    tree.attrs.update(attributes)
    return tree


def _summary(dataset: xr.Dataset, unit: str, histograms: bool) -> xr.Dataset:
    languages = list(dict.fromkeys(dataset["language"].values.tolist()))
    rows = [np.flatnonzero(dataset["language"].values == language) for language in languages]
    lengths = dataset[unit].values
    result = _labelled(languages, dataset["layer"], unit)
    result["samples"] = ("language", np.array([len(row) for row in rows], dtype=np.int64))
    result[unit] = ("language", np.array([lengths[row].sum() for row in rows], dtype=np.int64))
    for name, array in dataset.data_vars.items():
        values, divisor = array.values, lengths.astype(np.float64) ** array.attrs["power"]
        shape = (len(languages), *values.shape[1:])
        parts = {key: np.empty(shape) for key in PARTS}
        counts = np.empty((*shape, BINS), dtype=count_type(len(array))) if histograms else None
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
    neurons = scores.shape[1]
    place = np.searchsorted(EDGES, scores, side="right") - 1
    flat = np.arange(neurons) * BINS + place.clip(0, BINS - 1)
    return np.bincount(flat.ravel(), minlength=neurons * BINS).reshape(neurons, BINS)


def _labelled(languages: list[str], layers: xr.DataArray, unit: str) -> xr.Dataset:
    """A summary without its arrays."""
    names = np.array(languages, dtype=np.dtypes.StringDType())
    return xr.Dataset(coords={"language": names, "layer": layers}, attrs={"kind": "moments", "unit": unit})


def _dtype(key: str, array: xr.DataArray, samples: xr.DataArray) -> np.dtype:
    return count_type(int(samples.max())) if key.endswith(":histogram") and samples.size else array.dtype


def _row(summary: xr.Dataset, name: str, row: int) -> dict[str, np.ndarray]:
    """What is kept of one quantity in one language; only that is read."""
    keys = [str(key) for key in summary.data_vars if str(key).rpartition(":")[0] == name]
    return {key.rpartition(":")[2]: summary[key].variable[row].values for key in keys}


def _combined(
    n_a: float, n_b: float, a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What is kept of the samples of both in one language."""
    n = n_a + n_b
    found = {}
    if "mean" in a:
        d = b["mean"] - a["mean"]
        found["mean"] = a["mean"] + d * n_b / n
    if "m2" in a:
        found["m2"] = a["m2"] + b["m2"] + d**2 * n_a * n_b / n
    if "m3" in a:
        found["m3"] = (
            a["m3"]
            + b["m3"]
            + d**3 * n_a * n_b * (n_a - n_b) / n**2
            + 3 * d * (n_a * b["m2"] - n_b * a["m2"]) / n
        )
    if "m4" in a:
        found["m4"] = (
            a["m4"]
            + b["m4"]
            + d**4 * n_a * n_b * (n_a**2 - n_a * n_b + n_b**2) / n**3
            + 6 * d**2 * (n_a**2 * b["m2"] + n_b**2 * a["m2"]) / n**2
            + 4 * d * (n_a * b["m3"] - n_b * a["m3"]) / n
        )
    if "sum" in a:
        found["sum"] = a["sum"] + b["sum"]
    if "max" in a:
        found["max"] = np.maximum(a["max"], b["max"])
    if "histogram" in a:
        found["histogram"] = a["histogram"] + b["histogram"].astype(count_type(int(n)))
    return found
