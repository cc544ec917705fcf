"""Prompts with the answer that may follow each, from a JSONL file; what cannot be used says why.

    {"prompt": "The capital of Japan is", "target": " Tokyo"}
    {"text": "The capital of Japan is [Y].", "options": ["Tokyo", "Rome"], "label": 0}

The second is the layout of MyriadLAMA and mLAMA in MCEval8K: the prompt ends before [Y].
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.text.samples import encode, first_token

GAP = "[Y]"

Line = Mapping[str, Any] | str
"""An item as it was given; a text that should have been one."""


@dataclass(frozen=True)
class Item:
    """A prompt and its target.

    Attributes:
        number: Its place among the items given, from 0.
        prompt: The text before.
        target: The text after.
        ids: The prompt as the model reads it, BOS first.
        tokens: Those of the target.
        problem: Why it cannot be used; empty if it can.
    """

    number: int
    prompt: str
    target: str
    ids: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    problem: str = ""


def read_lines(path: Path | str) -> list[Line]:
    """The lines of a JSONL file; one that is no JSON object stays a text.

    Raises:
        NeuroglotError: No such file, or not UTF-8.
    """
    path = Path(os.path.expandvars(path))
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NeuroglotError(f"there is no file {str(path)!r}") from error
    except UnicodeDecodeError as error:
        raise NeuroglotError(f"not UTF-8 at byte {error.start}", str(path)) from error
    return [_parsed(line) for line in text.split("\n") if line.strip()]


def make_items(model: LanguageModel, lines: Iterable[Line]) -> list[Item]:
    """All items, those with a problem too.

    Raises:
        NeuroglotError: None can be used; it says what is wrong with the first.
    """
    items = [_item(model, number, line) for number, line in enumerate(lines)]
    if all(item.problem for item in items):
        why = f"; item 0: {items[0].problem}" if items else ""
        raise NeuroglotError(f"none of the {len(items)} prompts can be used{why}")
    return items


def _parsed(line: str) -> Line:
    try:
        value = json.loads(line)
    except ValueError:
        return line
    return value if isinstance(value, dict) else line


def _item(model: LanguageModel, number: int, line: Line) -> Item:
    prompt, target = "", ""
    try:
        prompt, target = _texts(line)
        ids, tokens = _tokens(model, prompt, target)
    except NeuroglotError as error:
        return Item(number, prompt, target, problem=str(error))
    return Item(number, prompt, target, ids, tokens)


def _texts(line: Line) -> tuple[str, str]:
    """Prompt and target."""
    if isinstance(line, str):
        raise NeuroglotError(f"not a JSON object: {line[:40]!r}")
    if {"text", "options", "label"} <= line.keys():
        return _cloze(str(line["text"]), line["options"], line["label"])
    missing = [key for key in ("prompt", "target") if not isinstance(line.get(key), str)]
    if missing:
        raise NeuroglotError(f"no text under {missing[0]!r}; an item has 'prompt' and 'target'")
    return line["prompt"], line["target"]


def _cloze(text: str, options: Any, label: Any) -> tuple[str, str]:
    """A sentence with a gap: what stands before it, and the right option, after the same space."""
    before, gap, _ = text.partition(GAP)
    if not gap:
        raise NeuroglotError(f"there is no {GAP} in {text[:40]!r}")
    try:
        answer = str(options[label])
    except (IndexError, KeyError, TypeError) as error:
        raise NeuroglotError(f"label {label!r} names none of the options") from error
    prompt = before.rstrip()
    return prompt, before[len(prompt) :] + answer


def _tokens(model: LanguageModel, prompt: str, target: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The prompt, BOS first, and what the tokens of both texts together have more than it: the target."""
    if not prompt.strip():
        raise NeuroglotError("the prompt is empty")
    if not target.strip():
        raise NeuroglotError("the target is empty")
    tokenizer = model.tokenizer
    alone, own, whole = encode(tokenizer, [prompt, target, prompt + target])
    tokens = tuple(whole[len(alone) :])
    if whole[: len(alone)] != alone:
        # It joins the last letters of the one and the first of the other: then each is read by itself.
        tokens = tuple(own)
        if tokenizer.decode(alone + own) != tokenizer.decode(whole):
            raise NeuroglotError(
                f"the tokenizer joins the end of the prompt and the target {target!r} in one token; "
                "begin the target with the space, or end the prompt before it"
            )
    if not tokens or (tokenizer.unk_token_id is not None and tokenizer.unk_token_id in tokens):
        raise NeuroglotError(f"the tokenizer cannot make the target {target!r}")
    ids = (first_token(tokenizer), *alone)
    needed = len(ids) + len(tokens) - 1
    if model.max_tokens is not None and needed > model.max_tokens:
        raise NeuroglotError(f"{needed} positions are needed; the model has {model.max_tokens}")
    return ids, tokens
