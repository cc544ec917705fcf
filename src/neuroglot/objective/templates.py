"""How multiple-choice items are put to the model: every prompt of `answer`, in one place.

There are no words in them but the item's own, so that they are the same in every language.
"""

from neuroglot.text.continuations import Continuation

LETTERS = "ABCD"


def question(item: Continuation) -> str:
    """The beginning of a sentence, four ways to go on, and the letter of the true one is to follow."""
    return _asked(item.beginning + " …", item.choices)


def options_alone(item: Continuation) -> str:
    """The same without the beginning: nobody can know. What matters here is about form, not language."""
    return _asked("…", item.choices)


def copied(item: Continuation) -> str:
    """The true second half itself stands above: to answer is to find it again, word by word."""
    return _asked("… " + item.choices[item.answer], item.choices)


def letter(item: Continuation) -> str:
    """The answer that follows a prompt."""
    return " " + LETTERS[item.answer]


def _asked(head: str, choices: tuple[str, ...]) -> str:
    lines = [head, *(f"{name}. … {choice}" for name, choice in zip(LETTERS, choices, strict=True)), "="]
    return "\n".join(lines)
