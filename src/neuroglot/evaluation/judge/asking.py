"""All answers to the judge: several at the same time, what is known already never again."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.judge.cache import Replies
from neuroglot.evaluation.judge.client import Endpoint, UnansweredError
from neuroglot.evaluation.judge.reading import Verdict, read
from neuroglot.evaluation.judge.rubric import LOWEST, messages
from neuroglot.progress import Track, silent

MAX_TOKENS = 1024
"""Where a reply is cut: room to think, and an end for a judge that has none."""

TEMPERATURES = (0.0, 1.0)
"""Of the rounds. At 0 a judge would only repeat itself; at 1 it says what else it might have said."""

GIVE_UP = 10
"""Requests without reply, one after the other, until the judge counts as gone."""


@dataclass(frozen=True)
class Item:
    """An answer to be judged.

    Attributes:
        language: Of the question.
        question: Its text.
        answer: Whatever came back.
        round: 0, or 1 when judged again.
    """

    language: str
    question: str
    answer: str
    round: int = 0

    def request(self) -> dict[str, Any]:
        """What the judge is asked: all of its key depends on this and on who is asked."""
        return {
            "messages": messages(self.question, self.answer, self.language),
            "temperature": TEMPERATURES[self.round],
            "seed": self.round,
            "max_tokens": MAX_TOKENS,
        }


def judge_all(
    items: Sequence[Item],
    judge: tuple[str, str],
    open_endpoint: Callable[[], AbstractContextManager[Endpoint]],
    replies: Replies,
    *,
    parallel: int = 4,
    track: Track = silent,
) -> list[Verdict]:
    """A verdict on every item, in their order. An empty answer gets the lowest score unasked.

    Args:
        items: The answers.
        judge: Who is asked: address and model, which the replies are kept under.
        open_endpoint: Opens it, if anything must be asked.
        replies: What is known; what comes is added at once.
        parallel: Requests at the same time.
        track: Progress bar.

    Raises:
        NeuroglotError: The judge cannot be asked at all, or did not reply `GIVE_UP` times in a row. What was
            judged until then is kept.
    """
    keys = [_key(judge, item) if item.answer.strip() else "" for item in items]
    lacking = {key: item for key, item in zip(keys, items, strict=True) if key and key not in replies}
    problems: dict[str, str] = {}
    if lacking:
        with open_endpoint() as endpoint:
            problems = _ask(lacking, endpoint, replies, parallel, track)
    return [_verdict(key, replies, problems) for key in keys]


def _ask(
    lacking: dict[str, Item], endpoint: Endpoint, replies: Replies, parallel: int, track: Track
) -> dict[str, str]:
    """Asks for what is lacking; returns why some got no reply."""
    problems: dict[str, str] = {}

    def one(key: str, item: Item) -> str:
        try:
            replies.add(key, endpoint.ask(item.request()))
        except UnansweredError as error:
            problems[key] = str(error)
        return key

    in_a_row = 0
    with track("answers judged", len(lacking)) as advance, ThreadPoolExecutor(parallel) as pool:
        tasks = [pool.submit(one, key, item) for key, item in lacking.items()]
        try:
            for task in as_completed(tasks):
                key = task.result()
                advance(1)
                in_a_row = in_a_row + 1 if key in problems else 0
                if in_a_row == GIVE_UP:
                    raise NeuroglotError(
                        f"{GIVE_UP} requests in a row got no verdict ({problems[key]}); "
                        "what is judged is kept: run again to go on"
                    )
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return problems


def _key(judge: tuple[str, str], item: Item) -> str:
    return sha256(json.dumps([judge, item.request()], sort_keys=True).encode()).hexdigest()[:24]


def _verdict(key: str, replies: Replies, problems: dict[str, str]) -> Verdict:
    if not key:
        return Verdict(LOWEST)
    return read(replies[key]) if key in replies else Verdict(None, problems[key])
