"""A comparison in a run folder: section after section, each kept as CSV files when it is finished.

A section is a function from this object to frames. Its masks are pieces of the run's ablation, named by what
they do, so that sections share them and a killed comparison goes on where it was.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.files import write_text
from neuroglot.intervention.kinds import KINDS, Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.specificity.selection import neurons_allowed, parse_budget
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.statistics.shard import load_shard
from neuroglot.study.ablating import piece_path
from neuroglot.study.comparison.budgets import scored_neurons
from neuroglot.study.comparison.settings import Comparison
from neuroglot.study.digest import digest
from neuroglot.study.plan import MASKS_A_PIECE, control_sets
from neuroglot.study.recipe import Recipe, Scale
from neuroglot.study.rules import WithinBudget
from neuroglot.study.run import Run
from neuroglot.study.steps import activation_read, activations_for, base_mask, everything_off
from neuroglot.study.validation import located

Frames = dict[str, pd.DataFrame]
Sets = Mapping[str, NeuronSet]
Acts = Sequence[tuple[Mask, Intervention]]

TEXTS = ("recipe", "baseline", "mask", "kind", "language")
"""Columns where an empty cell is an empty name: everything off has no recipe."""


class Comparing:
    """A comparison under way.

    Attributes:
        run: The folder, with bank, text and model.
        comparison: What is compared.
    """

    def __init__(self, run: Run, comparison: Comparison) -> None:
        self.run = run
        self.comparison = comparison
        self.size = parse_budget(comparison.budget)
        self._chosen: dict[tuple[str, int | float], Sets] = {}

    def check(self) -> None:
        """Refuses what would spoil the comparison, before any pass.

        Raises:
            NeuroglotError: A document on both sides of the split, or a budget that the model has not.
        """
        text = self.run.text
        both = [
            (language, one.id)
            for language in self.languages
            for one in text["report"].documents[language]
            if one.id in {other.id for other in text["identify"].documents[language]}
        ]
        if both:
            raise NeuroglotError(
                f"document {both[0][1]!r} of {both[0][0]!r} is in the text to identify on and in the report"
            )
        for size in self.comparison.compare.sizes:
            with located(self.comparison.at("compare.budgets")):
                neurons_allowed(size, scored_neurons(self.run))

    @property
    def languages(self) -> list[str]:
        """The study's."""
        return self.comparison.text.languages

    def score(self) -> ScoreBank:
        """The one bank that everything is read from."""
        self.check()
        return self.run.score(self._beside())

    def about(self) -> dict[str, Any]:
        """How it was made, for the page."""
        comparison, manifest = self.comparison, self.run.manifest
        scored = manifest["stages"]["score"]
        model, text = scored["model"], scored["text"]
        return {
            "title": comparison.title,
            "model": Path(model["name"]).name,
            "revision": model["revision"] or "none",
            "weights": model["fingerprint"],
            "precision": model["precision"],
            "identified on": f"{text['identify']['name']} ({text['identify']['fingerprint'][:12]})",
            "reported on": f"{text['report']['name']} ({text['report']['fingerprint'][:12]})",
            "languages": self.languages,
            "sentences": {
                part: {name: corpus.sentences(name) for name in self.languages}
                for part, corpus in self.run.text.items()
            },
            "recipes": {recipe.name: f"{recipe.about} {recipe.source}" for recipe in comparison.recipes},
            "budget": comparison.budget,
            "seed": comparison.seed,
            "resamples": comparison.resamples,
            "versions": manifest["versions"],
            "started": manifest["started"],
            "finished": manifest["finished"],
            "seconds": {name: self._about(name)["seconds"] for name in self._finished()},
            "commands": ["neuroglot compare study.yaml   # the study.yaml of this run's folder"],
        }

    def frames(self) -> Frames:
        """Every section's frames; finished ones are read, the others measured."""
        from neuroglot.study.comparison.sections import SECTIONS

        found: Frames = {}
        for name, section in SECTIONS.items():
            found |= self._kept(name, section)
        return found

    def chosen(self, recipe: Recipe, size: int | float | None = None) -> Sets:
        """A recipe's sets at a budget; default: the study's."""
        key = (recipe.name, self.size if size is None else size)
        if key not in self._chosen:
            self._chosen[key] = self.run.choose(recipe, key[1])
        return self._chosen[key]

    @cached_property
    def controls(self) -> dict[str, dict[str, NeuronSet]]:
        """Uniform sets, and those matched to each recipe's."""
        sets = {recipe.name: self.chosen(recipe) for recipe in self.comparison.recipes}
        return control_sets(self.comparison, self.run.bank, sets)

    def acts(self, recipe: str, sets: Sets, kind: str = "zero", label: str = "") -> Acts:
        """A recipe's sets as masks."""
        found = []
        for language, own in sets.items():
            means = activations_for(kind, self.run.bank, own.site) if KINDS[kind].shift else None
            name = " ".join(filter(None, (recipe, kind, language, label)))
            mask = Mask(name, "recipe", recipe, kind, language, len(own))
            found.append((mask, Intervention(own, kind, means)))
        return found

    def measured(self, acts: Acts, sentences: int | None = None) -> Ablation:
        """What masks do to the report text (to ``sentences`` of it), beside nothing and everything off."""
        model, site = self.run.model, self.comparison.recipes[0].site
        first = [base_mask(model), everything_off(model, site)]
        once: dict[str, tuple[Mask, Intervention]] = {}  # rules often agree, and empty sets always do
        like = [once.setdefault(_does(act), (mask, act))[0].name for mask, act in acts]
        todo = list(once.values())
        starts = range(0, len(todo), MASKS_A_PIECE)
        parts = [first, *(todo[start : start + MASKS_A_PIECE] for start in starts)]
        ablating = self.run.ablating(sentences)
        ablating.work(parts, self.run.track)
        data = xr.concat(
            [load_shard(piece_path(ablating.folder, key)).to_dataset() for key in ablating.keys(parts)],
            "mask",
            data_vars="minimal",
            coords="minimal",
            compat="override",
        )
        masks = [mask for mask, _ in [*first, *acts]]
        measured = data["mask"].values.tolist()
        places = [measured.index(name) for name in [*(mask.name for mask, _ in first), *like]]
        names = np.array([mask.name for mask in masks], dtype=np.dtypes.StringDType())
        return Ablation(data.isel(mask=places).assign_coords(mask=names), tuple(masks))

    def _finished(self) -> list[str]:
        return [path.stem for path in sorted((self.run.folder / "comparison").glob("*.json"))]

    def _about(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            (self.run.folder / "comparison" / f"{name}.json").read_text(encoding="utf-8")
        )
        return found

    def _beside(self) -> list[Quantity]:
        """What baselines and sections need of the pass beside the recipes."""
        sites = {recipe.site for recipe in self.comparison.recipes}
        needed = {
            activation_read(kind, site)
            for kind in self.comparison.compare.baselines
            if KINDS[kind].shift
            for site in sites
        }
        # Predicted effects of whole sets are signed sums over tokens.
        return sorted(needed | {Quantity("mlp", "grad_act", "sum", 1, "logprob")})

    def _kept(self, name: str, section: Callable[["Comparing"], Frames]) -> Frames:
        folder = self.run.folder / "comparison"
        scored = self.run.manifest["stages"]["score"]
        key = digest(name, self.comparison.digest, scored["bank"], scored["text"], scored["model"])
        index = folder / f"{name}.json"
        if index.is_file():
            known = self._about(name)
            files = {each: folder / f"{each}.csv" for each in known["frames"]}
            if known["key"] == key and all(map(Path.is_file, files.values())):
                return {each: _read(path) for each, path in files.items()}
        began = time.monotonic()
        frames = section(self)
        folder.mkdir(exist_ok=True)
        for each, frame in frames.items():
            write_text(folder / f"{each}.csv", frame.to_csv(index=False))
        seconds = round(time.monotonic() - began, 1)
        write_text(index, json.dumps({"key": key, "frames": list(frames), "seconds": seconds}))
        return {each: _read(folder / f"{each}.csv") for each in frames}  # the same now and when it goes on


def sized(recipe: Recipe) -> bool:
    """Whether the budget decides how many neurons a recipe chooses."""
    return recipe.select.rule in ("budget", "both_ends", "gates")


def recrossed(recipe: Recipe, contrast: str) -> Recipe:
    """A recipe's score and statistics, unscaled, under another contrast and the plain budget.

    Raises:
        ValueError: They do not go together.
    """
    document = recipe.model_dump(mode="json") | {
        "name": f"{recipe.name}--{contrast}",
        "scale": Scale().model_dump(),
        "contrast": contrast,
        "select": WithinBudget().model_dump(),
        "among": None,
    }
    return Recipe.model_validate(document)


def _read(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
    texts = [name for name in TEXTS if name in frame]
    return frame.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))


def _does(act: Intervention) -> str:
    """All that decides what a mask does; nothing, for an empty one."""
    if not len(act.neurons):
        return ""
    shift = "" if act.shift is None else act.shift.tobytes().hex()
    return digest(act.kind, act.neurons.site, act.neurons.indices.tolist(), shift)
