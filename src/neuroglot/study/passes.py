"""The files of a pass, in a folder that can be killed at any moment.

    <pass>-00000.zarr.zip, <pass>-00001.zarr.zip, …   the shards of its chunks
    <pass>-00000-00003.zarr.zip                       streamed: those of chunks 0 to 3, merged
    <pass>.json                                       written last: what the finished pass holds

A streamed pass merges its shards two neighbours at a time, in a tree whose shape only the number of chunks
decides: the sum is the same to the last bit whatever order the chunks come in, and hardly more than a shard a
level is on disk at a time. The name says which chunks a file is the sum of, so none is counted twice.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.files import write_text, writing
from neuroglot.specificity.contrasts import SAMPLE_CONTRASTS
from neuroglot.statistics.bank import STORE_LIMIT
from neuroglot.statistics.language import STATISTICS
from neuroglot.statistics.moments import merge
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import SUFFIX, load_shard, open_shard, save_shard
from neuroglot.study.recipe import Recipe

Span = tuple[int, int]
"""The first chunk, and the one after the last."""


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
        for recipe in recipes:
            reads = "contrast", recipe.contrast.name
            if recipe.contrast.name not in SAMPLE_CONTRASTS:
                reads = "statistic", recipe.samples.name
                if STATISTICS[recipe.samples.name].streamed is not None:
                    continue
            raise NeuroglotError(
                f"the scores do not fit {STORE_LIMIT // 2**30} GB, and recipe {recipe.name!r} needs every "
                f"sample's for its {reads[0]} {reads[1]!r}: read fewer sentences, or fewer recipes at once"
            )
        units = {recipe.per for recipe in recipes} | ({"tokens"} if also else set())
        if len(units) > 1:
            raise NeuroglotError(
                f"the scores do not fit {STORE_LIMIT // 2**30} GB, and a streamed bank knows one unit: "
                f"recipes, controls and means are per {' and per '.join(sorted(units))}"
            )
        return cls(units.pop(), any(STATISTICS[recipe.samples.name].histogram for recipe in recipes))


@dataclass(frozen=True)
class Pass:
    """A finished pass."""

    quantities: tuple[Quantity, ...]
    summary: Summary | None
    shards: tuple[xr.DataTree, ...]

    @classmethod
    def at(cls, index: Path, read: Callable[[Path], xr.DataTree] = load_shard) -> "Pass":
        """The pass whose index this is, its shards checked whole, or as ``read`` does.

        Raises:
            NeuroglotError: The index or a shard is damaged or gone.
        """
        try:
            about = json.loads(index.read_text(encoding="utf-8"))
            quantities = tuple(Quantity(**quantity) for quantity in about["quantities"])
            summary = Summary(**about["summary"]) if about["summary"] else None
            chunks = range(about["shards"])
        except (ValueError, KeyError, TypeError) as error:
            raise NeuroglotError(f"{str(index)!r} is truncated or damaged; score again") from error
        spans = [(0, len(chunks))] if summary else [(chunk, chunk + 1) for chunk in chunks]
        shards = (read(shard_path(index.parent, index.stem, span)) for span in spans)
        return cls(quantities, summary, tuple(shards))

    def serves(self, wanted: Summary | None) -> bool:
        """Whether it kept enough: every sample, or what somebody who streams asks for."""
        if self.summary is None or wanted is None:
            return self.summary is None
        return self.summary.unit == wanted.unit and self.summary.histograms >= wanted.histograms


@dataclass
class Shards:
    """The shards of a pass under way: kept one by one, or merged as they come.

    Attributes:
        folder: Where they lie; None keeps them in memory.
        name: The pass.
        chunks: How many there will be.
        merged: Whether neighbours are merged.
        held: What there is, by the chunks that it covers: a file, or the shard itself.
    """

    folder: Path | None
    name: str
    chunks: int
    merged: bool
    held: dict[Span, Path | xr.DataTree] = field(default_factory=dict)

    def resume(self) -> set[int]:
        """Takes up the whole shards of an earlier, killed run, and says which chunks they cover."""
        for span, path in self._left():
            if self._covered(span) or _whole(path) is None:
                path.unlink()
            else:
                self.held[span] = path
        covered = {chunk for span in self.held for chunk in range(*span)}
        for span in list(self.held):
            if span in self.held:
                self._merge(span)
        return covered

    def path(self, chunk: int) -> Path | None:
        """Where the shard of a chunk is to be kept."""
        return self.folder and shard_path(self.folder, self.name, (chunk, chunk + 1))

    def add(self, chunk: int, shard: xr.DataTree) -> None:
        """Takes the shard of a chunk, which lies at its `path` by now."""
        self.held[chunk, chunk + 1] = self.path(chunk) or shard
        self._merge((chunk, chunk + 1))

    def finished(self) -> list[xr.DataTree]:
        """All of them, in the order of the chunks; one if they are merged."""
        return [_tree(self.held[span]) for span in sorted(self.held)]

    def _left(self) -> Iterator[tuple[Span, Path]]:
        """The files of this pass, what covers most first."""
        spans = {}
        for path in self.folder.glob(f"{self.name}-*{SUFFIX}") if self.folder else ():
            first, _, last = path.name.removesuffix(SUFFIX).removeprefix(f"{self.name}-").partition("-")
            spans[int(first), int(last or first) + 1] = path
        yield from sorted(spans.items(), key=lambda each: each[0][0] - each[0][1])

    def _covered(self, span: Span) -> bool:
        return any(first <= span[0] and span[1] <= last for first, last in self.held)

    def _merge(self, span: Span) -> None:
        """Merges what covers a span with its neighbour, and the sum with its own, while they are there."""
        while self.merged and (halves := self._halves(span)) and all(half in self.held for half in halves):
            left, right = halves
            span = (left[0], right[1])
            shard = merge(_tree(self.held[left]), _tree(self.held[right]))
            if self.folder is None:
                self.held[span] = shard
            else:
                path = shard_path(self.folder, self.name, span)
                with writing(path):
                    save_shard(shard, path)
                self.held[span] = path
            for half in halves:  # a run killed here finds the sum, and knows by its name what that covers
                gone = self.held.pop(half)
                if isinstance(gone, Path):
                    gone.unlink()

    def _halves(self, span: Span) -> tuple[Span, Span] | None:
        """The two halves of the smallest block that a span does not fill: itself and its neighbour."""
        size = 1
        while size < self.chunks:
            size *= 2
            first = span[0] // size * size
            middle, last = first + size // 2, min(first + size, self.chunks)
            if middle < last and span in ((first, middle), (middle, last)):
                return (first, middle), (middle, last)
        return None


def shard_path(folder: Path, name: str, span: Span) -> Path:
    """The file of a pass's shard that covers some chunks."""
    first, last = span[0], span[1] - 1
    return folder / f"{name}-{first:05d}{f'-{last:05d}' if last > first else ''}{SUFFIX}"


def write_index(
    folder: Path, name: str, quantities: Sequence[Quantity], kept: Summary | None, chunks: int
) -> None:
    """Notes that a pass is finished, and what it holds."""
    about = {
        "shards": chunks,
        "summary": vars(kept) if kept else None,
        "quantities": [vars(quantity) for quantity in quantities],
    }
    write_text(folder / f"{name}.json", json.dumps(about))


def forget_unfinished(folder: Path) -> None:
    """Removes shards of passes that were killed and that nobody asked for again."""
    finished = {index.stem for index in folder.glob("*.json")}
    for path in folder.glob(f"*{SUFFIX}"):
        if path.name.partition("-")[0] not in finished:
            path.unlink()


def _whole(path: Path) -> xr.DataTree | None:
    """A shard from an earlier, killed run; a damaged one counts as missing."""
    try:
        return load_shard(path)
    except NeuroglotError:
        return None


def _tree(shard: Path | xr.DataTree) -> xr.DataTree:
    return open_shard(shard) if isinstance(shard, Path) else shard
