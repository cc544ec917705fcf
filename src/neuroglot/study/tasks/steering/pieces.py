"""Answers under a condition, kept: one file of JSON lines a condition and pair, whole or not there.

A file's name is the checksum of all that it rests on, so a killed run goes on where it was and nothing is
answered twice.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuroglot.evaluation.answers.fluency import log_probs
from neuroglot.evaluation.answers.live import Ask, Writing, write
from neuroglot.files import write_text
from neuroglot.model.language_model import LanguageModel
from neuroglot.progress import Track
from neuroglot.study.digest import digest
from neuroglot.study.sections import does
from neuroglot.study.tasks.steering.conditions import Condition
from neuroglot.text.questions import Question

Line = dict[str, Any]


@dataclass(frozen=True)
class Piece:
    """Some questions under one condition.

    Attributes:
        condition: What is on.
        source: The language that the questions are asked in.
        target: The language to answer in.
        questions: They.
        prompts: The same, rendered.
        context: The same questions in the target language, rendered: what the answer's fluency is given.
    """

    condition: Condition
    source: str
    target: str
    questions: tuple[Question, ...]
    prompts: tuple[str, ...]
    context: tuple[str, ...]


@dataclass(frozen=True)
class Answering:
    """Who answers, how, and where answers are kept.

    Attributes:
        model: The model.
        reader: Its weights and precision.
        writing: Lengths and penalty.
        stops: Where an answer ends.
        folder: Of the files.
        track: Progress, in answers.
    """

    model: LanguageModel
    reader: str
    writing: Writing
    stops: tuple[str, ...]
    folder: Path
    track: Track

    def answers(self, pieces: Sequence[Piece]) -> list[list[Line]]:
        """The lines of every piece: read where they are there, else written now, a batch of pieces at a time.

        A line holds the question, the answer, its length in tokens, whether it ended by itself, and its
        log-probability under the untouched model.
        """
        lacking = list({self._path(one): one for one in pieces if not self._path(one).is_file()}.values())
        with self.track("steering", sum(len(one.questions) for one in lacking)) as advance:
            for group in self._groups(lacking):
                self._write(group)
                advance(sum(len(one.questions) for one in group))
        return [
            [json.loads(line) for line in self._path(one).read_text(encoding="utf-8").split("\n")]
            for one in pieces
        ]

    def _groups(self, pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
        """So many pieces together as fill a batch: what a killed run can lose."""
        size = max(1, self.writing.batch // max((len(one.questions) for one in pieces), default=1))
        for start in range(0, len(pieces), size):
            yield pieces[start : start + size]

    def _write(self, group: Sequence[Piece]) -> None:
        asks = [Ask(prompt, one.condition.acts) for one in group for prompt in one.prompts]
        found = write(self.model, asks, self.writing, self.stops)
        context = [prompt for one in group for prompt in one.context]
        likely = log_probs(self.model, context, [answer.text for answer in found]).tolist()
        done = iter(zip(found, likely, strict=True))
        for one in group:
            lines = []
            for question, (answer, log_prob) in zip(one.questions, done, strict=False):
                line = {
                    "question": question.id,
                    "text": question.text,
                    "answer": answer.text,
                    "tokens": answer.tokens,
                    "finished": answer.finished,
                    "log_prob": None if log_prob != log_prob else log_prob,
                }
                lines.append(json.dumps(line, ensure_ascii=False))
            write_text(self._path(one), "\n".join(lines))

    def _path(self, piece: Piece) -> Path:
        how = asdict(self.writing) | {"batch": 0}
        acts = [does(act) for act in piece.condition.acts]
        ids = [question.id for question in piece.questions]
        key = digest(self.reader, ids, piece.prompts, piece.context, how, self.stops, acts)
        return self.folder / f"{key}.jsonl"
