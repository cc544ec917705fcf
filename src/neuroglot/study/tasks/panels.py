"""Which benchmarks a study's languages have: panels of one task a language, of our own task files."""

from collections.abc import Sequence

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.harness.data import TESTS, part_files
from neuroglot.evaluation.harness.loading import TASKS
from neuroglot.evaluation.harness.prompts import PROMPTS

Panels = dict[str, dict[str, str]]
"""Name → language → task."""

WRITTEN = ("mgsm",)
"""Families whose answers are written, which takes a hundred times as long: only when they are asked for."""

PAPER = {"en": "mmlu", "zh": "ceval", "vi": "exams"}
"""The paper's panel, with EXAMS where the paper has Belebele: its Vietnamese part is on the hub only."""


def default_panels(languages: Sequence[str]) -> Panels:
    """Every family that has items for two of the languages or more, and the paper's panel.

    Raises:
        NeuroglotError: There is none.
    """
    panels: Panels = {}
    for family in PROMPTS:
        own = {language: _task(family, language) for language in languages if _there(family, language)}
        if len(own) > 1 and family not in WRITTEN:
            panels[family] = own
    if all(language in languages and _there(family, language) for language, family in PAPER.items()):
        panels["paper"] = {language: _task(family, language) for language, family in PAPER.items()}
    if not panels:
        raise NeuroglotError(
            f"no benchmark has items for two of {', '.join(languages)} in $NEUROGLOT_DATA: "
            "name tasks, as in --tasks xnli=en:xnli_en,vi:xnli_vi"
        )
    return panels


def parse_panels(told: str) -> Panels:
    """Panels from a command line: ``xnli=en:neuroglot_xnli_en,vi:neuroglot_xnli_vi;mgsm=…``.

    Raises:
        NeuroglotError: It does not read so, or a panel or a language comes twice.
    """
    panels: Panels = {}
    for one in told.split(";"):
        name, equals, tasks = one.strip().partition("=")
        if not equals or not name:
            raise _unread(one)
        if name in panels:
            raise NeuroglotError(f"panel {name!r} is named twice", "--tasks")
        own = panels[name] = {}
        for pair in tasks.split(","):
            language, colon, task = pair.strip().partition(":")
            if not (colon and language and task):
                raise _unread(pair)
            if language in own:
                raise NeuroglotError(f"panel {name!r} has {language!r} twice", "--tasks")
            own[language] = task
    return panels


def _unread(told: str) -> NeuroglotError:
    return NeuroglotError(
        f"{told.strip()!r} is not panel=language:task,…: for example xnli=en:xnli_en,vi:xnli_vi", "--tasks"
    )


def _task(family: str, language: str) -> str:
    return f"neuroglot_{family}_{language}"


def _there(family: str, language: str) -> bool:
    """Whether there is a task file, and items for it."""
    file = TASKS / family / f"{language}.yaml"
    return file.is_file() and any(part in part_files(family, language) for part in TESTS)
