"""A tuning beside a run: arm after arm learns the run's identification text and reads its report text.

An arm is kept when it is finished, named by the checksum of all that it rests on, so a tuning that was killed
goes on with the next one.

    <run>/tune/<recipe>-<language>/
      arms/<key>.zarr.zip   log-probabilities of the report text
      arms/<key>.csv        the loss on the way, for every step size
      results/              tables as CSV
      report/               the page
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.evaluation.ablation import BASE, Ablation, Mask
from neuroglot.evaluation.tables import tabulate
from neuroglot.files import write_text, writing
from neuroglot.model.language_model import LanguageModel, check_causal
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard
from neuroglot.study.ablating import SwitchOff
from neuroglot.study.config import Controls, Study
from neuroglot.study.digest import digest
from neuroglot.study.plan import control_sets
from neuroglot.study.recipe import Recipe
from neuroglot.study.run import Run
from neuroglot.study.steps import base_mask, matched_on, versions
from neuroglot.study.tuning.arms import Arm, arms
from neuroglot.study.tuning.effects import effects
from neuroglot.study.tuning.lora import check_peft
from neuroglot.study.tuning.settings import TuneSettings
from neuroglot.study.tuning.training import Advance, fit, steps_of, tokens_to_fit
from neuroglot.study.validation import located
from neuroglot.text.corpus import Corpus, checked_languages
from neuroglot.text.samples import Sample

VALIDATION = 0.2
"""The share of the documents that step sizes are chosen on."""

SITES = ("mlp", "mlp_gate", "mlp_gate_pre", "mlp_up")
"""At all of these neuron j is the same: the rows j into the MLP and the column j out of it."""


class Tuning:
    """One language's neurons, tuned on its text beside random neurons and LoRA.

    >>> tuning = Tuning(Run.open("runs/mine"), "vi")        # doctest: +SKIP
    >>> tuning.work()                                       # doctest: +SKIP
    >>> tuning.frames()["differences"]                      # doctest: +SKIP

    Attributes:
        run: A finished run: its sets, and its text; what it identified on is learned, what it reports on is
            read.
        language: The language to tune on.
        settings: How.
        recipe: Whose neurons.
        folder: Where the results lie.

    Raises:
        NeuroglotError: The run is not finished or has no such language or recipe, the set is empty or not of
            the MLP, there are too few documents, or peft is missing.
    """

    def __init__(
        self,
        run: Run,
        language: str,
        recipe: str | None = None,
        settings: TuneSettings | None = None,
        folder: Path | None = None,
    ) -> None:
        check_peft()
        self.run = run
        self.settings = settings or TuneSettings()
        (self.language,) = checked_languages([language], run.study.text.languages, str(run.folder))
        self.recipe = _recipe(run.study, recipe, str(run.folder))
        self.selected: NeuronSet = run.sets[self.recipe.name][language]
        if not len(self.selected):
            raise NeuroglotError(
                f"recipe {self.recipe.name!r} chose no neuron for {language!r}: there is nothing to tune"
            )
        self.folder = folder or run.folder / "tune" / f"{self.recipe.name}-{language}"
        self.text = self._text()

    @cached_property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared."""
        return arms(self.model, self.selected, self._matched(), self.settings.seed)

    @property
    def model(self) -> LanguageModel:
        """The run's, once it and the text are what the sets were chosen with."""
        run = self.run
        scored = run.manifest["stages"]["score"]
        now = {name: part.fingerprint for name, part in run.text.items()}
        then = {name: part["fingerprint"] for name, part in scored["text"].items()}
        if (now, run.model.signature) != (then, scored["model"]):
            raise NeuroglotError("text or model have changed since `score`: run it again", str(run.folder))
        check_causal(run.model, "tuning")
        return run.model

    def work(self) -> None:
        """Tunes and reads with every arm that is not there yet."""
        model, settings = self.model, self.settings
        train, validation, _ = self._samples
        plan = steps_of(train, settings.steps, settings.tokens, settings.seed)
        reading = sum(sample.tokens for sample in self._samples[2])
        takes = {
            arm.name: reading + (arm.parameters and tokens_to_fit(train, validation, plan, settings.rates))
            for arm in self.arms
        }
        with writing(self.folder / "arms"):
            (self.folder / "arms").mkdir(parents=True, exist_ok=True)
        with self.run.track("tuning (tokens)", sum(takes.values())) as advance:
            for arm in self.arms:
                if self._finished(arm):
                    advance(takes[arm.name])
                else:
                    self._tune(arm, model, plan, advance)

    def frames(self) -> dict[str, pd.DataFrame]:
        """The results, also as CSV files: ``arms``, ``changes``, ``differences``, ``curves``, ``base``."""
        study = self.run.study
        ablation = self._measured()
        found = effects(ablation, self.language, study.resamples, study.seed)
        curves = [
            pd.read_csv(self._path(arm, ".csv")).assign(arm=arm.name, kind=arm.kind)
            for arm in self.arms
            if arm.parameters
        ]
        frames = {
            "arms": self._described(curves),
            "changes": found.changes,
            "differences": found.differences,
            "curves": pd.concat(curves, ignore_index=True),
            "base": tabulate(ablation, resamples=study.resamples, seed=study.seed).base,
        }
        for name, frame in frames.items():
            write_text(self.folder / "results" / f"{name}.csv", frame.to_csv(index=False))
        return frames

    def about(self) -> dict[str, Any]:
        """How it was made, for the page."""
        study, settings = self.run.study, self.settings
        model = self.model
        sentences = {name: part.sentences(self.language) for name, part in self.text.items()}
        return {
            "title": f"Tuning the neurons for {self.language}",
            "model": Path(model.name).name,
            "revision": model.revision or "none",
            "weights": model.fingerprint,
            "precision": model.precision,
            "run": self.run.folder.name,
            "tuned on": self.language,
            "neurons": f"{len(self.selected)} of {self.selected.mask.size}",
            "recipe": {self.recipe.name: f"{self.recipe.about} {self.recipe.source}"},
            "sentences": sentences,
            "reported on": self.run.text["report"].name,
            "languages": study.text.languages,
            "steps": settings.steps,
            "positions a step": settings.tokens,
            "step sizes tried": [f"{rate:g}" for rate in settings.rates],
            "seed": settings.seed,
            "resamples": study.resamples,
            "versions": versions() | {"peft": version("peft")},
            "commands": [
                f"neuroglot tune {self.run.folder} --language {self.language} --recipe {self.recipe.name} "
                f"--steps {settings.steps}"
            ],
        }

    def _tune(self, arm: Arm, model: LanguageModel, plan: Sequence[Sequence[int]], advance: Advance) -> None:
        train, validation, report = self._samples
        about = {
            "model": json.dumps(model.signature),
            "settings": json.dumps(asdict(self.settings)),
            "versions": json.dumps(versions()),
        }
        began, weights = time.monotonic(), []
        if arm.parameters:
            fitted = fit(arm, model, train, validation, plan, self.settings.rates, advance)
            weights, about["rate"] = fitted.weights, repr(fitted.rate)
            write_text(self._path(arm, ".csv"), pd.DataFrame(fitted.curve).to_csv(index=False))
        about["seconds"] = f"{time.monotonic() - began:.1f}"
        with arm.attach(model) as parameters:
            with torch.no_grad():
                for place, learned in zip(parameters, weights, strict=True):
                    place.copy_(learned)
            shard = SwitchOff(report, {arm.name: base_mask(model)[1]}, about)(model, advance)
        with writing(path := self._path(arm, SUFFIX)):
            save_shard(shard, path)

    def _measured(self) -> Ablation:
        """Arms in the place of masks: both are states of one model."""
        shards = [load_shard(self._path(arm, SUFFIX)).to_dataset() for arm in self.arms]
        data = xr.concat(shards, "mask", data_vars="minimal", coords="minimal", compat="override")
        masks = (Mask(arm.name, arm.kind, target=self._target(arm), size=arm.parameters) for arm in self.arms)
        return Ablation(data, tuple(masks))

    def _described(self, curves: Sequence[pd.DataFrame]) -> pd.DataFrame:
        rows = []
        for arm, curve in zip([arm for arm in self.arms if arm.parameters], curves, strict=True):
            about = load_shard(self._path(arm, SUFFIX)).attrs
            rate = float(about["rate"])
            losses = curve[(curve["part"] == "validation") & np.isclose(curve["rate"], rate, rtol=1e-9)]
            rows.append(
                {
                    "arm": arm.name,
                    "kind": arm.kind,
                    "parameters": arm.parameters,
                    "rate": rate,
                    "rate_at_edge": rate in (min(self.settings.rates), max(self.settings.rates)),
                    "loss_before": float(losses["loss"].iloc[0]),
                    "loss_after": float(losses["loss"].iloc[-1]),
                    "seconds": float(about["seconds"]),
                }
            )
        return pd.DataFrame(rows)

    def _target(self, arm: Arm) -> str:
        return "" if arm.name == BASE else self.language

    def _finished(self, arm: Arm) -> bool:
        if arm.parameters and not self._path(arm, ".csv").is_file():
            return False
        try:
            load_shard(self._path(arm, SUFFIX))
        except NeuroglotError:
            return False
        return True

    def _path(self, arm: Arm, suffix: str) -> Path:
        model = self.run.model
        text = [[sample.ids for sample in part] for part in self._samples]
        settings = {name: value for name, value in asdict(self.settings).items() if name != "matched"}
        learned = [*text[:2], settings] if arm.parameters else []
        key = digest(model.fingerprint, model.precision, arm.name, arm.rests_on, text[2], learned)
        return self.folder / "arms" / f"{key}{suffix}"

    @cached_property
    def _samples(self) -> tuple[tuple[Sample, ...], tuple[Sample, ...], tuple[Sample, ...]]:
        """To learn from, to choose step sizes on (both of the language), and to report on (all languages)."""
        model, unit = self.run.model, self.run.study.text.unit
        parts = (self.text["train"], self.text["validation"], self.run.text["report"])
        train, validation, report = (samples_of(model, part, unit) for part in parts)
        return train, validation, report

    def _text(self) -> dict[str, Corpus]:
        own = self.run.text["identify"].restrict([self.language])
        documents = len(own.documents[self.language])
        if documents < 2:
            raise NeuroglotError(
                f"tuning learns and chooses its step size on different documents: it needs 2 of "
                f"{self.language!r} to identify on, and the run has {documents}"
            )
        held = max(1, round(VALIDATION * documents))
        return own.split(self.settings.seed, train=documents - held, validation=held)

    def _matched(self) -> list[NeuronSet]:
        """The run's own matched controls, and further ones drawn alike where it has fewer."""
        study, name = self.run.study, self.recipe.name
        wanted = Controls(
            uniform=0, matched=self.settings.matched, matched_on=study.controls.matched_on, recipes=[name]
        )
        alike = study.model_copy(update={"controls": wanted, "recipes": [self.recipe]})
        with located(str(self.run.folder)):
            needed = matched_on(wanted.matched_on, self.recipe.site)
            if not self.run.bank.holds(needed):
                raise NeuroglotError(
                    "the run has read nothing to match random neurons on: set `controls.matched` to at least "
                    f"1 for recipe {name!r} and run it again"
                )
            found = control_sets(alike, self.run.bank, {name: {self.language: self.selected}})
        return [found[f"matched/{name}/{number}"][self.language] for number in range(self.settings.matched)]


def _recipe(study: Study, name: str | None, where: str) -> Recipe:
    """The recipe of that name, or the study's first, once its neurons have weights that can be tuned."""
    known = {recipe.name: recipe for recipe in study.recipes}
    if name is not None and name not in known:
        raise unknown("recipe of this run", name, known, where)
    recipe = known[name] if name is not None else study.recipes[0]
    if recipe.site not in SITES:
        raise NeuroglotError(
            f"recipe {recipe.name!r} chooses neurons at site {recipe.site!r}; what can be tuned is at "
            f"{', '.join(SITES)}",
            where,
        )
    return recipe
