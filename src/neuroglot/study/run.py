"""A run folder: the stages of a study, each resumable, in a folder that can be killed at any moment.

    run/
      study.yaml        the configuration, complete
      manifest.json     what is finished, with versions, fingerprints and seconds
      bank/<key>/       the score bank, a shard a file
      sets/<recipe>/    neuron sets, a language a file; sets/matched/…, sets/uniform/…
      ablation/         log-probabilities, a few masks a file
      results/          tables as CSV
      report/           the page

Every file appears in one rename, and what is expensive carries in its name the checksum of all that it rests
on: model weights, samples, neuron sets. So a file that is there is finished and right, whatever was killed or
changed before.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import yaml

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.tables import Tables, tabulate
from neuroglot.files import write_text, writing
from neuroglot.model.language_model import LanguageModel, check_layers
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.progress import Track, silent
from neuroglot.specificity.selection import neurons_allowed
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.ablating import Ablating, Effect, read_pieces
from neuroglot.study.config import Study, load_study
from neuroglot.study.digest import digest
from neuroglot.study.executors import available, executor_of
from neuroglot.study.executors.estimate import Estimate
from neuroglot.study.executors.piece import Executor
from neuroglot.study.locking import locked
from neuroglot.study.plan import control_sets, masks, pieces, quantities_beside_recipes
from neuroglot.study.reading import finished_bank
from neuroglot.study.recipe import Recipe
from neuroglot.study.searching import search
from neuroglot.study.steps import check_text, score, select, versions
from neuroglot.study.validation import located
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample

STAGES = ("score", "select", "ablate", "evaluate")

Result = TypeVar("Result")


class Run:
    """One study in one folder.

    >>> run = Run.begin("runs/demo", load_study("demo"))   # doctest: +SKIP
    >>> run.score(); run.select(); run.ablate()            # doctest: +SKIP
    >>> run.tables().means                                 # doctest: +SKIP

    Attributes:
        folder: Where everything of the run lies.
        study: The configuration.
        track: Progress bar of the long stages.
        announce: Told what a long stage will take, before it begins.
    """

    def __init__(
        self,
        folder: Path,
        study: Study,
        track: Track = silent,
        announce: Callable[[Estimate], None] | None = None,
    ) -> None:
        self.folder = folder
        self.study = study
        self.track = track
        self.announce = announce
        self._model: LanguageModel | None = None
        self._executor: Executor | None = None
        self._text: dict[str, Corpus] | None = None
        self._bank: ScoreBank | None = None

    @classmethod
    def begin(
        cls,
        folder: Path | str,
        study: Study,
        track: Track = silent,
        announce: Callable[[Estimate], None] | None = None,
    ) -> "Run":
        """A run in a new folder, or in one that holds an earlier run: what is finished there is kept."""
        folder = Path(folder)
        if folder.is_file():
            raise NeuroglotError(f"{str(folder)!r} is a file; a run needs a folder")
        available(study.executor.kind, study.at("executor"))
        with writing(folder / "study.yaml"):
            folder.mkdir(parents=True, exist_ok=True)
        run = cls(folder, study, track, announce)
        configuration = yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
        with run.lock():  # else a run at work here would find itself in another study
            write_text(folder / "study.yaml", configuration)
            if not run.manifest:
                run._note()
        return run

    @classmethod
    def open(
        cls, folder: Path | str, track: Track = silent, announce: Callable[[Estimate], None] | None = None
    ) -> "Run":
        """A run that was begun before."""
        folder = Path(folder)
        if not (folder / "study.yaml").is_file():
            raise NeuroglotError(f"there is no run in {str(folder)!r}: it has no study.yaml")
        return cls(folder, load_study(folder / "study.yaml"), track, announce)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is finished of this study, as on disk."""
        path = self.folder / "manifest.json"
        if not path.is_file():
            return {}
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise NeuroglotError(
                f"{str(path)!r} is damaged ({error}); delete it, finished work is found again"
            ) from error
        return found if found.get("study") == self.study.digest else {}

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keeps a second process out of the folder (`locked`); sends the workers home on leaving."""
        with locked(self.folder):
            try:
                yield
            finally:
                self.close()

    def close(self) -> None:
        """Sends the workers home, if there are any; the next stage calls new ones."""
        if self._executor is not None:
            self._executor.close()

    @property
    def model(self) -> LanguageModel:
        """The study's model, loaded when first needed."""
        if self._model is None:
            study = self.study
            with located(study.at("model")):
                # Workers need the devices; here, all that is asked of the model is what it is.
                here = study.device if study.executor.kind == "local" else "cpu"
                model = LanguageModel.load(**study.loading, device=here)
            with located(study.at("layers")):
                check_layers(study.layers or [], model.layers)
            for number, recipe in enumerate(study.recipes):
                with located(study.at(f"recipes[{number}].site")):
                    width = model.site(recipe.site).width
                with located(study.at("budget")):
                    neurons_allowed(study.budget, width * len(set(study.layers or range(model.layers))))
            self._model = model
        return self._model

    @property
    def executor(self) -> Executor:
        """Whoever does the work with the model."""
        if self._executor is None:
            self._executor = executor_of(self.study.executor, self.model, self.study.loading, self.announce)
        return self._executor

    @property
    def text(self) -> dict[str, Corpus]:
        """The part to identify on and the part to report on."""
        if self._text is None:
            with located(self.study.at("text")):
                self._text = self.study.text.parts(self.study.seed)
        return self._text

    def score(self, beside: Sequence[Quantity] = ()) -> ScoreBank:
        """Stage 1: one pass over the identification text.

        Args:
            beside: Further quantities to keep.
        """
        study, text = self.study, self.text["identify"]  # text first: its mistakes cost no model time
        with located(study.at("recipes")):
            check_text(study.recipes, text)
        # The order of the languages counts: some recipes take the first as their reference.
        read = (text.fingerprint, text.languages, study.text.unit)
        key = digest(self._reader, *read, study.layers, study.positions)

        def work() -> ScoreBank:
            self._samples("report")  # a sentence that cannot be used shows now, not after the pass
            return score(
                self.model,
                text,
                study.recipes,
                also=sorted({*quantities_beside_recipes(study), *beside}),
                folder=self.folder / "bank" / key,
                layers=study.layers,
                positions=study.positions,
                unit=study.text.unit,
                checkpointing=study.checkpointing,
                track=self.track,
                executor=self.executor,
            )

        self._bank = self._stage(
            "score", work, bank=key, text=self._described_text(), model=self.model.signature
        )
        return self._bank

    @property
    def bank(self) -> ScoreBank:
        """The finished bank."""
        if self._bank is None:
            key = self._finished("score")["bank"]
            self._bank = finished_bank(self.folder / "bank" / key)
        return self._bank

    def select(self) -> dict[str, dict[str, NeuronSet]]:
        """Stage 2: the sets of every recipe and language, and their controls, as JSON files."""

        def work() -> dict[str, dict[str, NeuronSet]]:
            chosen = {recipe.name: self.choose(recipe, self.study.budget) for recipe in self.study.recipes}
            controls = control_sets(self.study, self.bank, chosen)
            for name, sets in {**chosen, **controls}.items():
                for language, neurons in sets.items():
                    neurons.save(self.folder / "sets" / name / f"{language}.json")
            return chosen | controls

        return self._stage("select", work)

    def choose(self, recipe: Recipe, budget: int | float | str) -> dict[str, NeuronSet]:
        """The sets of a recipe of this run's bank; a search on the model, if that is what it asks for."""
        if not recipe.searched:
            return select(self.bank, recipe, budget)
        sets, curves = search(
            self.model,
            self.bank,
            recipe,
            self.text["identify"],
            budget,
            seed=self.study.seed,
            folder=self.folder / "search",
            track=self.track,
        )
        write_text(self.folder / "sets" / recipe.name / "search.csv", _csv(pd.DataFrame(curves)))
        return sets

    @property
    def sets(self) -> dict[str, dict[str, NeuronSet]]:
        """Recipe → language → the set that `select` chose."""
        self._finished("select")
        return {
            recipe.name: {
                language: NeuronSet.load(self.folder / "sets" / recipe.name / f"{language}.json")
                for language in self.study.text.languages
            }
            for recipe in self.study.recipes
        }

    def ablate(self) -> Ablation:
        """Stage 3: the log-probability of the report text under every mask."""
        scored, chosen = self._finished("score"), self.sets
        if (scored["text"], scored["model"]) != (self._described_text(), self.model.signature):
            raise NeuroglotError("text or model have changed since `score`: run it again", str(self.folder))
        controls = control_sets(self.study, self.bank, chosen)
        todo = masks(self.study, self.model, self.bank, chosen, controls)
        parts = list(pieces(todo))
        ablating = self.ablating()

        def work() -> None:
            ablating.work(parts, self.track)

        described = [asdict(mask) for mask, _ in todo]
        self._stage("ablate", work, pieces=ablating.keys(parts), masks=described)
        return self.ablation

    def ablating(self, samples: Sequence[Sample] | None = None, effect: Effect = "total") -> Ablating:
        """Whatever masks are tried on the report text, or on other samples, in this folder."""
        samples = self._samples("report") if samples is None else samples
        return Ablating(
            self.executor,
            self._reader,
            samples,
            self.folder / "ablation",
            self._provenance("report"),
            effect,
        )

    @property
    def ablation(self) -> Ablation:
        """What `ablate` measured."""
        stage = self._finished("ablate")
        data = read_pieces(self.folder / "ablation", stage["pieces"])
        return Ablation(data, tuple(Mask(**mask) for mask in stage["masks"]))

    def tables(self) -> Tables:
        """Stage 4: drops, LangSpec-F1, collateral, ρ and differences, as frames and as CSV files."""

        def work() -> Tables:
            ablation = self.ablation
            tables = tabulate(ablation, resamples=self.study.resamples, seed=self.study.seed)
            for name, frame in {**vars(tables), "masks": ablation.described()}.items():
                write_text(self.folder / "results" / f"{name}.csv", _csv(frame))
            return tables

        return self._stage("evaluate", work)

    def _stage(self, name: str, work: Callable[[], Result], **about: Any) -> Result:
        """Does a stage's work and notes in the manifest that it is finished, and its seconds this time.

        If it now rests on something else (``about``), the stages after it are not finished any more.
        """
        began = time.monotonic()
        self._there()
        result = work()
        stages = self.manifest.get("stages", {})
        if any(stages.get(name, {}).get(key) != value for key, value in about.items()):
            stages = {stage: stages[stage] for stage in STAGES[: STAGES.index(name)] if stage in stages}
        stages[name] = {"seconds": round(time.monotonic() - began, 1), **about}
        self._note(stages=stages, finished=_now(), versions=versions())
        return result

    def _note(self, **entries: Any) -> None:
        self._there()
        fresh = {"format": "neuroglot/run", "version": 1, "study": self.study.digest, "started": _now()}
        manifest = fresh | self.manifest | entries
        write_text(self.folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))

    def _there(self) -> None:
        """Notices a folder that vanished under us, before anything is written where it used to be."""
        if not (self.folder / "study.yaml").is_file():
            raise NeuroglotError(
                f"the run folder {str(self.folder)!r} has vanished; bring it back and run again: "
                "what was finished in it is kept"
            )

    def _finished(self, stage: str) -> dict[str, Any]:
        stages = self.manifest.get("stages", {})
        if stage not in stages:
            raise NeuroglotError(
                f"stage {stage!r} of the run in {str(self.folder)!r} is not finished: run it first"
            )
        return dict(stages[stage])

    @property
    def _reader(self) -> str:
        """Weights and precision: numbers of different ones never meet."""
        return f"{self.model.fingerprint} {self.model.precision}"

    def _provenance(self, part: str) -> dict[str, str]:
        return {
            "model": json.dumps(self.model.signature),
            "corpus": json.dumps(self._described_text()[part]),
            "versions": json.dumps(versions()),
            "seed": str(self.study.seed),
        }

    def _samples(self, part: str) -> tuple[Sample, ...]:
        with located(self.study.at("text")):
            return samples_of(self.model, self.text[part], self.study.text.unit)

    def _described_text(self) -> dict[str, Any]:
        return {
            name: {"name": part.name, "fingerprint": part.fingerprint} for name, part in self.text.items()
        }


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
