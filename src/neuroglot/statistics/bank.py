"""The score bank: the statistics of all scores for all languages, labelled, on disk as Zarr.

A bank is a set of shards. One pass may write many (a shard is what a killed run can lose), and a later pass
for one more recipe adds shards with only what was missing; whoever reads the bank sees one labelled whole.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.moments import merge, summarise
from neuroglot.statistics.quantity import UNITS, Quantity
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
        return {str(key): value for key, value in self.shards[0].attrs.items()}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages scored, in the corpus's order where the bank knows it, else in that of the pass."""
        nodes = [node for shard in self.shards for node in shard.children.values()]
        found = dict.fromkeys(name for node in nodes for name in node.dataset["language"].values.tolist())
        order = json.loads(self.attributes.get("languages", "[]"))
        return tuple(sorted(found, key=lambda name: order.index(name) if name in order else len(order)))

    def holds(self, quantity: Quantity) -> bool:
        """Whether a pass has kept this quantity."""
        return any(_holds(shard, quantity) for shard in self.shards)

    def layers(self, site: str) -> tuple[int, ...]:
        """The layers that were scored."""
        node = next(shard.children[site] for shard in self.shards if site in shard.children)
        return tuple(int(layer) for layer in node.dataset["layer"].values)

    def dataset(self, site: str) -> xr.Dataset:
        """All samples' scores at a site as one dataset (or the streamed summary of all).

        Raises:
            NeuroglotError: Nothing there, or passes over different samples, which share no axis.
        """
        parts = [_joined(shards, site) for shards in self._passes if site in shards[0].children]
        if not parts:
            raise NeuroglotError(f"the score bank holds nothing at site {site!r}")
        try:
            return xr.merge(parts, compat="no_conflicts", join="outer", combine_attrs="override")
        except ValueError as error:
            raise NeuroglotError(
                f"the score bank's passes at site {site!r} read different samples"
            ) from error

    def samples(
        self, quantity: Quantity, language: str, unit: str = "tokens"
    ) -> tuple[np.ndarray, np.ndarray]:
        """The normalised scores [sample, layer, neuron] (float64) of a language, and N of its samples."""
        scores, lengths = [], []
        for shard in self._pass_with(quantity, unit):
            array = shard.children[quantity.site].dataset[quantity.variable]
            rows = np.flatnonzero(array["language"].values == language)
            lengths.append(array[unit].values[rows])
            divisor = lengths[-1].astype(np.float64) ** quantity.power
            scores.append(array.values[rows] / divisor[:, None, None])
        units = np.concatenate(lengths)
        if not len(units):
            raise self._absent(quantity, language)
        return np.concatenate(scores), units

    def statistic(self, quantity: Quantity, name: str, unit: str = "tokens") -> xr.DataArray:
        """One statistic of a quantity over every language's samples.

        Args:
            quantity: What to read.
            name: The statistic (`neuroglot.statistics.language`).
            unit: What N counts.

        Returns:
            Float64 [language, layer, neuron].

        Raises:
            NeuroglotError: An unknown name, or nothing that it could be computed from.
        """
        statistic = STATISTICS[name]
        shard = self._pass_with(quantity, unit)[0]
        values = [
            statistic.streamed(self._summary(quantity, name, language, unit))
            if _unit(shard)
            else statistic.exact(*self.samples(quantity, language, unit))
            for language in self.languages
        ]
        layers = shard.children[quantity.site].dataset["layer"].values
        return xr.DataArray(
            np.stack(values),
            dims=("language", "layer", "neuron"),
            coords={"language": list(self.languages), "layer": layers},
            name=quantity.variable,
        )

    def streamed(self, unit: str = "tokens", *, histograms: bool = True) -> "ScoreBank":
        """The same bank as a streaming pass would have kept it."""
        return ScoreBank(tuple(summarise(shard, unit, histograms=histograms) for shard in self.shards))

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
        held = sorted({name for shard in self.shards for name in _variables(shard)})
        return f"ScoreBank({', '.join(self.languages)}; {', '.join(held)})"

    @cached_property
    def _passes(self) -> list[list[xr.DataTree]]:
        """The shards of each pass (the same variables for other samples); streamed ones merged into one."""
        passes: dict[frozenset[str], list[xr.DataTree]] = {}
        for shard in self.shards:
            passes.setdefault(_variables(shard), []).append(shard)
        return [[reduce(merge, shards)] if _unit(shards[0]) else shards for shards in passes.values()]

    def _pass_with(self, quantity: Quantity, unit: str) -> list[xr.DataTree]:
        """The shards of the first pass that kept a quantity and can say it per ``unit``."""
        if unit not in UNITS:
            raise unknown("unit", unit, UNITS)
        found = [shards for shards in self._passes if _holds(shards[0], quantity)]
        if not found:
            raise NeuroglotError(
                f"the score bank has no {quantity.variable!r} at site {quantity.site!r}; "
                "score the corpus for it first"
            )
        for shards in found:
            if _unit(shards[0]) in (None, unit):
                return shards
        raise NeuroglotError(f"the bank was streamed per {_unit(found[0][0])}, not per {unit}: score again")

    def _summary(self, quantity: Quantity, name: str, language: str, unit: str) -> dict[str, np.ndarray]:
        """What a streamed pass kept of a quantity in one language."""
        dataset = self._pass_with(quantity, unit)[0].children[quantity.site].to_dataset()
        if language not in dataset["language"].values:
            raise self._absent(quantity, language)
        if STATISTICS[name].histogram and f"{quantity.variable}:histogram" not in dataset:
            raise NeuroglotError(
                f"the bank was streamed without histograms, which {name!r} needs: score again"
            )
        one = dataset.sel(language=language)
        prefix = f"{quantity.variable}:"
        kept = {str(key).removeprefix(prefix): one[key].values for key in one if str(key).startswith(prefix)}
        return {"samples": one["samples"].values, "units": one[unit].values, **kept}

    def _absent(self, quantity: Quantity, language: str) -> NeuroglotError:
        if language not in self.languages:
            return unknown("language", language, self.languages, "score bank")
        what = f"{quantity.variable!r} at site {quantity.site!r}"
        return NeuroglotError(
            f"the score bank has no {what} for language {language!r}; score it for that too"
        )


def _unit(shard: xr.DataTree) -> str | None:
    """What a streamed shard divided its scores by; None for a shard of samples."""
    return shard.attrs.get("unit")


def _holds(shard: xr.DataTree, quantity: Quantity) -> bool:
    name = f"{quantity.site}/{quantity.variable}"
    return not _variables(shard).isdisjoint((name, f"{name}:mean"))


def _variables(shard: xr.DataTree) -> frozenset[str]:
    return frozenset(f"{site}/{name}" for site, node in shard.children.items() for name in node.data_vars)


def _joined(shards: Sequence[xr.DataTree], site: str) -> xr.Dataset:
    datasets = [shard.children[site].to_dataset() for shard in shards]
    return datasets[0] if len(datasets) == 1 else xr.concat(datasets, "sample")
