"""The masks of a study evaluated a few at a time, in a folder that can be killed at any moment.

A piece is named by the checksum of all that it rests on: the model's weights, the text, and what its masks
do. So a file that is there is right, and stays right when the study changes elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.direct import direct
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.files import writing
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.progress import Track
from neuroglot.statistics.shard import SUFFIX, load_shard
from neuroglot.study.digest import digest
from neuroglot.study.executors.piece import Advance, Executor, Piece, Trial
from neuroglot.text.samples import Sample

Masks = Sequence[tuple[Mask, Intervention]]

Effect = Literal["total", "direct"]

MEASURED = ("log_prob", "correct")
"""What a piece holds. It is part of a piece's name, so that those of earlier versions are made again."""


@dataclass(frozen=True)
class SwitchOff:
    """A piece of the work: a few masks over all the text.

    Attributes:
        samples: The text.
        interventions: Mask name → what it does.
        attributes: Provenance for the shard.
        effect: ``total`` (`likelihood`) or ``direct`` (`direct`).
    """

    samples: Sequence[Sample]
    interventions: Mapping[str, Intervention]
    attributes: Mapping[str, str]
    effect: Effect = "total"

    def __call__(self, model: LanguageModel, advance: Advance) -> xr.DataTree:
        """Its shard: every sample's log-probability and tokens predicted right, under every mask."""
        measure = direct if self.effect == "direct" else likelihood
        data = measure(model, self.samples, self.interventions, advance=advance)
        data.attrs.update(self.attributes)
        return xr.DataTree(data)

    def largest_batch(self, token_budget: int) -> int:
        """Positions of its largest batch: a sample's copies under all masks may share it."""
        longest = max(len(sample.ids) for sample in self.samples)
        rows = len(self.samples) * len(self.interventions)
        return min(rows, max(1, token_budget // longest)) * longest

    def held(self, model: LanguageModel) -> int:
        """A number a sample and mask: nothing."""
        return 0

    def little(self, positions: int) -> Trial:
        """Its longest samples under all its masks, about so many positions."""
        longest = sorted(self.samples, key=lambda sample: -len(sample.ids))
        masks = len(self.interventions)
        chosen = longest[: max(1, positions // (len(longest[0].ids) * masks))]
        tokens = masks * sum(sample.tokens for sample in chosen)
        return Trial(replace(self, samples=chosen), masks * len(chosen) * len(chosen[0].ids), tokens)


@dataclass(frozen=True)
class Ablating:
    """What the masks are tried on, by whom, and where the results lie.

    Attributes:
        executor: Whoever has the model.
        reader: The model's fingerprint and precision.
        samples: The text to report on.
        folder: Of the pieces.
        attributes: Provenance for them.
        effect: As in `SwitchOff`.
    """

    executor: Executor
    reader: str
    samples: Sequence[Sample]
    folder: Path
    attributes: Mapping[str, str]
    effect: Effect = "total"

    def keys(self, parts: Sequence[Masks]) -> list[str]:
        """The name of each piece."""
        text = [(one.language, one.document, one.sentence, one.ids, one.prompt) for one in self.samples]
        about = (self.reader, self.effect, MEASURED, text)
        return [digest(*about, [_described(mask, act) for mask, act in part]) for part in parts]

    def work(self, parts: Sequence[Masks], track: Track) -> None:
        """Does every piece that is not there."""
        tokens = sum(sample.tokens for sample in self.samples)
        pieces, there = [], 0
        for part, key in zip(parts, self.keys(parts), strict=True):
            path = piece_path(self.folder, key)
            if _whole(path):
                there += tokens * len(part)
                continue
            acts = {mask.name: act for mask, act in part}
            work = SwitchOff(self.samples, acts, self.attributes, self.effect)
            pieces.append(Piece(f"the piece of masks {', '.join(acts)}", tokens * len(part), work, path))
        with writing(self.folder / "pieces"):
            self.folder.mkdir(exist_ok=True)
        self.executor.expect(pieces)
        with track("switching neurons off (tokens)", tokens * sum(map(len, parts))) as advance:
            advance(there)
            for _ in self.executor.run(pieces, advance):
                pass


def piece_path(folder: Path, key: str) -> Path:
    """The file of a piece."""
    return folder / f"{key}{SUFFIX}"


def read_pieces(folder: Path, keys: Sequence[str]) -> xr.Dataset:
    """The masks of finished pieces, one after the other."""
    parts = [load_shard(piece_path(folder, key)).to_dataset() for key in keys]
    return xr.concat(parts, "mask", data_vars="minimal", coords="minimal", compat="override")


def _whole(path: Path) -> bool:
    try:
        load_shard(path)
    except NeuroglotError:
        return False
    return True


def _described(mask: Mask, act: Intervention) -> tuple[Any, ...]:
    """All that decides what a mask does."""
    shift = "" if act.shift is None else digest(act.shift.tobytes().hex())
    return mask.name, act.kind, act.neurons.site, digest(act.neurons.indices.tolist()), shift
