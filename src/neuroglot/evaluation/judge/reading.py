"""From what the judge wrote to a score, or to what is wrong with it. Nothing is guessed.

A score is a whole number from 1 to 10 under ``"score"`` of the one JSON object in the reply. Words around the
object do no harm, and thoughts between ``<think>`` and ``</think>`` are not read; but "8/10", 7.5, "8", true,
11 and two objects are no scores.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from neuroglot.evaluation.judge.rubric import HIGHEST, LOWEST


@dataclass(frozen=True)
class Verdict:
    """What became of an answer.

    Attributes:
        score: 1 to 10; None if there is a problem.
        problem: Why there is no score.
    """

    score: int | None
    problem: str = ""


def read(reply: str) -> Verdict:
    """The score in a judge's reply.

    >>> read('{"reason": "Right.", "score": 8}')
    Verdict(score=8, problem='')
    >>> read("I give it 8/10.")
    Verdict(score=None, problem="no JSON object in 'I give it 8/10.'")
    """
    text = re.sub(r"\A\s*<think>.*?</think>", "", reply, flags=re.DOTALL).strip()
    if not text:
        return Verdict(None, "the reply is empty")
    objects = list(_objects(text))
    if not objects:
        return Verdict(None, f"no JSON object in {_short(text)}")
    if len(objects) > 1:
        return Verdict(None, f"{len(objects)} JSON objects in {_short(text)}")
    (found,) = objects
    if "score" not in found:
        return Verdict(None, f"no 'score' in {_short(text)}")
    score = found["score"]
    if type(score) is not int:  # true is an int to Python
        return Verdict(None, f"the score is {_short(json.dumps(score))}, not a whole number")
    if not LOWEST <= score <= HIGHEST:
        return Verdict(None, f"the score is {_short(str(score))}, not {LOWEST} to {HIGHEST}")
    return Verdict(score)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, whatever stands between them."""
    decoder = json.JSONDecoder(parse_int=_whole)
    place = text.find("{")
    while place >= 0:
        try:
            found, end = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            found, end = None, place + 1
        if isinstance(found, dict):
            yield found
        place = text.find("{", end)


def _whole(digits: str) -> int:
    """As an integer; one of thousands of digits is refused by Python, and out of range anyway."""
    return int(digits[:20])


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
