"""Sets found on one model, applied to others without finding them anew, in a folder of their own.

    transfer/
      transfer.json     what was applied to what, with fingerprints
      ablation/         log-probabilities of the second models, a few masks a file
      tables/           as CSV
      report/           the page

Every mask of the run is tried on every model: the recipes' sets, their controls, everything off. What stands
for a neuron's mean activation is the first model's too. Pieces are named by the model's fingerprint, so that
a transfer can be killed at any moment and measures nothing twice.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation
from neuroglot.files import write_text, writing
from neuroglot.model.encoders import ENCODERS
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.loading import load_tokenizer
from neuroglot.model.memory import release
from neuroglot.progress import Track, silent
from neuroglot.study.ablating import Ablating, Masks, read_pieces
from neuroglot.study.executors import executor_of
from neuroglot.study.executors.estimate import Estimate
from neuroglot.study.executors.local import Local
from neuroglot.study.locking import locked
from neuroglot.study.plan import control_sets, masks, pieces
from neuroglot.study.run import Run
from neuroglot.study.steps import versions
from neuroglot.study.transfer.frames import transfer_frames
from neuroglot.study.transfer.pair import check_neurons, check_room, check_words
from neuroglot.study.validation import located
from neuroglot.text.corpus import Corpus
from neuroglot.text.masked import Marks, in_copies
from neuroglot.text.samples import tokenize

STAGES = ("score", "select", "ablate")
"""What the run must have finished."""


@dataclass(frozen=True)
class Subject:
    """A model that sets are applied to.

    Attributes:
        name: What it is loaded from.
        label: What tables call it.
        signature: Of the model that was loaded.
        same: It has the very weights that the sets were found on.
    """

    name: str
    label: str
    signature: dict[str, Any]
    same: bool


class Transfer:
    """A transfer under way.

    >>> transfer = Transfer.begin("runs/base", ["chat"], "runs/transfer")   # doctest: +SKIP
    >>> transfer.frames()["survival"]                                       # doctest: +SKIP

    Attributes:
        run: That found the sets.
        names: What the sets are applied to: anything that `LanguageModel.load` takes.
        folder: Where everything of the transfer lies.
        track: Progress bar.
        announce: Told what a long measurement will take, before it begins.
    """

    def __init__(
        self,
        run: Run,
        names: Sequence[str],
        folder: Path,
        track: Track = silent,
        announce: Callable[[Estimate], None] | None = None,
    ) -> None:
        self.run = run
        self.names = names
        self.folder = folder
        self.track = track
        self.announce = announce
        self._loaded: LanguageModel | None = None

    @classmethod
    def begin(
        cls,
        run: Path | str,
        names: Sequence[str | Path],
        folder: Path | str,
        track: Track = silent,
        announce: Callable[[Estimate], None] | None = None,
    ) -> "Transfer":
        """A transfer in a new folder, or in one that holds an earlier transfer: what is there is kept.

        Raises:
            NeuroglotError: The run is not finished, a model is named twice, or the folder is a run's.
        """
        found = Run.open(run)
        for stage in STAGES:
            if stage not in found.manifest.get("stages", {}):
                raise NeuroglotError(
                    f"the run in {str(run)!r} has not finished {stage!r}: `neuroglot {stage} {run}` does it"
                )
        models = [str(name) for name in names]
        twice = [name for name in models if models.count(name) > 1]
        if twice:
            raise NeuroglotError(f"model {twice[0]!r} is named twice")
        folder = Path(folder)
        if (folder / "study.yaml").exists():
            raise NeuroglotError(f"{str(folder)!r} holds a run; a transfer needs a folder of its own")
        if folder.is_file():
            raise NeuroglotError(f"{str(folder)!r} is a file; a transfer needs a folder")
        with writing(folder / "transfer.json"):
            folder.mkdir(parents=True, exist_ok=True)
        return cls(found, models, folder, track, announce)

    @property
    def found_on(self) -> dict[str, Any]:
        """Signature of the model that the sets were found on."""
        return dict(self.run.manifest["stages"]["score"]["model"])

    @property
    def labels(self) -> list[str]:
        """What tables call the models, the one that the sets were found on first."""
        first = str(self.found_on["name"])
        short = [Path(name).name for name in {first, *self.names}]
        label = {
            name: Path(name).name if short.count(Path(name).name) == 1 else name
            for name in (first, *self.names)
        }
        again = [f"{label[name]} again" if name == first else label[name] for name in self.names]
        return [label[first], *again]

    @cached_property
    def subjects(self) -> list[Subject]:
        """The models, once each is known to fit: all are looked at before anything is measured.

        Raises:
            NeuroglotError: A model cannot be loaded, or the sets cannot be applied to it.
        """
        texts = self._text.every_sentence
        longest = int(self.run.ablation.data["tokens"].max())
        found = []
        for name, label in zip(self.names, self.labels[1:], strict=True):
            model = self._load(name)
            with located(name):
                check_neurons(self.found_on, model, {recipe.site for recipe in self.run.study.recipes})
                check_words(self._tokenizer, model.tokenizer, texts)
                check_room(longest, model)
            same = model.fingerprint == self.found_on["fingerprint"]
            found.append(Subject(name, label, model.signature, same))
        return found

    def measure(self) -> dict[str, Ablation]:
        """Tries the run's masks on every model; what is there is not measured again.

        Returns:
            Label → what was measured; first what the run itself measured.

        Raises:
            NeuroglotError: The run's sets or text are no longer those that it measured.
        """
        subjects, first = self.subjects, self.run.ablation
        # As the first model read it: it cut what was longer than its longest.
        longest, unit = int(first.data["tokens"].max()), self.run.study.text.unit
        samples = tokenize(self._text, self._tokenizer, unit=unit, max_tokens=longest)
        if self.found_on["type"] in ENCODERS:
            marks = Marks.of(self._tokenizer)
            samples = tuple(in_copies(sample, marks, range(sample.tokens)) for sample in samples)
        # What masks do depends on a model's shape alone, and the last that was looked at is still here.
        model = self._load(self.names[-1])
        parts = self._parts(model)
        mine = Ablating(Local(model), _reader(self.found_on), samples, self.folder / "ablation", {})
        if mine.keys(parts) != self.run.manifest["stages"]["ablate"]["pieces"]:
            raise NeuroglotError(
                "its sets, its text or its tokenizer are no longer those that it measured: "
                f"`neuroglot ablate {self.run.folder}` does it again",
                str(self.run.folder),
            )
        measured = {self.labels[0]: first}
        for subject in subjects:
            theirs = replace(mine, reader=_reader(subject.signature), attributes=self._provenance(subject))
            try:
                data = read_pieces(theirs.folder, theirs.keys(parts))
            except NeuroglotError:  # not all of them are there
                self._work(subject, theirs, parts)
                data = read_pieces(theirs.folder, theirs.keys(parts))
            measured[subject.label] = Ablation(data, first.masks)
        return measured

    def frames(self) -> dict[str, pd.DataFrame]:
        """Measures what is lacking; the tables (see `transfer_frames`), as frames and as CSV files."""
        study = self.run.study
        frames = transfer_frames(self.measure(), resamples=study.resamples, seed=study.seed)
        for name, frame in frames.items():
            write_text(self.folder / "tables" / f"{name}.csv", frame.to_csv(index=False))
        write_text(self.folder / "transfer.json", json.dumps(self._document(), indent=2, ensure_ascii=False))
        return frames

    def about(self) -> dict[str, Any]:
        """How it was made, for the page."""
        study, text = self.run.study, self.run.manifest["stages"]["score"]["text"]
        same = [one.label for one in self.subjects if one.same]
        signatures = [self.found_on, *(one.signature for one in self.subjects)]
        return {
            "title": f"Sets of {self.labels[0]} on {', '.join(self.labels[1:])}",
            "found on": self.labels[0],
            "applied to": self.labels[1:],
            **({"same weights": same} if same else {}),
            "weights": {
                label: signature["fingerprint"]
                for label, signature in zip(self.labels, signatures, strict=True)
            },
            "precision": self.found_on["precision"],
            "identified on": f"{text['identify']['name']} ({text['identify']['fingerprint'][:12]})",
            "reported on": f"{text['report']['name']} ({text['report']['fingerprint'][:12]})",
            "languages": study.text.languages,
            "recipes": {recipe.name: f"{recipe.about} {recipe.source}" for recipe in study.recipes},
            "budget": study.budget,
            "seed": study.seed,
            "resamples": study.resamples,
            "versions": versions(),
            "commands": ["neuroglot transfer RUN MODEL…   # RUN: the folder of the run that found the sets"],
        }

    @property
    def _text(self) -> Corpus:
        return self.run.text["report"]

    @cached_property
    def _tokenizer(self) -> Any:
        """Of the model that the sets were found on; its weights are not needed."""
        study = self.run.study
        with located(study.at("model")):
            return load_tokenizer(
                study.model, revision=study.revision, trust_remote_code=study.trust_remote_code
            )

    def _parts(self, model: LanguageModel) -> list[Masks]:
        study, bank, sets = self.run.study, self.run.bank, self.run.sets
        return list(pieces(masks(study, model, bank, sets, control_sets(study, bank, sets))))

    def _loading(self, name: str) -> dict[str, Any]:
        """As the first model was loaded, in the precision that it came to."""
        precision = self.found_on["precision"]
        return self.run.study.loading | {"name": name, "revision": None, "precision": precision}

    def _load(self, name: str) -> LanguageModel:
        """The model; of several, only the last one is kept."""
        if self._loaded is None or self._loaded.name != name:
            self._loaded = None
            release()
            study = self.run.study
            here = study.device if study.executor.kind == "local" else "cpu"
            self._loaded = LanguageModel.load(**self._loading(name), device=here)
        return self._loaded

    def _work(self, subject: Subject, ablating: Ablating, parts: list[Masks]) -> None:
        model, loading = self._load(subject.name), self._loading(subject.name)
        executor = executor_of(self.run.study.executor, model, loading, self.announce)
        try:
            replace(ablating, executor=executor).work(parts, self.track)
        finally:
            executor.close()

    def _provenance(self, subject: Subject) -> dict[str, str]:
        return {
            "model": json.dumps(subject.signature),
            "found_on": json.dumps(self.found_on),
            "corpus": json.dumps(self.run.manifest["stages"]["score"]["text"]["report"]),
            "versions": json.dumps(versions()),
            "seed": str(self.run.study.seed),
        }

    def _document(self) -> dict[str, Any]:
        return {
            "format": "neuroglot/transfer",
            "version": 1,
            "run": str(self.run.folder),
            "study": self.run.study.digest,
            "found_on": self.found_on,
            "models": [asdict(subject) for subject in self.subjects],
            "versions": versions(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def transfer(run: Path | str, models: Sequence[str | Path], folder: Path | str) -> dict[str, pd.DataFrame]:
    """Applies the sets of a finished run to other models, and says what is left of their effect.

    Args:
        run: The folder of the run.
        models: Anything that `LanguageModel.load` takes, with the first model's architecture and tokenizer.
        folder: Where what is measured is kept; what is there already is not measured again.

    Returns:
        The tables of `transfer_frames`; ``survival`` has the share of each effect that is left.

    Raises:
        NeuroglotError: The run is not finished, or its sets do not fit a model.
    """
    transfer = Transfer.begin(run, models, folder)
    with locked(transfer.folder):
        return transfer.frames()


def _reader(signature: dict[str, Any]) -> str:
    """Weights and precision, as a run names who read its pieces."""
    return f"{signature['fingerprint']} {signature['precision']}"
