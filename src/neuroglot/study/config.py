"""A study's configuration: one YAML file, checked before any model time is spent."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, field_validator, model_validator

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.specificity.selection import parse_budget
from neuroglot.study.named import Named, Strict
from neuroglot.study.recipe import Recipe, load_recipe
from neuroglot.study.tasks.settings import Benchmarks, Generation, Judge, Steering
from neuroglot.study.validation import known_kind, validated, yaml_document
from neuroglot.text.corpus import Corpus, checked_languages

STUDIES = Path(__file__).parent / "studies"

TASKS = ("benchmarks", "generation", "judge", "steering", "chat")
"""What is measured after a run's stages and beside them: no stage depends on it."""


class Text(Strict):
    """Which text, and how it is divided: identification and report never share a document.

    Attributes:
        source: ``commons``, a folder (environment variables are expanded), or ``hub:owner/name``.
        languages: In the order of the tables; every one is a target.
        identify: Documents a language to find neurons on (a number, or a share).
        report: Documents a language to report on.
        identify_sentences: At most this many sentences a language; default: all of those documents.
        report_sentences: The same for the report.
        unit: A sample is a sentence or a whole document.
    """

    source: str = "commons"
    languages: list[str] = Field(min_length=2)
    identify: int | float = 0.5
    report: int | float = 0.5
    identify_sentences: int | None = Field(None, ge=1)
    report_sentences: int | None = Field(None, ge=1)
    unit: Literal["sentence", "document"] = "sentence"

    @field_validator("languages")
    @classmethod
    def _once(cls, languages: list[str]) -> list[str]:
        try:
            checked_languages(languages, languages, "")
        except NeuroglotError as error:
            raise ValueError(str(error)) from error
        return languages

    def corpus(self) -> Corpus:
        """All the text, undivided."""
        if self.source == "commons":
            return Corpus.commons(self.languages)
        if self.source.startswith("hub:"):
            return Corpus.from_hub(self.source.removeprefix("hub:"), self.languages)
        folder = os.path.expandvars(self.source)
        if "$" in folder:
            raise NeuroglotError(f"the environment variable in {self.source!r} is not set", "text.source")
        return Corpus.from_files(Path(folder).expanduser(), self.languages)

    def parts(self, seed: int) -> dict[str, Corpus]:
        """The text to identify on and the text to report on."""
        parts = self.corpus().split(seed, identify=self.identify, report=self.report)
        for name, sentences in (("identify", self.identify_sentences), ("report", self.report_sentences)):
            if sentences is not None:
                parts[name] = parts[name].take(sentences, seed)
        return parts


class Controls(Strict):
    """Random sets beside the recipes' own.

    Attributes:
        uniform: Sets drawn from all neurons, each judged for every language.
        matched: Sets a recipe and language, of as many neurons a layer that are alike in ``matched_on``.
        matched_on: ``rate`` (how often they fire), ``magnitude`` (mean |a|) or ``displacement`` (how far they
            push the layer's output; at site ``mlp``).
        recipes: Whose sets get matched controls; default: all.
    """

    uniform: int = Field(5, ge=0)
    matched: int = Field(2, ge=0)
    matched_on: Literal["rate", "magnitude", "displacement"] = "rate"
    recipes: list[str] | None = None


class Execution(Strict):
    """Where the work is done: ``executor: ray``, or with options ``executor: {kind: ray, workers: 4}``.

    Attributes:
        kind: ``local``, in this process; or ``ray``, by workers that each hold a replica of the model.
        workers: How many; default: one a GPU of the cluster, without GPUs one a machine.
        gpus: GPUs a worker: a fraction, or several over which one replica is spread; default: 1 where there
            are any.
        address: ``local`` starts Ray on this machine, ``auto`` finds the cluster that it is part of,
            ``ray://host:10001`` or ``host:6379`` names one.
    """

    kind: Literal["local", "ray"] = "local"
    workers: int | None = Field(None, ge=1)
    gpus: float | None = Field(None, ge=0)
    address: str = Field("local", pattern=r"^(local|auto|(ray://)?[\w.-]+:\d+)$")

    @model_validator(mode="after")
    def _sensible(self) -> "Execution":
        if self.kind == "local" and (self.workers, self.gpus, self.address) != (None, None, "local"):
            raise ValueError("workers, gpus and address are for `kind: ray`")
        if self.gpus and self.gpus > 1 and self.gpus % 1:
            raise ValueError(f"gpus must be a fraction of one or a whole number, not {self.gpus}")
        return self


class Study(Strict):
    """Everything that a run depends on.

    Attributes:
        title: For the report.
        model: What `LanguageModel.load` takes.
        revision: Hub branch, tag or commit.
        dtype: Precision of weights and activations.
        precision: Of the products of float32 weights: ``float32``, ``mixed`` (bfloat16, added up in float32),
            or ``auto``: mixed where the processor has bfloat16 products.
        checkpointing: Less memory for the backward pass, at the price of a second forward pass.
        device: Where the model runs: ``cpu``, ``cuda:1``, or ``auto``, spread over all GPUs; default: the
            first GPU, else the processor. Workers have devices of their own.
        trust_remote_code: Run code that a hub repository brings along.
        text: Corpus, languages and split.
        recipes: Names, or whole recipes.
        budget: Neurons a language, as a share ("1%") or a count.
        interventions: Kind → recipes whose sets it is done to, or ``all``.
        controls: Random sets.
        checks: What else could explain the results (see `neuroglot controls`), by name, with options.
        benchmarks: Tasks of lm-evaluation-harness under the masks (see `neuroglot benchmark`).
        generation: Open questions answered under the masks (see `neuroglot generate`).
        judge: Who marks the answers (see `neuroglot judge`).
        steering: Answers forced into another language (see `neuroglot steer`).
        chat: A second model, tuned from the first, that benchmarks, questions and judge are repeated on.
        layers: Restrict to these; default: all.
        positions: Tokens that count: all, last or every:k.
        resamples: Of the bootstrap.
        seed: Of everything random.
        executor: Where the work is done; the results do not depend on it.
    """

    title: str = "Which neurons does it need for a language?"
    model: str
    revision: str | None = None
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    precision: Literal["auto", "float32", "mixed"] = "auto"
    checkpointing: bool = False
    device: str | None = Field(None, pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")
    trust_remote_code: bool = False
    text: Text
    recipes: list[Recipe] = Field(min_length=1)
    budget: int | float | str = "1%"
    interventions: dict[str, list[str] | Literal["all"]] = Field({"zero": "all"})
    controls: Controls = Controls()
    checks: list[Named] = Field([])
    benchmarks: Benchmarks | None = None
    generation: Generation | None = None
    judge: Judge | None = None
    steering: Steering | None = None
    chat: str | None = None
    layers: list[int] | None = Field(None, min_length=1)
    positions: str = Field("all", pattern=r"^(all|last|every:[1-9]\d*)$")
    resamples: int = Field(1000, ge=100)
    seed: int = 0
    executor: Execution = Execution()
    _file: str = PrivateAttr("study")

    @field_validator("recipes", mode="before")
    @classmethod
    def _by_name(cls, recipes: Any) -> Any:
        if not isinstance(recipes, list):
            return recipes
        try:
            return [load_recipe(recipe) if isinstance(recipe, str) else recipe for recipe in recipes]
        except NeuroglotError as error:
            raise ValueError(str(error)) from error

    @field_validator("executor", mode="before")
    @classmethod
    def _by_kind(cls, executor: Any) -> Any:
        return {"kind": executor} if isinstance(executor, str) else executor

    @field_validator("budget")
    @classmethod
    def _budget(cls, budget: int | float | str) -> int | float:
        try:
            return parse_budget(budget)
        except NeuroglotError as error:
            raise ValueError(str(error)) from error

    @field_validator("interventions")
    @classmethod
    def _kinds(cls, interventions: dict[str, Any]) -> dict[str, Any]:
        for kind in interventions:
            known_kind(kind)
        return interventions

    @field_validator("checks")
    @classmethod
    def _known_checks(cls, checks: list[Named]) -> list[Named]:
        from neuroglot.study.controls import options_of  # checks know what a study is

        try:
            for named in checks:
                options_of(named)
        except NeuroglotError as error:
            raise ValueError(str(error)) from error
        return checks

    @model_validator(mode="after")
    def _consistent(self) -> "Study":
        if self.controls.matched and self.controls.matched_on == "displacement":
            for recipe in self.recipes:
                if recipe.site != "mlp" and recipe.name in (self.controls.recipes or [recipe.name]):
                    raise ValueError(
                        f"controls.matched_on: displacement is for site 'mlp'; recipe {recipe.name!r} is at "
                        f"{recipe.site!r} (controls.recipes says whose sets are controlled)"
                    )
        names = [recipe.name for recipe in self.recipes]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"recipes: {twice.pop()!r} is named twice")
        if self.judge and not self.generation:
            raise ValueError("judge: there are no answers to judge without `generation`")
        chosen = {f"interventions.{kind}": recipes for kind, recipes in self.interventions.items()}
        for key, recipes in {**chosen, "controls.recipes": self.controls.recipes or "all"}.items():
            for name in [] if recipes == "all" else recipes:
                if name not in names:
                    raise ValueError(str(unknown("recipe of this study", name, names, key)))
        self._rehearse()
        self._refuse_checks()
        return self

    def _refuse_checks(self) -> None:
        """Lets every check look at the study, so that its mistakes cost no model time."""
        from neuroglot.study.controls import checks_of

        names = [named.name for named in self.checks]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"checks: {twice.pop()!r} is named twice")
        for named, check, options in checks_of(self.checks):
            try:
                check.refuse(self, options)
            except NeuroglotError as error:
                raise ValueError(f"checks: {named.name}: {error}") from error

    def _rehearse(self) -> None:
        """Lets every recipe try these languages, so that its mistakes cost no model time."""
        for number, recipe in enumerate(self.recipes):
            try:
                recipe.rehearse(self.text.languages)
            except NeuroglotError as error:
                raise ValueError(f"recipes[{number}]: {error}") from error

    def at(self, key: str) -> str:
        """Where a key stands, for errors that show only when the text or the model is there."""
        return f"{self._file}: {key}"

    def acting_on(self, recipe: str) -> list[str]:
        """The kinds of intervention done to a recipe's sets."""
        return [kind for kind, recipes in self.interventions.items() if recipes == "all" or recipe in recipes]

    @property
    def loading(self) -> dict[str, Any]:
        """How `LanguageModel.load` gets the study's model, here and in every worker."""
        return {
            "name": self.model,
            "revision": self.revision,
            "dtype": self.dtype,
            "precision": self.precision,
            "trust_remote_code": self.trust_remote_code,
        }

    @property
    def digest(self) -> str:
        """A short checksum of all that the stages depend on: not of where the work is done, nor of tasks."""
        document = self.model_dump(mode="json", exclude={"executor", "checkpointing", "device", *TASKS})
        return sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]


def load_study(path: str | Path) -> Study:
    """Reads a study from a YAML file, or by the name of a bundled one (``demo``, ``demo-full``).

    Raises:
        NeuroglotError: One line that says what is wrong, and where.
    """
    bundled = STUDIES / f"{path}.yaml"
    file = bundled if bundled.is_file() else Path(path)
    if not file.suffix and not file.exists():
        raise unknown("study", str(path), [each.stem for each in STUDIES.glob("*.yaml")])
    document = yaml_document(file)
    kind = Study
    if "compare" in document:  # a comparison is a study, whoever asks for it
        from neuroglot.study.comparison.settings import Comparison

        kind = Comparison
    study = validated(kind, document, str(path))
    study._file = str(path)
    return study
