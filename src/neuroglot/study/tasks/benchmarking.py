"""Benchmarks of the harness under a run's masks, in a folder that can be killed at any moment.

    <run>/tasks/<subject>/benchmarks/<checksum>.json     what one mask answered to one task, item by item

A piece is named by the checksum of all that it rests on: the model's weights and precision, what the mask
does, and every word that is asked. So masks that do the same share it, and nothing is measured twice.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.harness.benchmark import Answer, Benchmark
from neuroglot.evaluation.harness.loading import load_benchmarks
from neuroglot.files import write_text
from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.memory import release
from neuroglot.study.digest import digest
from neuroglot.study.run import Run
from neuroglot.study.sections import does
from neuroglot.study.tasks.benchmark_tables import panel_frames
from neuroglot.study.tasks.panels import default_panels
from neuroglot.study.tasks.settings import Benchmarks
from neuroglot.study.tasks.subjects import Subject, subjects

Answered = dict[tuple[str, str], list[Answer]]
"""(mask, task) → what was answered to its items."""


def benchmark_frames(run: Run, settings: Benchmarks | None = None) -> dict[str, pd.DataFrame]:
    """What the run's masks do to benchmarks; what is there is not measured again.

    Args:
        run: With its stages up to `select` finished.
        settings: Which tasks; default: the study's, else all that its languages have.

    Returns:
        ``benchmark``, a row a subject, mask, panel and language, and ``benchmark_f1``, a row a mask and
        panel (a language, for masks that all share); see `panel_frames`.

    Raises:
        NeuroglotError: No harness, a task that does not exist or has no accuracy.
    """
    asked = settings or run.study.benchmarks or Benchmarks(panels=default_panels(run.study.text.languages))
    benchmarks = loaded(run, asked)
    found: dict[str, list[pd.DataFrame]] = {"benchmark": [], "benchmark_f1": []}
    for subject in subjects(run):
        trial = Trial(subject, benchmarks)
        answered = trial.measured()
        for name, tasks in asked.panels.items():
            frames = panel_frames(
                subject.name,
                name,
                tasks,
                trial.masks,
                answered,
                resamples=run.study.resamples,
                seed=run.study.seed,
            )
            for each, frame in frames.items():
                found[each].append(frame)
    return {name: pd.concat(frames, ignore_index=True) for name, frames in found.items()}


def loaded(run: Run, settings: Benchmarks) -> dict[str, Benchmark]:
    """The benchmarks of all panels by name, their items drawn.

    Raises:
        NeuroglotError: As `load_benchmarks`.
    """
    folders = [os.path.expandvars(folder) for folder in settings.folders]
    names = [task for tasks in settings.panels.values() for task in tasks.values()]
    return load_benchmarks(
        names, limit=settings.limit, few_shot=settings.few_shot, seed=run.study.seed, folders=folders
    )


@dataclass(frozen=True)
class Trial:
    """One subject's masks on benchmarks.

    Attributes:
        subject: The model.
        benchmarks: Task → its items.
    """

    subject: Subject
    benchmarks: Mapping[str, Benchmark]

    @property
    def folder(self) -> Path:
        """Of the pieces."""
        return self.subject.run.folder / "tasks" / self.subject.name / "benchmarks"

    @property
    def masks(self) -> list[Mask]:
        """Those that are tried, nothing off first."""
        return [mask for mask, _ in self.subject.conditions]

    def measured(self) -> Answered:
        """Asks whatever was not asked, one mask after the other.

        Raises:
            NeuroglotError: An intervention does not do what it says.
        """
        from neuroglot.evaluation.harness.lm import HarnessModel

        model, lm = self.subject.model, None
        conditions = self.subject.conditions
        answered: Answered = {}
        with self.subject.run.track(
            f"benchmarks of {self.subject.name} (items)",
            len(conditions) * sum(each.items for each in self.benchmarks.values()),
        ) as advance:
            for mask, act in conditions:
                lacking = []
                for name, benchmark in self.benchmarks.items():
                    answers = self._read(self._path(act, benchmark))
                    if answers is None:
                        lacking.append(benchmark)
                    else:
                        answered[mask.name, name] = answers
                        advance(len(answers))
                if not lacking:
                    continue
                lm = lm or HarnessModel(model)
                with model.products():
                    prove(model, [act])
                for benchmark, answers in self._asked(lm, act, lacking):
                    answered[mask.name, benchmark.name] = answers
                    self._write(mask, act, benchmark, answers)
                    advance(len(answers))
                    release()
        return answered

    def _asked(
        self, lm: Any, act: Intervention, benchmarks: list[Benchmark]
    ) -> Iterator[tuple[Benchmark, list[Answer]]]:
        with intervene(self.subject.model, act):
            for benchmark in benchmarks:
                yield benchmark, benchmark.ask(lm)

    def _path(self, act: Intervention, benchmark: Benchmark) -> Path:
        return self.folder / f"{digest(self.subject.reader, does(act), benchmark.digest)}.json"

    def _write(self, mask: Mask, act: Intervention, benchmark: Benchmark, answers: list[Answer]) -> None:
        about = {
            "mask": mask.name,
            "kind": act.kind,
            "task": benchmark.name,
            "metric": benchmark.metric,
            "few_shot": benchmark.few_shot,
            "seed": self.subject.run.study.seed,
            "places": dict(benchmark.samples),
            "asked": benchmark.digest,
            "model": self.subject.model.signature,
            "lm_eval": version("lm_eval"),
        }
        document = {**about, "items": [asdict(answer) for answer in answers]}
        write_text(self._path(act, benchmark), json.dumps(document, ensure_ascii=False))

    def _read(self, path: Path) -> list[Answer] | None:
        """A piece's answers; None if it is not there."""
        if not path.is_file():
            return None
        try:
            return [Answer(**item) for item in json.loads(path.read_text(encoding="utf-8"))["items"]]
        except (ValueError, KeyError, TypeError) as error:
            raise NeuroglotError(f"{str(path)!r} is damaged ({error}); delete it and run again") from error
