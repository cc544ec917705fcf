"""Open questions, the same ones in many languages: the project's own, or a folder's."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import checked_languages
from neuroglot.text.sources import LANGUAGE, clean, jsonl_rows

COMMONS = "commons"

KEYS = ("text", "question", "prompt", "turns")
"""Where a row's question may stand; of several turns the first is asked."""


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        id: The same in every language where the source is parallel.
        language: Its language.
        text: What is asked.
    """

    id: str
    language: str
    text: str


def questions(source: str, languages: Sequence[str], count: int | None = None) -> list[Question]:
    """Open questions of each language, in the order of languages, then of the source.

    Args:
        source: ``commons``, the project's own 24 in 12 languages (CC0), or a folder of ``<language>.jsonl``
            with a question a line: ``{"id": …, "text": …}``, or with ``question``, ``prompt`` or ``turns``
            for ``text``. Rows without ``id`` are numbered. Environment variables in it are expanded.
        languages: Which to ask in.
        count: The first so many of each; default: all.

    Raises:
        NeuroglotError: A language that the source does not have, too few questions, or a row that is none.
    """
    if source == COMMONS:
        own = _commons()
        known = list(next(iter(own.values())))
        checked_languages(languages, known, f"questions {COMMONS!r}")
        found = {
            language: [Question(id, language, texts[language]) for id, texts in own.items()]
            for language in languages
        }
    else:
        folder = Path(os.path.expandvars(source)).expanduser()
        if not folder.is_dir():
            raise NeuroglotError(f"there is no folder of questions {source!r}; {COMMONS!r} are the project's")
        known = sorted(file.stem for file in folder.glob("*.jsonl") if LANGUAGE.fullmatch(file.stem))
        checked_languages(languages, known, f"questions {source!r}")
        found = {language: list(_read(folder / f"{language}.jsonl", language)) for language in languages}
    for language, own_questions in found.items():
        if count is not None and len(own_questions) < count:
            raise NeuroglotError(
                f"questions {source!r}: {count} are asked for, and {language!r} has {len(own_questions)}"
            )
    return [question for language in languages for question in found[language][:count]]


def _commons() -> dict[str, dict[str, str]]:
    """Id → language → text."""
    text = (files("neuroglot.text") / "commons" / "questions.yaml").read_text(encoding="utf-8")
    found: dict[str, dict[str, str]] = yaml.safe_load(text)
    return found


def _read(file: Path, language: str) -> Iterator[Question]:
    met = set()
    for number, (where, row) in enumerate(jsonl_rows(file), start=1):
        found = Question(_id(row, number), language, clean(_asked(row, where), where))
        if found.id in met:
            raise NeuroglotError(f"question {found.id!r} is there twice", where)
        met.add(found.id)
        yield found


def _id(row: Any, number: int) -> str:
    return str(row.get("id", number)) if isinstance(row, Mapping) else ""


def _asked(row: Any, where: str) -> Any:
    key = next((key for key in KEYS if key in row), None) if isinstance(row, Mapping) else None
    if key is None:
        raise NeuroglotError(f"no question in this row: it has none of {', '.join(KEYS)}", where)
    asked = row[key]
    return asked[0] if isinstance(asked, list) and asked else asked
