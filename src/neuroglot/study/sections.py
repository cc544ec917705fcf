"""What is measured beside a run's own stages: part after part, each kept as CSV files when it is finished.

A part is a function to frames. Its masks are pieces of the run's ablation, named by what they do, so that
parts share them and whatever was killed goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.files import write_text
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.specificity.selection import parse_budget
from neuroglot.study.ablating import Effect, read_pieces
from neuroglot.study.digest import digest
from neuroglot.study.plan import MASKS_A_PIECE
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.steps import activations_for, base_mask, everything_off
from neuroglot.text.samples import Sample

Frames = dict[str, pd.DataFrame]
Sets = Mapping[str, NeuronSet]
Acts = Sequence[tuple[Mask, Intervention]]

TEXTS = ("recipe", "baseline", "mask", "kind", "language", "target")
"""Columns where an empty cell is an empty name: everything off has no recipe."""


class Sections:
    """A run and what is measured beside its stages.

    Attributes:
        run: The folder, with bank, text and model.
        name: Of the folder inside the run's.
    """

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.size = parse_budget(run.study.budget)
        self._chosen: dict[tuple[str, int | float], Sets] = {}

    @property
    def languages(self) -> list[str]:
        """The study's."""
        return self.run.study.text.languages

    @property
    def seconds(self) -> dict[str, float]:
        """How long each finished part took."""
        names = [path.stem for path in sorted((self.run.folder / self.name).glob("*.json"))]
        return {name: self._about(name)["seconds"] for name in names}

    def chosen(self, recipe: Recipe, size: int | float | None = None) -> Sets:
        """A recipe's sets at a budget; default: the study's."""
        key = (recipe.name, self.size if size is None else size)
        if key not in self._chosen:
            self._chosen[key] = self.run.choose(recipe, key[1])
        return self._chosen[key]

    def acts(self, recipe: str, sets: Sets, kind: str = "zero", label: str = "") -> Acts:
        """A recipe's sets as masks."""
        sites = {own.site for own in sets.values()}
        means = {site: activations_for(kind, self.run.bank, site) for site in sites}
        found = []
        for language, own in sets.items():
            name = " ".join(filter(None, (recipe, kind, language, label)))
            mask = Mask(name, "recipe", recipe, kind, language, len(own))
            found.append((mask, Intervention(own, kind, means[own.site])))
        return found

    def measured(
        self, acts: Acts, samples: Sequence[Sample] | None = None, effect: Effect = "total"
    ) -> Ablation:
        """What masks do to text (default: the report), beside nothing and everything off."""
        model, site = self.run.model, self.run.study.recipes[0].site
        first = [base_mask(model), everything_off(model, site)]
        once: dict[str, tuple[Mask, Intervention]] = {}  # rules often agree, and empty sets always do
        like = [once.setdefault(does(act), (mask, act))[0].name for mask, act in acts]
        todo = list(once.values())
        starts = range(0, len(todo), MASKS_A_PIECE)
        parts = [first, *(todo[start : start + MASKS_A_PIECE] for start in starts)]
        ablating = self.run.ablating(samples, effect)
        ablating.work(parts, self.run.track)
        data = read_pieces(ablating.folder, ablating.keys(parts))
        masks = [mask for mask, _ in [*first, *acts]]
        measured = data["mask"].values.tolist()
        places = [measured.index(name) for name in [*(mask.name for mask, _ in first), *like]]
        names = np.array([mask.name for mask in masks], dtype=np.dtypes.StringDType())
        return Ablation(data.isel(mask=places).assign_coords(mask=names), tuple(masks))

    def kept(self, name: str, part: Callable[[], Frames], *rests_on: Any) -> Frames:
        """A part's frames: read if it is finished and rests on the same, else measured and written."""
        folder = self.run.folder / self.name
        scored = self.run.manifest["stages"]["score"]
        key = digest(name, *rests_on, scored["bank"], scored["text"], scored["model"])
        index = folder / f"{name}.json"
        if index.is_file():
            known = self._about(name)
            files = {each: folder / f"{each}.csv" for each in known["frames"]}
            if known["key"] == key and all(map(Path.is_file, files.values())):
                return {each: _read(path) for each, path in files.items()}
        began = time.monotonic()
        frames = part()
        folder.mkdir(exist_ok=True)
        for each, frame in frames.items():
            write_text(folder / f"{each}.csv", frame.to_csv(index=False))
        seconds = round(time.monotonic() - began, 1)
        write_text(index, json.dumps({"key": key, "frames": list(frames), "seconds": seconds}))
        return {each: _read(folder / f"{each}.csv") for each in frames}  # the same now and when it goes on

    def _about(self, name: str) -> dict[str, Any]:
        path = self.run.folder / self.name / f"{name}.json"
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return found


def _read(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    texts = [name for name in TEXTS if name in frame]
    return frame.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))


def does(act: Intervention) -> str:
    """All that decides what a mask does; nothing, for an empty one."""
    if not len(act.neurons):
        return ""
    shift = "" if act.shift is None else act.shift.tobytes().hex()
    return digest(act.kind, act.neurons.site, act.neurons.indices.tolist(), shift)
