"""One corpus read by one model, a chunk at a time, into a folder that can be killed at any moment.

What is to be read is cut into chunks, each a piece of work for the executor; `passes` keeps their shards. A
pass is named by the checksum of all that decides what is in its shards: shards of other making never meet.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

import xarray as xr

from neuroglot.attribution.engine import score_samples
from neuroglot.errors import NeuroglotError
from neuroglot.files import writing
from neuroglot.model.batch import pack
from neuroglot.model.language_model import LanguageModel
from neuroglot.objective import OBJECTIVES, Objective, Task
from neuroglot.progress import Track
from neuroglot.statistics.bank import ScoreBank, bank_bytes
from neuroglot.statistics.moments import merge, summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import open_shard
from neuroglot.study.digest import digest
from neuroglot.study.executors.piece import Advance, Executor, Piece, Trial
from neuroglot.study.passes import Pass, Shards, Summary, forget_unfinished, write_index
from neuroglot.text.samples import Sample

SHARD_TOKENS = 2048
"""Tokens a shard: what a killed run can lose."""

STREAMED_SHARD_TOKENS = 65536

STREAMED_SHARDS = 1024
"""At most about so many a streamed pass: each is as large as the bank's share of its languages, so beyond
them they grow in tokens, and what is moved and merged grows with the bank and no more with the corpus."""

PART_BYTES = 2**30
"""Scores of single samples that a streaming pass holds before it summarises them."""


def finished_bank(folder: Path) -> ScoreBank:
    """The bank that a `Reading` left in a folder; of a large file only what is asked of it is read.

    Raises:
        NeuroglotError: A shard of one of its passes is damaged or gone, so that averages would lack samples;
            reading the bank may say so too.
    """
    passes = [Pass.at(index, open_shard) for index in sorted(folder.glob("*.json"))]
    return ScoreBank(tuple(shard for one in passes for shard in one.shards))


@dataclass(frozen=True)
class Chunk:
    """A piece of a pass: some samples, and what is kept of them.

    Attributes:
        samples: The text.
        quantities: What is scored.
        objective: The scalar s, by name or fitted.
        layers: Restrict to these; None: all.
        positions: Tokens that count.
        summary: What is kept; None keeps every sample.
        attributes: Provenance for the shard.
        checkpointing: Less memory for the backward pass, for more time.
    """

    samples: Sequence[Sample]
    quantities: Sequence[Quantity]
    objective: str | Objective
    layers: Sequence[int] | None
    positions: str
    summary: Summary | None
    attributes: Mapping[str, Any]
    checkpointing: bool = False

    def __call__(self, model: LanguageModel, advance: Advance) -> xr.DataTree:
        """Its shard: a shard of samples, or of moments."""
        if self.summary is None:
            return self._scores(model, self.samples, advance)
        layers = len(self.layers or range(model.layers))
        one = bank_bytes([1], layers, [model.site(quantity.site).width for quantity in self.quantities])
        rows = max(1, PART_BYTES // one)
        parts = (self.samples[start : start + rows] for start in range(0, len(self.samples), rows))
        unit, histograms = self.summary.unit, self.summary.histograms
        return reduce(
            merge,
            (summarise(self._scores(model, part, advance), unit, histograms=histograms) for part in parts),
        )

    def largest_batch(self, token_budget: int) -> int:
        """Positions of the batch of its longest samples."""
        first = pack(self.samples, token_budget)[0]
        return len(first) * max(len(self.samples[row].ids) for row in first)

    def held(self, model: LanguageModel) -> int:
        """Its shard, and the parts of it that are being written or summarised."""
        layers = len(self.layers or range(model.layers))
        widths = [model.site(quantity.site).width for quantity in self.quantities]
        scores = bank_bytes([len(self.samples)], layers, widths)
        if self.summary is None:
            return 2 * scores
        languages = len({sample.language for sample in self.samples})
        each = [len(self.samples) // languages] * languages
        moments = bank_bytes(each, layers, widths, streamed=True, histograms=self.summary.histograms)
        return min(scores, PART_BYTES) + 2 * moments

    def little(self, positions: int) -> Trial:
        """Its longest samples, about so many positions of them."""
        longest = sorted(self.samples, key=lambda sample: -len(sample.ids))
        rows = max(1, positions // len(longest[0].ids))
        chosen = longest[:rows]
        tokens = sum(sample.tokens for sample in chosen)
        return Trial(replace(self, samples=chosen), len(chosen) * len(chosen[0].ids), tokens)

    def _scores(self, model: LanguageModel, samples: Sequence[Sample], advance: Advance) -> xr.DataTree:
        return score_samples(
            model,
            samples,
            self.quantities,
            objective=self.objective,
            layers=self.layers,
            positions=self.positions,
            checkpointing=self.checkpointing,
            attributes=self.attributes,
            advance=advance,
        )


@dataclass(frozen=True)
class Reading:
    """What is read, by whom and how; `bank` does it.

    Attributes:
        executor: Whoever has the model.
        samples: The text.
        layers: Restrict to these; None: all.
        positions: Tokens that count.
        summary: What is kept of each shard; None keeps every sample.
        attributes: Provenance for the shards.
        checkpointing: Less memory for the backward pass, for more time.
        tasks: (objective, sentences) of quantities that read something else than ``samples`` → what.
    """

    executor: Executor
    samples: Sequence[Sample]
    layers: Sequence[int] | None
    positions: str
    summary: Summary | None
    attributes: Mapping[str, Any]
    checkpointing: bool = False
    tasks: Mapping[tuple[str, int], Task] = field(default_factory=dict)

    def bank(self, wanted: Sequence[Quantity], folder: Path | None, track: Track) -> ScoreBank:
        """The bank with everything wanted; passes run only for what ``folder`` lacks."""
        passes = [] if folder is None else list(self._finished(folder))
        held = {quantity for one in passes for quantity in one.quantities}
        lacking = [quantity for quantity in wanted if quantity not in held]
        found = [shard for one in passes for shard in one.shards]
        by_task: dict[tuple[str, int], list[Quantity]] = {}
        plain = [quantity for quantity in lacking if quantity.objective and self._reads_all(quantity)]
        first = plain[0].objective if plain else ""
        for quantity in lacking:  # forward scores ride on the first backward pass over the same text
            objective = quantity.objective or ("" if quantity.sentences else first)
            by_task.setdefault((objective, quantity.sentences), []).append(quantity)
        for task, quantities in by_task.items():
            found += self._read(task, quantities, folder, track)
        if folder is not None:
            forget_unfinished(folder)
        return ScoreBank(tuple(found))

    def _finished(self, folder: Path) -> Iterator[Pass]:
        """The finished passes that serve; others lose their index and are done again from whole shards."""
        for index in sorted(folder.glob("*.json")):
            try:
                one = Pass.at(index)
            except NeuroglotError:
                one = None
            if one and one.serves(self.summary):
                yield one
            else:
                index.unlink()

    def _reads_all(self, quantity: Quantity) -> bool:
        return (quantity.objective, quantity.sentences) not in self.tasks

    def _read(
        self, task: tuple[str, int], quantities: Sequence[Quantity], folder: Path | None, track: Track
    ) -> list[xr.DataTree]:
        read = self.tasks.get(task, Task(tuple(self.samples), OBJECTIVES["logprob"]))
        objective = read.objective if task in self.tasks else task[0] or "logprob"
        chunks = self._chunks(read.samples)
        about = {**self.attributes, **({"task": json.dumps(read.about)} if read.about else {})}
        kept = vars(self.summary) if self.summary else None
        cut = [len(chunk) for chunk in chunks] if self.summary else len(chunks)
        name = digest([str(quantity) for quantity in quantities], task[0] or "logprob", kept, cut)
        if folder is not None:
            with writing(folder / name):
                folder.mkdir(parents=True, exist_ok=True)
        shards = Shards(folder, name, len(chunks), merged=self.summary is not None)
        there = shards.resume()
        pieces = {
            number: Piece(
                f"shard {number + 1} of {len(chunks)} of the pass",
                _tokens(chunk),
                Chunk(
                    chunk,
                    quantities,
                    objective,
                    self.layers,
                    self.positions,
                    self.summary,
                    about,
                    self.checkpointing,
                ),
                shards.path(number),
            )
            for number, chunk in enumerate(chunks)
            if number not in there
        }
        self.executor.expect(list(pieces.values()))
        with track("scoring neurons (tokens)", _tokens(read.samples)) as advance:
            advance(sum(_tokens(chunks[number]) for number in there))
            numbers = list(pieces)
            for place, shard in self.executor.run(list(pieces.values()), advance):
                shards.add(numbers[place], shard)
        if folder is not None:
            write_index(folder, name, quantities, self.summary, len(chunks))
        return shards.finished()

    def _chunks(self, samples: Sequence[Sample]) -> list[list[Sample]]:
        """Sorted by length, so that a shard packs well whatever the languages in it.

        A streamed shard is as large as the languages in it are many: there each language comes for itself.
        """
        limit = SHARD_TOKENS
        if self.summary:
            limit = max(STREAMED_SHARD_TOKENS, _tokens(samples) // STREAMED_SHARDS)
        chunks: list[list[Sample]] = []
        room = 0
        for sample in sorted(
            samples, key=lambda sample: (sample.language if self.summary else "", -len(sample.ids))
        ):
            if room <= 0:
                chunks.append([])
                room = limit
            chunks[-1].append(sample)
            room -= sample.tokens
        return chunks


def _tokens(samples: Sequence[Sample]) -> int:
    return sum(sample.tokens for sample in samples)
