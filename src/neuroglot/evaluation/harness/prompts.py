"""From a line of data to an item: what is read, what is chosen from, and which choice is right.

An item is what the task files name: ``text``, ``choices``, ``answer`` (the index of the right choice, or the
solution of an arithmetic problem), ``id``; of a sentence with a gap also the ``rest`` that follows it.
Choices carry the space before them, since not every language puts one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from neuroglot.evaluation.harness.words import (
    ANSWER,
    ARTICLES,
    CAUSE_EFFECT,
    COLON,
    COMMA,
    ENDS,
    INFERENCE,
    QUESTION,
    UNSPACED,
)

Record = Mapping[str, Any]
Item = dict[str, Any]

LETTERS = "ABCDEFGHIJ"

SPANS = 4
"""Answers to choose from in a paragraph, at most."""

LABELS = ("entailment", "neutral", "contradiction")


def letters(record: Record, language: str) -> Iterator[Item]:
    """Multiple choice by letter: MMLU, C-Eval, EXAMS, Belebele (with a passage)."""
    if record["answer"] is None:
        return  # EXAMS lost a few keys
    choices = LETTERS[: len(record["choices"])]
    lines = [f"{letter}. {choice}" for letter, choice in zip(choices, record["choices"], strict=True)]
    passage = [record["context"]] if record.get("context") else []
    text = "\n".join([*passage, record["question"].strip(), *lines, _answer(language)])
    yield _item(record, text, [_after(language) + letter for letter in choices], record["answer"])


def inference(record: Record, language: str) -> Iterator[Item]:
    """XNLI: "premise, right? Yes, hypothesis" with yes, also or no."""
    words, comma = INFERENCE[language], COMMA.get(language, ", ")
    said = [
        f"{_gap(language)}{word}{comma}{record['hypothesis']}" for word in (words.yes, words.also, words.no)
    ]
    text = f"{record['premise'].strip().rstrip(ENDS)}{comma}{words.right}"
    yield _item(record, text, said, LABELS.index(record["label"]))


def cause_effect(record: Record, language: str) -> Iterator[Item]:
    """XCOPA: "sentence because choice", or "sentence so choice"."""
    word = CAUSE_EFFECT[language][("cause", "effect").index(record["question"])]
    gap = _gap(language)
    text = f"{record['context'].strip().rstrip(ENDS)}{gap}{word}"
    choices = [f"{gap}{_lower(choice, language)}" for choice in record["choices"]]
    yield _item(record, text, choices, record["answer"])


def gap(record: Record, language: str) -> Iterator[Item]:
    """XWinograd: which of two fills the gap, by what it makes of the rest of the sentence."""
    if record["cloze"] is None:
        return  # its words were not found in its sentence
    before, _, rest = record["cloze"].rstrip().partition("_")
    if not rest.strip(ENDS + " "):
        return  # nothing follows that could tell
    choices = []
    for choice in record["choices"]:
        first = choice.split()[0].lower()
        inside = before.strip() and first in ARTICLES.get(language, ())
        choices.append(before + (_lower(choice, language) if inside else choice))
    yield _item(record, record["sentence"], choices, record["answer"]) | {"rest": rest}


def spans(record: Record, language: str) -> Iterator[Item]:
    """XQuAD: which of a paragraph's answers is the one to this question, of at most `SPANS`."""
    pairs = [(own["id"], own["question"], own["answers"][0]["text"]) for own in record["qas"]]
    answers = list(dict.fromkeys(answer for _, _, answer in pairs))
    for number, (key, question, answer) in enumerate(pairs):
        others = [other for other in answers[number:] + answers[:number] if other != answer]
        if not others:
            continue
        choices = others[: SPANS - 1]
        right = number % (len(choices) + 1)  # not always in the same place
        choices.insert(right, answer)
        asked = f"{QUESTION[language]}{COLON.get(language, ': ')}{question}"
        text = "\n".join([record["context"], asked, _answer(language)])
        yield _item({"id": key}, text, [_after(language) + choice for choice in choices], right)


def arithmetic(record: Record, language: str) -> Iterator[Item]:
    """MGSM: the solution is written."""
    text = f"{record['question'].strip()}\n{_answer(language)}"
    yield {"id": record["id"], "text": text, "answer": str(record["answer"])}


PROMPTS: dict[str, Callable[[Record, str], Iterator[Item]]] = {
    "belebele": letters,
    "ceval": letters,
    "exams": letters,
    "mgsm": arithmetic,
    "mmlu": letters,
    "xcopa": cause_effect,
    "xnli": inference,
    "xquad": spans,
    "xwinograd": gap,
}
"""Family of tasks → how its lines become items."""


def _item(record: Record, text: str, choices: list[str], answer: int) -> Item:
    return {"id": record["id"], "text": text, "choices": choices, "answer": answer}


def _answer(language: str) -> str:
    return ANSWER[language] + COLON.get(language, ":")


def _after(language: str) -> str:
    return "" if language in COLON else " "


def _gap(language: str) -> str:
    return "" if language in UNSPACED else " "


def _lower(text: str, language: str) -> str:
    """The text with a small first letter; Turkish has two letters i."""
    first = {"I": "ı", "İ": "i"}.get(text[0]) if language == "tr" else None
    return (first or text[0].lower()) + text[1:]
