"""A shard: the scores of some samples, or their merged summary, as labelled arrays, one group a site.

A shard of *samples* keeps every sample's score (dimensions ``sample``, ``layer``, ``neuron``), un-normalised,
beside the sample's language, document, and length in tokens, characters and bytes. A shard of *moments* keeps
what streaming needs (``language``, ``layer``, ``neuron``; see `neuroglot.statistics.moments`). Either is one
sealed zip file of Zarr arrays on disk: it appears in one rename, and no damage to it is read as data.
"""

import json
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
from neuroglot.statistics.sealed import SealedFile, SealedStore, seal
from neuroglot.text.samples import Sample

SUFFIX = ".zarr.zip"

QUARANTINED = "quarantined"
"""The attribute that lists, as JSON, the samples that a pass left out because a score was not finite."""

COMPLETENESS = "completeness"
"""The attribute with what the sums of path scores lack, as JSON: [score, layer, Σ|missing|, Σ|change|]."""

CHUNK_BYTES = 16 * 2**20
"""The most that one chunk of an array takes."""


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


def quarantined(*shards: xr.DataTree) -> list[dict[str, Any]]:
    """The samples that any of the shards left out, each once: language, document, sentence, layer, score."""
    found = [entry for shard in shards for entry in json.loads(shard.attrs.get(QUARANTINED, "[]"))]
    return list({json.dumps(entry, sort_keys=True): entry for entry in found}.values())


def completeness(*shards: xr.DataTree) -> list[list[Any]]:
    """[score, layer, Σ|missing|, Σ|change|] of the path scores of all the shards together."""
    total: dict[tuple[str, int], list[float]] = {}
    for shard in shards:
        for name, layer, missing, change in json.loads(shard.attrs.get(COMPLETENESS, "[]")):
            sums = total.setdefault((name, layer), [0.0, 0.0])
            sums[0] += missing
            sums[1] += change
    return [[name, layer, *sums] for (name, layer), sums in sorted(total.items())]


def save_shard(tree: xr.DataTree, path: Path) -> None:
    """Writes a shard under its final name only when it is whole.

    Raises:
        OSError: It cannot be written (a full disk); it names the file, and an older one there stays.
    """
    working = write_aside(tree, path)
    try:
        working.replace(path)
    except OSError as error:
        working.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_aside(tree: xr.DataTree, path: Path) -> Path:
    """Writes a shard beside its final place; returns where, to be renamed."""
    working = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        working.touch()  # where nothing can be written this says so; ZipStore would only fail to close
        with warnings.catch_warnings(), ZipStore(working, mode="w") as store:
            # Zarr writes a group's metadata again as it grows; the zip's directory names the last of them.
            warnings.filterwarnings("ignore", message="Duplicate name", category=UserWarning)
            tree.to_zarr(store, consolidated=False, encoding=_encoding(tree))
        seal(working, path.name)
    except BaseException as error:
        working.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return working


def load_shard(path: Path) -> xr.DataTree:
    """Reads a shard, every byte of it, so that damage shows here and not later; see `open_shard`."""
    return _opened(path, whole=True)


def open_shard(path: Path) -> xr.DataTree:
    """A shard whose scores are read, and checked, when somebody asks for them; its labels now.

    Raises:
        NeuroglotError: The file is missing, truncated, damaged or another one than was written. Reading the
            scores may raise it too.
    """
    return _opened(path, whole=False)


def _opened(path: Path, whole: bool) -> xr.DataTree:
    if not path.is_file():
        raise NeuroglotError(f"there is no bank file {path}")
    try:
        file = SealedFile(path)
        if whole:
            file.check()
        # xarray's annotation leaves out Zarr stores.
        tree = xr.open_datatree(SealedStore(path), engine="zarr", consolidated=False)  # type: ignore[arg-type]
        for node in tree.subtree:
            for variable in node.variables.values():
                if variable.ndim <= 1:
                    variable.load()
    except OSError as error:
        raise NeuroglotError(f"bank file {path} cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError, RuntimeError) as error:
        raise file.damaged(str(error)) from error
    return tree


def _encoding(tree: xr.DataTree) -> dict[str, dict[str, dict[str, Any]]]:
    return {
        node.path: {str(name): _array_encoding(array) for name, array in node.data_vars.items()}
        for node in tree.leaves
    }


def _array_encoding(array: xr.DataArray) -> dict[str, Any]:
    """How an array lies on disk.

    Scores are noise in their low bits: compressing them costs seconds and saves little; counts are mostly 0.
    Chunks are of equal size, because Zarr fills up the last, and of one language, as they are read.
    """
    chunks: list[int] = []
    room = CHUNK_BYTES // array.dtype.itemsize
    for dimension, length in zip(reversed(array.dims), reversed(array.shape), strict=True):
        pieces = length if dimension == "language" else -(-length // max(room, 1))
        chunks.insert(0, max(-(-length // max(pieces, 1)), 1))
        room //= chunks[0]
    return {"chunks": tuple(chunks)} | ({"compressors": None} if array.dtype.kind == "f" else {})
