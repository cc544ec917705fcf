"""Open questions, answered by a run's models under its masks, in pieces that are kept.

    run/tasks/<subject>/answers/<key>.jsonl    a mask's answers: what they rest on, then one a line

A piece is named by the checksum of all that it rests on: weights, mask, prompts, how answers are written. So
a killed run goes on where it was, and masks that do the same share one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.evaluation.answers.live import Answer, Ask, Writing, write
from neuroglot.evaluation.answers.served import Served
from neuroglot.files import write_text
from neuroglot.intervention.kinds import Intervention
from neuroglot.progress import Track
from neuroglot.study.digest import digest
from neuroglot.study.sections import does
from neuroglot.study.steps import versions
from neuroglot.study.tasks.settings import Generation
from neuroglot.study.tasks.subjects import Subject
from neuroglot.text.prompts import render, stops_of
from neuroglot.text.questions import Question, questions

Written = Mapping[str, Sequence[Answer]]
"""Mask → its answers, in the order of the questions."""


@dataclass(frozen=True)
class Answering:
    """One model's answers to a study's questions.

    Attributes:
        subject: The model, with its masks.
        settings: Which questions, and how answers are written.
    """

    subject: Subject
    settings: Generation

    @property
    def languages(self) -> list[str]:
        """The study's: each is asked in."""
        return self.subject.run.study.text.languages

    @property
    def folder(self) -> Path:
        """Of the pieces."""
        return self.subject.run.folder / "tasks" / self.subject.name / "answers"

    @cached_property
    def questions(self) -> list[Question]:
        """What is asked."""
        return questions(self.settings.questions, self.languages, self.settings.count)

    @cached_property
    def prompts(self) -> list[str]:
        """The questions as this model is asked them."""
        tokenizer = self.subject.model.tokenizer
        return [render(tokenizer, question.text, question.language) for question in self.questions]

    @cached_property
    def stops(self) -> tuple[str, ...]:
        """Where an answer ends."""
        return stops_of(self.subject.model.tokenizer, self.languages)

    @property
    def writing(self) -> Writing:
        """How answers are written."""
        own = self.settings
        return Writing(own.max_new_tokens, own.context, own.repetition_penalty, own.batch)

    def work(self, track: Track) -> None:
        """Lets the live model write the answers that lack, in groups of masks that fill a batch.

        Raises:
            NeuroglotError: As `write`.
        """
        lacking = self._lacking()
        done = len({self.path(act) for _, act in self.subject.conditions}) - len(lacking)
        with track(f"answers ({self.subject.name})", (done + len(lacking)) * len(self.questions)) as advance:
            advance(done * len(self.questions))

            @contextmanager
            def same_bar(_description: str, _total: int) -> Iterator[Any]:
                yield advance

            for group in self._groups(lacking):
                asks = [Ask(prompt, _on(act)) for act in group for prompt in self.prompts]
                answers = write(self.subject.model, asks, self.writing, self.stops, same_bar)
                for number, act in enumerate(group):
                    start = number * len(self.prompts)
                    self._keep(act, answers[start : start + len(self.prompts)], "live")

    def serve(self, mask: str, server: Served, track: Track) -> None:
        """Lets a server of the checkpoint with a mask folded in write that mask's answers, if they lack.

        Raises:
            NeuroglotError: There is no such mask, or the server fails (`Served`).
        """
        acts = {each.name: act for each, act in self.subject.conditions}
        if mask not in acts:
            raise unknown("mask", mask, acts, f"run {str(self.subject.run.folder)!r}")
        if not self.path(acts[mask]).is_file():
            answers = server.write(self.prompts, self.writing, self.stops, track)
            self._keep(acts[mask], answers, f"served as {server.model!r}")

    def finished(self) -> Written:
        """The masks whose answers are there."""
        paths = {mask.name: self.path(act) for mask, act in self.subject.conditions}
        pieces = {path: _read(path) for path in set(paths.values()) if path.is_file()}
        return {mask: pieces[path] for mask, path in paths.items() if path in pieces}

    def path(self, act: Intervention) -> Path:
        """The piece of a mask."""
        how = {name: value for name, value in asdict(self.writing).items() if name != "batch"}
        asked = [(question.language, question.id) for question in self.questions]
        key = digest(self.subject.reader, does(act), how, asked, self.prompts, self.stops)
        return self.folder / f"{key}.jsonl"

    def _lacking(self) -> list[Intervention]:
        """One mask of each piece that is not there."""
        lacking = {self.path(act): act for _, act in self.subject.conditions}
        return [act for path, act in lacking.items() if not path.is_file()]

    def _groups(self, acts: Sequence[Intervention]) -> Iterator[Sequence[Intervention]]:
        """Just enough masks for a full batch: what a killed run can lose."""
        size = -(-self.settings.batch // len(self.questions))
        for start in range(0, len(acts), size):
            yield acts[start : start + size]

    def _keep(self, act: Intervention, answers: Sequence[Answer], engine: str) -> None:
        about = {
            "format": "neuroglot/answers",
            "version": 1,
            "engine": engine,
            "model": self.subject.model.signature,
            "intervention": {"kind": act.kind, "site": act.neurons.site, "neurons": len(act.neurons)},
            "writing": asdict(self.writing) | {"greedy": True},
            "template": bool(self.subject.model.tokenizer.chat_template),
            "stops": self.stops,
            "versions": versions(),
        }
        rows = [
            {"language": question.language, "question": question.id, "prompt": prompt, **asdict(answer)}
            for question, prompt, answer in zip(self.questions, self.prompts, answers, strict=True)
        ]
        lines = [json.dumps(each, ensure_ascii=False) for each in [about, *rows]]
        write_text(self.path(act), "\n".join(lines) + "\n")


def _on(act: Intervention) -> tuple[Intervention, ...]:
    return (act,) if len(act.neurons) else ()


def _read(path: Path) -> list[Answer]:
    try:
        _, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").strip().split("\n")]
        return [Answer(row["text"], row["tokens"], row["finished"]) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise NeuroglotError(
            f"{str(path)!r} is damaged ({error}); delete it and its answers are written again"
        ) from error
