"""A shard: the scores of some samples, or their merged summary, as labelled arrays, one group a site.

A shard of *samples* keeps every sample's score (dimensions ``sample``, ``layer``, ``neuron``), un-normalised,
beside the sample's language, document, and length in tokens, characters and bytes. A shard of *moments* keeps
what streaming needs (``language``, ``layer``, ``neuron``; see `neuroglot.statistics.moments`). Either is one
zip file of Zarr arrays on disk, so it appears in one rename and a damaged one is found by its checksums.
"""

import os
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float32
from zarr.storage import ZipStore

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.quantity import UNITS, Quantity
from neuroglot.text.samples import Sample

SUFFIX = ".zarr.zip"


def sample_coordinates(samples: Sequence[Sample]) -> dict[str, tuple[str, np.ndarray]]:
    """What labels the dimension ``sample``: where each comes from, and its lengths."""
    texts, numbers = np.dtypes.StringDType(), np.dtype(np.int64)
    kinds: dict[str, Any] = {"language": texts, "document": texts, "sentence": numbers}
    kinds |= dict.fromkeys(UNITS, numbers)
    return {
        key: ("sample", np.array([getattr(sample, key) for sample in samples], dtype=kind))
        for key, kind in kinds.items()
    }


def samples_shard(
    samples: Sequence[Sample],
    scores: Mapping[Quantity, Float32[np.ndarray, "sample layer neuron"]],
    layers: Sequence[int],
    attributes: Mapping[str, Any],
) -> xr.DataTree:
    """Labels the scores of a pass.

    Args:
        samples: One a row of every array.
        scores: Un-normalised sample scores.
        layers: The layers of the arrays' second axis.
        attributes: Provenance for the root of the tree.
    """
    about = {**sample_coordinates(samples), "layer": np.array(layers)}
    sites: dict[str, xr.Dataset] = {}
    for quantity, values in scores.items():
        dataset = sites.setdefault(quantity.site, xr.Dataset(coords=about, attrs={"kind": "samples"}))
        dataset[quantity.variable] = (("sample", "layer", "neuron"), values, {"power": quantity.power})
    tree = xr.DataTree.from_dict(dict(sites))
    tree.attrs.update(attributes)
    return tree


def save_shard(tree: xr.DataTree, path: Path) -> None:
    """Writes a shard under its final name only when it is whole."""
    working = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        working.touch()  # where nothing can be written this says so; ZipStore would only fail to close
        with warnings.catch_warnings(), ZipStore(working, mode="w") as store:
            # Zarr writes a group's metadata again as it grows; the zip's directory names the last of them.
            warnings.filterwarnings("ignore", message="Duplicate name", category=UserWarning)
            tree.to_zarr(store, consolidated=False, encoding=_uncompressed(tree))
        working.replace(path)
    finally:
        working.unlink(missing_ok=True)


def load_shard(path: Path) -> xr.DataTree:
    """Reads a shard, every byte of it, so that damage shows here and not in a result.

    Raises:
        NeuroglotError: The file is missing, truncated or damaged.
    """
    if not path.is_file():
        raise NeuroglotError(f"there is no bank file {path}")
    try:
        # Zarr takes a chunk that it does not find for an empty one, so the zip is checked first.
        with zipfile.ZipFile(path) as whole:
            damaged = whole.testzip()
        if damaged is not None:
            raise zipfile.BadZipFile(f"wrong checksum in {damaged}")
        with ZipStore(path, mode="r") as store:
            # xarray's annotation leaves out Zarr stores.
            return xr.open_datatree(store, engine="zarr", consolidated=False).load()  # type: ignore[arg-type]
    except OSError as error:
        raise NeuroglotError(f"bank file {path} cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, RuntimeError) as error:
        raise NeuroglotError(
            f"bank file {path} is truncated or damaged ({error}); delete it and run again"
        ) from error


def _uncompressed(tree: xr.DataTree) -> dict[str, dict[str, dict[str, None]]]:
    """Scores are noise in their low bits: compressing them costs seconds and saves little."""
    return {node.path: {str(name): {"compressors": None} for name in node.data_vars} for node in tree.leaves}
