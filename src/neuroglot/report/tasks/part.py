"""The part of the page about tasks: sentences, tables, and a few answers to read."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuroglot.report.tasks.columns import NONE, Frames, plumbing, rows
from neuroglot.report.tasks.paper import PLUMBING, tables
from neuroglot.report.tasks.summary import grouped
from neuroglot.report.tasks.table import Table

SHOWN = 5
"""Questions of each language in the page."""

LONGEST = 500
"""Characters of an answer in the page; the run folder has all of it."""


@dataclass(frozen=True)
class Answer:
    """An answer: under which mask, its text as shown, and the language that it is in."""

    under: str
    text: str
    language: str


@dataclass(frozen=True)
class Asked:
    """A question and its answers."""

    question: str
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Part:
    """All of it.

    Attributes:
        said: Sentences, by what they are about.
        warning: What must not be taken for a finding; "" if nothing.
        tables: The paper's tables.
        samples: Language → some of its questions, answered with nothing off and with its own set off.
    """

    said: dict[str, list[str]]
    warning: str
    tables: Sequence[Table]
    samples: dict[str, list[Asked]]


def part(frames: Frames) -> Part | None:
    """What there is to show; None if nothing was measured."""
    if not any(len(frame) for frame in frames.values()):
        return None
    return Part(
        said=grouped(frames),
        warning=PLUMBING if plumbing(frames) else "",
        tables=tables(frames),
        samples=samples(frames),
    )


def samples(frames: Frames) -> dict[str, list[Asked]]:
    """The base model's first answers in each language, with nothing off and with its own sets off."""
    found: dict[str, list[Asked]] = {}
    answers = rows(frames, "answers")
    own = (answers["kind"] == "recipe") & (answers["target"] == answers["language"])
    shown = answers[(answers["subject"] == "base") & (own | (answers["kind"] == NONE))]
    for (language, _), group in shown.groupby(["language", "question"], sort=False):
        asked = found.setdefault(str(language), [])
        if len(asked) < SHOWN:
            group = group.sort_values("kind", key=lambda kinds: kinds != NONE, kind="stable")
            said = [
                Answer(
                    "nothing off" if one.kind == NONE else str(one.mask),
                    _cut(one.answer),
                    str(one.answered_in),
                )
                for one in group.itertuples()
            ]
            asked.append(Asked(str(group["text"].iloc[0]), said))
    return found


def _cut(answer: object) -> str:
    text = str(answer).strip()
    return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()} …"
