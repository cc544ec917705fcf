"""One corpus read by one model, a shard at a time, into a folder that can be killed at any moment.

    <pass>-00000.zarr.zip, <pass>-00001.zarr.zip, …   the shards
    <pass>.json                                       written last: what the finished pass holds

A pass is named by the checksum of all that decides what is in its shards: shards of other making never meet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import xarray as xr

from neuroglot.attribution.engine import score_samples
from neuroglot.errors import NeuroglotError
from neuroglot.files import write_text
from neuroglot.model.language_model import LanguageModel
from neuroglot.progress import Track
from neuroglot.statistics.bank import STORE_LIMIT, ScoreBank
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.moments import summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard
from neuroglot.study.recipe import Recipe
from neuroglot.text.samples import Sample

SHARD_TOKENS = 2048
"""Tokens a shard: what a killed run can lose."""

STREAMED_SHARD_TOKENS = 65536


@dataclass(frozen=True)
class Summary:
    """What a streaming pass keeps of each shard.

    Attributes:
        unit: What samples' scores are divided by.
        histograms: Whether scores are counted in bins, for medians.
    """

    unit: str
    histograms: bool

    @classmethod
    def needed_by(cls, recipes: Sequence[Recipe], also: Sequence[Quantity]) -> "Summary":
        """What recipes and further quantities, which are per token, read."""
        units = {recipe.per for recipe in recipes} | ({"tokens"} if also else set())
        if len(units) > 1:
            raise NeuroglotError(
                f"the scores do not fit {STORE_LIMIT // 2**30} GB, and a streamed bank knows one unit: "
                f"recipes, controls and means are per {' and per '.join(sorted(units))}"
            )
        return cls(units.pop(), any(STATISTICS[recipe.samples].histogram for recipe in recipes))


@dataclass(frozen=True)
class _Pass:
    """A finished pass."""

    quantities: tuple[Quantity, ...]
    summary: Summary | None
    shards: tuple[xr.DataTree, ...]

    @classmethod
    def at(cls, index: Path) -> "_Pass":
        """The pass whose index this is.

        Raises:
            NeuroglotError: The index or a shard is damaged or gone.
        """
        try:
            about = json.loads(index.read_text(encoding="utf-8"))
            quantities = tuple(Quantity(**quantity) for quantity in about["quantities"])
            summary = Summary(**about["summary"]) if about["summary"] else None
            numbers = range(about["shards"])
        except (ValueError, KeyError, TypeError) as error:
            raise NeuroglotError(f"{str(index)!r} is truncated or damaged; score again") from error
        shards = (load_shard(_shard_path(index.parent, index.stem, number)) for number in numbers)
        return cls(quantities, summary, tuple(shards))

    def serves(self, wanted: Summary | None) -> bool:
        """Whether it kept enough: every sample, or what somebody who streams asks for."""
        if self.summary is None or wanted is None:
            return self.summary is None
        return self.summary.unit == wanted.unit and self.summary.histograms >= wanted.histograms


def finished_bank(folder: Path) -> ScoreBank:
    """The bank that a `Reading` left in a folder.

    Raises:
        NeuroglotError: A shard of one of its passes is damaged or gone, so that averages would lack samples.
    """
    passes = [_Pass.at(index) for index in sorted(folder.glob("*.json"))]
    return ScoreBank(tuple(shard for one in passes for shard in one.shards))


@dataclass(frozen=True)
class Reading:
    """What is read, by whom and how; `bank` does it.

    Attributes:
        model: The model.
        samples: The text.
        layers: Restrict to these; None: all.
        positions: Tokens that count.
        summary: What is kept of each shard; None keeps every sample.
        attributes: Provenance for the shards.
    """

    model: LanguageModel
    samples: Sequence[Sample]
    layers: Sequence[int] | None
    positions: str
    summary: Summary | None
    attributes: Mapping[str, Any]

    def bank(self, wanted: Sequence[Quantity], folder: Path | None, track: Track) -> ScoreBank:
        """The bank with everything wanted; passes run only for what ``folder`` lacks."""
        passes = [] if folder is None else list(self._finished(folder))
        held = {quantity for one in passes for quantity in one.quantities}
        lacking = [quantity for quantity in wanted if quantity not in held]
        found = [shard for one in passes for shard in one.shards]
        by_objective: dict[str, list[Quantity]] = {}
        first = next((quantity.objective for quantity in lacking if quantity.objective), "")
        for quantity in lacking:  # forward scores ride on the first backward pass
            by_objective.setdefault(quantity.objective or first, []).append(quantity)
        for objective, quantities in by_objective.items():
            found += self._read(objective or "logprob", quantities, folder, track)
        if folder is not None:
            _forget_unfinished(folder)
        return ScoreBank(tuple(found))

    def _finished(self, folder: Path) -> Iterator[_Pass]:
        """The finished passes that serve; others lose their index and are done again from whole shards."""
        for index in sorted(folder.glob("*.json")):
            try:
                one = _Pass.at(index)
            except NeuroglotError:
                one = None
            if one and one.serves(self.summary):
                yield one
            else:
                index.unlink()

    def _read(
        self, objective: str, quantities: Sequence[Quantity], folder: Path | None, track: Track
    ) -> Iterator[xr.DataTree]:
        chunks = list(_chunks(self.samples, STREAMED_SHARD_TOKENS if self.summary else SHARD_TOKENS))
        kept = vars(self.summary) if self.summary else None
        name = digest([str(quantity) for quantity in quantities], objective, kept, len(chunks))
        total = sum(sample.tokens for sample in self.samples)
        with track("scoring neurons (tokens)", total) as advance:
            for number, chunk in enumerate(chunks):
                path = _shard_path(folder, name, number) if folder else None
                shard = None if path is None else _whole(path)
                if shard is None:
                    shard = score_samples(
                        self.model,
                        chunk,
                        quantities,
                        objective=objective,
                        layers=self.layers,
                        positions=self.positions,
                        attributes=self.attributes,
                        advance=advance,
                    )
                    if self.summary:
                        shard = summarise(shard, self.summary.unit, histograms=self.summary.histograms)
                    if path is not None:
                        path.parent.mkdir(parents=True, exist_ok=True)
                        save_shard(shard, path)
                else:
                    advance(sum(sample.tokens for sample in chunk))
                yield shard
        if folder is not None:
            about = {
                "shards": len(chunks),
                "summary": kept,
                "quantities": [vars(quantity) for quantity in quantities],
            }
            write_text(folder / f"{name}.json", json.dumps(about))


def digest(*parts: Any) -> str:
    """A short checksum of anything that JSON can say."""
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _shard_path(folder: Path, name: str, number: int) -> Path:
    return folder / f"{name}-{number:05d}{SUFFIX}"


def _whole(path: Path) -> xr.DataTree | None:
    """A shard from an earlier, killed run; a damaged one counts as missing."""
    try:
        return load_shard(path)
    except NeuroglotError:
        return None


def _forget_unfinished(folder: Path) -> None:
    """Removes shards of passes that were killed and that nobody asked for again."""
    finished = {index.stem for index in folder.glob("*.json")}
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name.partition("-")[0] not in finished:
            path.unlink()


def _chunks(samples: Sequence[Sample], tokens: int) -> Iterator[list[Sample]]:
    """Sorted by length, so that a shard packs well whatever the languages in it."""
    chunk: list[Sample] = []
    for sample in sorted(samples, key=lambda sample: -len(sample.ids)):
        chunk.append(sample)
        if sum(one.tokens for one in chunk) >= tokens:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
