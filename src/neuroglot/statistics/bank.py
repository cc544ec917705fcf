"""The score bank: the statistics of all scores for all languages, labelled, on disk as Zarr.

A bank is a set of shards. One pass may write many (a shard is what a killed run can lose), and a later pass
for one more recipe adds shards with only what was missing; whoever reads the bank sees one labelled whole.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.statistics.language import (
    STATISTICS,
    check_options,
    require_samples,
    warn_of_unequal_samples,
)
from neuroglot.statistics.moments import BINS, PARTS, count_type, merge_summaries, summarise
from neuroglot.statistics.quantity import UNITS, Quantity
from neuroglot.statistics.shard import SUFFIX, completeness, open_shard, quarantined, write_aside

STORE_LIMIT = 4 * 2**30
"""Bytes of per-sample scores that are kept; beyond them the bank streams."""


_SAVED = re.compile(rf"(\d+)-of-(\d+){re.escape(SUFFIX)}")
"""The files of a saved bank say how many they are, so that a bank that lacks one is not read as a whole."""


def bank_bytes(
    samples: Collection[int],
    layers: int,
    widths: Iterable[int],
    *,
    streamed: bool = False,
    histograms: bool = False,
) -> int:
    """What a bank takes, in memory and, but for histograms, which shrink, on disk.

    Args:
        samples: How many each language has.
        layers: How many are scored.
        widths: Neurons a layer, one width a quantity.
        streamed: Statistics instead of every sample's score.
        histograms: Statistics with counts in bins.
    """
    if not streamed:
        return 4 * sum(samples) * layers * sum(widths)
    neuron = 8 * len(PARTS) + (BINS * count_type(max(samples)).itemsize if histograms else 0)
    return neuron * len(samples) * layers * sum(widths)


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
        for key in ("model", "corpus", "positions"):
            if len({shard.attrs.get(key) for shard in self.shards}) > 1:
                raise NeuroglotError(f"the score bank's shards are not of one bank: their {key} differs")

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

    @property
    def quarantined(self) -> list[dict[str, Any]]:
        """Samples left out because a score was not finite: language, document, sentence, layer, score."""
        return quarantined(*self.shards)

    @property
    def completeness(self) -> list[tuple[str, int, float]]:
        """(score, layer, share): what the sums of path scores lack of the change in s along their path."""
        return [
            (str(name), int(layer), missing / change if change else float("nan"))
            for name, layer, missing, change in completeness(*self.shards)
        ]

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
        passes = [shards for shards in self._passes if site in shards[0].children]
        parts = [_joined([shard.children[site].to_dataset() for shard in shards]) for shards in passes]
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

    def statistic(
        self,
        quantity: Quantity,
        name: str,
        unit: str = "tokens",
        options: Mapping[str, Any] | None = None,
    ) -> xr.DataArray:
        """One statistic of a quantity over every language's samples.

        Args:
            quantity: What to read.
            name: The statistic (`neuroglot.statistics.language`).
            unit: What N counts.
            options: The statistic's own.

        Returns:
            Float64 [language, layer, neuron].

        Raises:
            NeuroglotError: An unknown name or option, nothing that it could be computed from, or too few
                samples of a language.
        """
        statistic, asked = STATISTICS[name], check_options(name, options or {})
        shards = self._pass_with(quantity, unit)
        if not self.languages:
            raise NeuroglotError("the score bank has no samples: every one was quarantined")
        if _unit(shards[0]) and statistic.streamed is None:
            raise NeuroglotError(
                f"the bank was streamed, and {name!r} needs every sample's score: score again with fewer "
                f"samples, sites or scores, so that they fit {STORE_LIMIT / 2**30:g} GB"
            )
        summary = self._summary(quantity, name, unit) if _unit(shards[0]) else None
        about = shards[0].children[quantity.site].dataset
        values = np.empty((len(self.languages), about.sizes["layer"], about.sizes["neuron"]))
        samples: dict[str, int] = {}
        for place, language in enumerate(self.languages):
            if summary is not None and statistic.streamed is not None:
                row = self._row(summary, quantity, language)
                samples[language] = int(row["samples"])
                require_samples(name, {language: samples[language]})
                values[place] = statistic.streamed(row, **asked)
            else:
                scores, units = self.samples(quantity, language, unit)
                samples[language] = len(units)
                require_samples(name, {language: samples[language]})
                values[place] = statistic.exact(scores, units, **asked)
                del scores  # before the next language's are read
        warn_of_unequal_samples(name, samples)
        return xr.DataArray(
            values,
            dims=("language", "layer", "neuron"),
            coords={"language": list(self.languages), "layer": about["layer"].values},
            name=quantity.variable,
        )

    def streamed(self, unit: str = "tokens", *, histograms: bool = True) -> "ScoreBank":
        """The same bank as a streaming pass would have kept it."""
        return ScoreBank(tuple(summarise(shard, unit, histograms=histograms) for shard in self.shards))

    def save(self, folder: Path | str) -> None:
        """Writes the bank's shards into a folder, in place of a bank that was saved there before.

        Killed at any moment it leaves the old bank, the new one, or one that `load` knows to be incomplete.

        Raises:
            NeuroglotError: The folder holds the bank of a run.
            OSError: It cannot be written (a full disk); the bank that was there before stays.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        there = list(folder.glob(f"*{SUFFIX}"))
        if not all(_SAVED.fullmatch(path.name) for path in there):
            raise NeuroglotError(f"{str(folder)!r} holds the bank of a run; save into another folder")
        count = len(self.shards)
        places = [folder / f"{number:05d}-of-{count:05d}{SUFFIX}" for number in range(count)]
        written: list[Path] = []
        try:
            for shard, place in zip(self.shards, places, strict=True):
                written.append(write_aside(shard, place))
            for path in there:
                path.unlink()
            for working, place in zip(written, places, strict=True):
                working.replace(place)
        finally:
            for working in written:
                working.unlink(missing_ok=True)

    @classmethod
    def load(cls, folder: Path | str) -> "ScoreBank":
        """Opens a bank: its labels now, the scores when a statistic reads them, and no others.

        Raises:
            NeuroglotError: Nothing there, or a shard is missing or damaged; reading may say so too.
        """
        paths: Sequence[Path] = sorted(Path(folder).glob(f"*{SUFFIX}"))
        if not paths:
            raise NeuroglotError(f"there is no score bank in {folder}")
        saved = [_SAVED.fullmatch(path.name) for path in paths]
        if any(saved) and [(int(one[1]), int(one[2])) for one in saved if one] != [
            (number, len(paths)) for number in range(len(paths))
        ]:
            raise NeuroglotError(f"the score bank in {folder} is not complete: save it again")
        return cls(tuple(open_shard(path) for path in paths))

    def __repr__(self) -> str:
        held = sorted({name for shard in self.shards for name in _variables(shard)})
        return f"ScoreBank({', '.join(self.languages)}; {', '.join(held)})"

    @cached_property
    def _passes(self) -> list[list[xr.DataTree]]:
        """The shards of each pass: the same variables for other samples."""
        passes: dict[frozenset[str], list[xr.DataTree]] = {}
        for shard in self.shards:
            passes.setdefault(_variables(shard), []).append(shard)
        return list(passes.values())

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

    def _summary(self, quantity: Quantity, name: str, unit: str) -> xr.Dataset:
        """What a statistic reads of a streamed pass, and nothing else of it, merged."""
        parts = [shard.children[quantity.site].to_dataset() for shard in self._pass_with(quantity, unit)]
        keys = [f"{quantity.variable}:{part}" for part in STATISTICS[name].reads]
        if STATISTICS[name].histogram and keys[0] not in parts[0]:
            raise NeuroglotError(
                f"the bank was streamed without histograms, which {name!r} needs: score again"
            )
        return reduce(merge_summaries, (part[["samples", unit, *keys]] for part in parts))

    def _row(self, summary: xr.Dataset, quantity: Quantity, language: str) -> dict[str, np.ndarray]:
        """One language of a summary."""
        rows = np.flatnonzero(summary["language"].values == language)
        if not len(rows):
            raise self._absent(quantity, language)
        names = {"samples": "samples", summary.attrs["unit"]: "units"}
        return {
            names.get(str(key), str(key).rpartition(":")[2]): array.variable[rows[0]].values
            for key, array in summary.data_vars.items()
        }

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


def _joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    if "sample" in parts[0].dims:
        return parts[0] if len(parts) == 1 else xr.concat(parts, "sample")
    return reduce(merge_summaries, parts)
