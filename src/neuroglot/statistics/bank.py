"""The score bank: the statistics of all scores for all languages, labelled, on disk as Zarr.

A bank is a set of shards. One pass may write many (a shard is what a killed run can lose), and a later pass for one more
recipe adds shards with only what was missing; whoever reads the bank sees one labelled whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.moments import merge, summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard

STORE_LIMIT = 4 * 2**30
"""Bytes of per-sample scores that are kept; beyond them the bank streams."""


def store_bytes(samples: int, layers: int, widths: Iterable[int]) -> int:
    """Memory for the scores of all samples, one width a quantity."""
    return 4 * samples * layers * sum(widths)


@dataclass(frozen=True)
class ScoreBank:
    """The scores of a model's neurons for every language.

    Attributes:
        shards: Trees of labelled arrays, a group a site (see `neuroglot.statistics.shard`).
    """

    shards: tuple[xr.DataTree, ...]

    def __post_init__(self) -> None:
        if not self.shards:
            raise NeuroglotError("the score bank is empty")

    @property
    def attributes(self) -> dict[str, Any]:
        """Provenance: model, corpus, objective, versions."""
        return dict(self.shards[0].attrs)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages scored, in the order of the pass."""
        found = [name for shard in self.shards for site in shard.children.values() for name in _languages(site)]
        return tuple(dict.fromkeys(found))

    def holds(self, quantity: Quantity) -> bool:
        """Whether a pass has kept this quantity."""
        return any(_variable(shard, quantity) is not None for shard in self.shards)

    def layers(self, site: str) -> tuple[int, ...]:
        """The layers that were scored."""
        node = next(shard[site] for shard in self.shards if site in shard.children)
        return tuple(int(layer) for layer in node["layer"].values)

    def dataset(self, site: str) -> xr.Dataset:
        """All samples' scores at a site as one dataset (or the streamed summary of all)."""
        parts = [group[site].to_dataset() for group in self._passes() if site in group.children]
        if not parts:
            raise NeuroglotError(f"the score bank holds nothing at site {site!r}")
        return xr.merge(parts, compat="override", join="override", combine_attrs="override")

    def samples(
        self, quantity: Quantity, language: str, unit: str = "tokens"
    ) -> tuple[np.ndarray, np.ndarray]:
        """The normalised scores [sample, layer, neuron] (float64) of a language, and N of its samples."""
        scores, lengths = [], []
        for shard in self.shards:
            array = _variable(shard, quantity)
            if array is None:
                continue
            rows = np.flatnonzero(array["language"].values == language)
            scores.append(array.values[rows].astype(np.float64))
            lengths.append(array[unit].values[rows])
        if not scores or not sum(len(part) for part in scores):
            raise NeuroglotError(f"the score bank has no {quantity.variable!r} at {quantity.site!r} for {language!r}")
        units = np.concatenate(lengths)
        return np.concatenate(scores) / units.astype(np.float64)[:, None, None] ** quantity.power, units

    def statistic(self, quantity: Quantity, name: str, unit: str = "tokens") -> xr.DataArray:
        """One statistic of a quantity over every language's samples.

        Args:
            quantity: What to read.
            name: The statistic (`neuroglot.statistics.language`).
            unit: What N counts.

        Returns:
            Float64 [language, layer, neuron].
        """
        statistic = STATISTICS[name]
        if not self.holds(quantity):
            raise NeuroglotError(
                f"the score bank has no {quantity.variable!r} at site {quantity.site!r}; score the corpus for it first"
            )
        if self.shards[0].attrs.get("unit"):
            summaries = self._summaries(quantity, unit)
            values = [statistic.streamed(summaries[language]) for language in self.languages]
        else:
            values = [statistic.exact(*self.samples(quantity, language, unit)) for language in self.languages]
        return xr.DataArray(
            np.stack(values),
            dims=("language", "layer", "neuron"),
            coords={"language": list(self.languages), "layer": list(self.layers(quantity.site))},
            name=quantity.variable,
        )

    def streamed(self, unit: str = "tokens", *, histograms: bool = True) -> "ScoreBank":
        """The same bank as a streaming pass would have kept it."""
        summaries = (summarise(tree, unit, histograms=histograms) for tree in self._passes())
        return ScoreBank(tuple(summaries))

    def save(self, folder: Path | str) -> None:
        """Writes the bank's shards into a folder, each whole or not at all."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for number, shard in enumerate(self.shards):
            save_shard(shard, folder / f"{number:05d}{SUFFIX}")

    @classmethod
    def load(cls, folder: Path | str) -> "ScoreBank":
        """Reads a bank back.

        Raises:
            NeuroglotError: Nothing there, or a shard is damaged.
        """
        paths: Sequence[Path] = sorted(Path(folder).glob(f"*{SUFFIX}"))
        if not paths:
            raise NeuroglotError(f"there is no score bank in {folder}")
        return cls(tuple(load_shard(path) for path in paths))

    def __repr__(self) -> str:
        held = sorted({f"{site}/{name}" for shard in self.shards for site in shard.children for name in shard[site]})
        return f"ScoreBank({', '.join(self.languages)}; {', '.join(held)})"

    def _passes(self) -> list[xr.DataTree]:
        """The shards of each pass as one tree: shards of one pass hold the same variables for other samples."""
        groups: dict[tuple[str, ...], list[xr.DataTree]] = {}
        for shard in self.shards:
            held = sorted(f"{site}/{name}" for site, node in shard.children.items() for name in node.data_vars)
            groups.setdefault(tuple(held), []).append(shard)
        streamed = bool(self.shards[0].attrs.get("unit"))
        return [reduce(merge if streamed else _appended, group) for group in groups.values()]

    def _summaries(self, quantity: Quantity, unit: str) -> dict[str, dict[str, np.ndarray]]:
        held = (tree[quantity.site].to_dataset() for tree in self._passes() if _variable(tree, quantity) is not None)
        dataset = next(held)
        if dataset.attrs["unit"] != unit:
            raise NeuroglotError(f"the bank was streamed per {dataset.attrs['unit']}, not per {unit}: score again")
        result = {}
        for language in dataset["language"].values:
            one = dataset.sel(language=language)
            prefix = f"{quantity.variable}:"
            found = {str(key).removeprefix(prefix): one[key].values for key in one if str(key).startswith(prefix)}
            result[str(language)] = {"samples": one["samples"].values, "units": one[unit].values, **found}
        return result


def _appended(first: xr.DataTree, second: xr.DataTree) -> xr.DataTree:
    sites = {
        str(site): xr.concat([node.to_dataset(), second[str(site)].to_dataset()], "sample")
        for site, node in first.children.items()
    }
    tree = xr.DataTree.from_dict(dict(sites))
    tree.attrs.update(first.attrs)
    return tree


def _languages(node: xr.DataTree) -> list[str]:
    return list(dict.fromkeys(node["language"].values.tolist()))


def _variable(shard: xr.DataTree, quantity: Quantity) -> xr.DataArray | None:
    if quantity.site not in shard.children:
        return None
    dataset = shard[quantity.site]
    for name in (quantity.variable, f"{quantity.variable}:mean"):
        if name in dataset:
            return dataset[name]
    return None
