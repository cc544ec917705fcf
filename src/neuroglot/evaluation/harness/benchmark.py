"""A harness task with a drawn sample of its items, asked again and again under one mask after the other.

Requests are built once. What is then made of the model's answers (filters, metrics of an item) is the
harness's, through its public pieces, so that scores are what ``lm_eval.evaluate`` would report for the same
items. A name may stand for a group of tasks (``mmlu``): their items are one pool.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from neuroglot.errors import NeuroglotError, unknown

METRICS = ("acc", "exact_match", "acc_norm")
"""What counts as right, in this order, where the task's name says nothing: ``task@metric`` does."""


@dataclass(frozen=True)
class Answer:
    """What a model made of one item.

    Attributes:
        item: The item's own name, or where it stands in its task.
        right: 1 or 0: the harness's metric.
        chance: What guessing would give: 1 / choices; 0 where something is written.
        said: Log-probability of each choice in nats, or what was written.
    """

    item: str
    right: float
    chance: float
    said: list[Any]


@dataclass(frozen=True)
class Benchmark:
    """A sample of the items of a task, with their requests built.

    Attributes:
        name: As it was asked for: a task or group, maybe with its metric behind an @.
        metric: The harness's metric that counts.
        tasks: Task → the harness's, with its instances.
        samples: Task → the items drawn, by their places, in order.
        few_shot: Solved examples before each item.
    """

    name: str
    metric: str
    tasks: Mapping[str, Any]
    samples: Mapping[str, Sequence[int]]
    few_shot: int

    @property
    def instances(self) -> list[Any]:
        """All requests, in the order of tasks and items."""
        return [instance for task in self.tasks.values() for instance in task.instances]

    @property
    def items(self) -> int:
        """How many."""
        return sum(map(len, self.samples.values()))

    @cached_property
    def digest(self) -> str:
        """A checksum of every word that a model is asked, and of what counts as right."""
        found = sha256(self.metric.encode())
        for instance in self.instances:
            found.update(repr((instance.request_type, instance.args, instance.doc)).encode())
        return found.hexdigest()[:16]

    def ask(self, lm: Any) -> list[Answer]:
        """What a harness model says, as it is now: with the hooks that are on.

        Raises:
            NeuroglotError: The task's metric is not right or wrong, item by item.
        """
        kinds: dict[str, list[Any]] = {}
        for instance in self.instances:
            instance.resps, instance.filtered_resps = [], {}
            kinds.setdefault(instance.request_type, []).extend([instance] * (instance.repeats or 1))
        for kind, asked in kinds.items():
            for instance, answer in zip(asked, getattr(lm, kind)(asked, disable_tqdm=True), strict=True):
                instance.resps.append(answer)
        return [answer for name in self.tasks for answer in self._marked(name)]

    def _marked(self, name: str) -> list[Answer]:
        """The answers to one task's items."""
        task = self.tasks[name]
        task.apply_filters()
        by_item: dict[int, list[Any]] = {}
        for instance in task.instances:
            by_item.setdefault(instance.doc_id, []).append(instance)
        answers = []
        for number, own in by_item.items():
            own.sort(key=lambda instance: instance.idx)
            doc, filtered = own[0].doc, next(iter(own[0].filtered_resps))
            marks = task.process_results(doc, [instance.filtered_resps[filtered] for instance in own])
            place = self.samples[name][number]
            answers.append(
                Answer(
                    item=str(
                        doc.get("id", f"{name} {place}") if isinstance(doc, dict) else f"{name} {place}"
                    ),
                    right=self._right(marks, name),
                    chance=1 / len(task.doc_to_choice(doc)) if task.OUTPUT_TYPE == "multiple_choice" else 0.0,
                    said=[_plain(instance.resps[0]) for instance in own],
                )
            )
        return answers

    def _right(self, marks: Mapping[str, Any], name: str) -> float:
        if self.metric not in marks:
            raise unknown("metric", self.metric, marks, f"task {name!r}")
        mark = marks[self.metric]
        if not isinstance(mark, (int, float, np.number, np.bool_)) or float(mark) not in (0.0, 1.0):
            raise NeuroglotError(
                f"its {self.metric} of an item is {mark!r}, neither right (1) nor wrong (0)", f"task {name!r}"
            )
        return float(mark)


def _plain(response: Any) -> Any:
    """The log-probability of a choice, or the text that was written."""
    return response if isinstance(response, str) else float(response[0])
