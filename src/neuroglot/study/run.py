"""A run folder: the stages of a study, each resumable, in a folder that can be killed at any moment.

    run/
      study.yaml        the configuration, complete
      manifest.json     what is finished, with versions, fingerprints and seconds
      bank/<key>/       the score bank, a shard a file
      sets/<recipe>/    neuron sets, a language a file; sets/matched/…, sets/uniform/…
      ablation/         log-probabilities, a few masks a file
      results/          tables as CSV
      report/           the page

Every file appears in one rename, and what is expensive carries in its name the checksum of all that it depends on: model
weights, samples, neuron sets. So a file that is there is finished and right, whatever was killed or changed before.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import xarray as xr
import yaml
from filelock import FileLock, Timeout

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.evaluation.tables import Tables, tabulate
from neuroglot.files import write_text
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.progress import Track, silent
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.shard import SUFFIX, load_shard, save_shard
from neuroglot.study.config import Study
from neuroglot.study.plan import control_sets, masks, quantities_beside_recipes
from neuroglot.study.steps import digest, score, select, versions
from neuroglot.study.validation import validated, yaml_document
from neuroglot.text.corpus import Corpus
from neuroglot.text.samples import Sample, tokenize

MASKS_A_PIECE = 4
"""Masks evaluated together: what a killed run can lose."""

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
    """

    def __init__(self, folder: Path, study: Study, track: Track = silent) -> None:
        self.folder = folder
        self.study = study
        self.track = track
        self._model: LanguageModel | None = None
        self._text: dict[str, Corpus] | None = None
        self._bank: ScoreBank | None = None

    @classmethod
    def begin(cls, folder: Path | str, study: Study, track: Track = silent) -> "Run":
        """A run in a new folder, or in one that holds an earlier run: what is finished there is kept."""
        folder = Path(folder)
        if folder.is_file():
            raise NeuroglotError(f"{str(folder)!r} is a file; a run needs a folder")
        write_text(folder / "study.yaml", yaml.safe_dump(study.model_dump(mode="json"), sort_keys=False, allow_unicode=True))
        run = cls(folder, study, track)
        manifest = run.manifest
        if manifest.get("study") != study.digest:
            run._note(study=study.digest, started=_now(), stages={})
        return run

    @classmethod
    def open(cls, folder: Path | str, track: Track = silent) -> "Run":
        """A run that was begun before."""
        folder = Path(folder)
        if not (folder / "study.yaml").is_file():
            raise NeuroglotError(f"there is no run in {str(folder)!r}: it has no study.yaml")
        return cls(folder, validated(Study, yaml_document(folder / "study.yaml"), str(folder / "study.yaml")), track)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is finished, as on disk."""
        path = self.folder / "manifest.json"
        if not path.is_file():
            return {}
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except ValueError as error:
            raise NeuroglotError(f"{str(path)!r} is damaged ({error}); delete it, finished work is found again") from error

    def lock(self) -> AbstractContextManager[Any]:
        """Keeps a second process out of the folder; a killed one's lock is gone with it."""
        try:
            return FileLock(self.folder / ".lock").acquire(timeout=0)
        except Timeout as error:
            raise NeuroglotError(f"another process is working in {str(self.folder)!r}") from error

    @property
    def model(self) -> LanguageModel:
        """The study's model, loaded when first needed."""
        if self._model is None:
            study = self.study
            self._model = LanguageModel.load(
                study.model, revision=study.revision, dtype=study.dtype, trust_remote_code=study.trust_remote_code
            )
            for recipe in study.recipes:
                self._model.site(recipe.site)
        return self._model

    @property
    def text(self) -> dict[str, Corpus]:
        """The part to identify on and the part to report on."""
        if self._text is None:
            self._text = self.study.text.parts(self.study.seed)
        return self._text

    def score(self) -> ScoreBank:
        """Stage 1: one pass over the identification text."""
        study, text = self.study, self.text["identify"]  # text first: its mistakes cost no model time
        key = digest(self.model.fingerprint, text.fingerprint, study.layers, study.positions, study.text.unit)

        def work() -> ScoreBank:
            return score(
                self.model,
                text,
                study.recipes,
                also=quantities_beside_recipes(study),
                folder=self.folder / "bank" / key,
                layers=study.layers,
                positions=study.positions,
                unit=study.text.unit,
                track=self.track,
            )

        self._bank = self._stage("score", work, bank=key, text=self._described_text(), model=self.model.signature)
        return self._bank

    @property
    def bank(self) -> ScoreBank:
        """The finished bank."""
        if self._bank is None:
            key = self._finished("score")["bank"]
            self._bank = ScoreBank.load(self.folder / "bank" / key)
        return self._bank

    def select(self) -> dict[str, dict[str, NeuronSet]]:
        """Stage 2: the sets of every recipe and language, and their controls, as JSON files."""

        def work() -> dict[str, dict[str, NeuronSet]]:
            chosen = {recipe.name: select(self.bank, recipe, self.study.budget) for recipe in self.study.recipes}
            controls = control_sets(self.study, self.bank, chosen)
            for name, sets in {**chosen, **controls}.items():
                for language, neurons in sets.items():
                    neurons.save(self.folder / "sets" / name / f"{language}.json")
            return chosen | controls

        return self._stage("select", work)

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
        chosen = self.sets
        controls = control_sets(self.study, self.bank, chosen)
        todo = masks(self.study, self.model, self.bank, chosen, controls)
        limit = self.model.max_tokens and self.model.max_tokens - 1
        samples = tokenize(self.text["report"], self.model.tokenizer, unit=self.study.text.unit, max_tokens=limit)
        pieces = [todo[start : start + MASKS_A_PIECE] for start in range(0, len(todo), MASKS_A_PIECE)]
        keys = [self._piece_key(piece, samples) for piece in pieces]

        def work() -> None:
            tokens = sum(sample.tokens for sample in samples)
            with self.track("switching neurons off (tokens)", tokens * len(todo)) as advance:
                for piece, key in zip(pieces, keys, strict=True):
                    if self._whole(key):
                        advance(tokens * len(piece))
                        continue
                    data = likelihood(
                        self.model, samples, {mask.name: act for mask, act in piece}, advance=advance
                    )
                    data.attrs.update(self._provenance("report"))
                    path = self._piece(key)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    save_shard(xr.DataTree(data), path)

        described = [asdict(mask) for mask, _ in todo]
        self._stage("ablate", work, pieces=keys, masks=described)
        return self.ablation

    @property
    def ablation(self) -> Ablation:
        """What `ablate` measured."""
        stage = self._finished("ablate")
        pieces = [load_shard(self._piece(key)).to_dataset() for key in stage["pieces"]]
        data = xr.concat(pieces, "mask", data_vars="minimal", coords="minimal", compat="override")
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
        """Does a stage's work and notes in the manifest that it is finished, and how long it took this time."""
        began = time.monotonic()
        result = work()
        manifest = self.manifest
        stages = {**manifest.get("stages", {}), name: {"seconds": round(time.monotonic() - began, 1), **about}}
        self._note(stages=stages, finished=_now(), versions=versions())
        return result

    def _note(self, **entries: Any) -> None:
        manifest = {"format": "neuroglot/run", "version": 1, **self.manifest, **entries}
        write_text(self.folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False))

    def _finished(self, stage: str) -> dict[str, Any]:
        stages = self.manifest.get("stages", {})
        if stage not in stages:
            raise NeuroglotError(f"stage {stage!r} of the run in {str(self.folder)!r} is not finished: run it first")
        return dict(stages[stage])

    def _provenance(self, part: str) -> dict[str, str]:
        return {
            "model": json.dumps(self.model.signature),
            "corpus": json.dumps(self._described_text()[part]),
            "versions": json.dumps(versions()),
            "seed": str(self.study.seed),
        }

    def _described_text(self) -> dict[str, Any]:
        return {name: {"name": part.name, "fingerprint": part.fingerprint} for name, part in self.text.items()}

    def _piece(self, key: str) -> Path:
        return self.folder / "ablation" / f"{key}{SUFFIX}"

    def _whole(self, key: str) -> bool:
        try:
            load_shard(self._piece(key))
        except NeuroglotError:
            return False
        return True

    def _piece_key(self, piece: Sequence[tuple[Mask, Intervention]], samples: Sequence[Sample]) -> str:
        acts = [
            (mask.name, act.kind, act.neurons.site, digest(act.neurons.indices.tolist()), _checksum(act.shift))
            for mask, act in piece
        ]
        return digest(self.model.fingerprint, [sample.ids for sample in samples], acts)


def _checksum(shift: Any) -> str:
    return "" if shift is None else digest(shift.tobytes().hex())


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
