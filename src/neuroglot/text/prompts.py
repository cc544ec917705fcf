"""A question as a prompt, and a prompt as token ids.

A base model is shown a question and where its answer begins, in the question's own language; it has answered
when it goes on to a next question. A chat model has a template of its own, and ends its turns.
"""

from collections.abc import Iterable
from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.text.samples import encode, first_token
from neuroglot.text.words import words


def render(tokenizer: Any, question: str, language: str) -> str:
    """The prompt of a question.

    Args:
        tokenizer: Of the model that answers.
        question: The text.
        language: Whose words stand around it where there is no chat template.

    Raises:
        NeuroglotError: A language whose words nobody has written, or a template that fails.
    """
    if not tokenizer.chat_template:
        own = words(language)
        return f"{own.question}: {question}\n{own.answer}:"
    try:
        turns = [{"role": "user", "content": question}]
        prompt: str = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    except Exception as error:  # a template is a program of the model's author
        raise NeuroglotError(f"the chat template of the tokenizer fails: {error}") from error
    return prompt


def stops_of(tokenizer: Any, languages: Iterable[str]) -> tuple[str, ...]:
    """The strings at which an answer ends: a next question, in any of the languages; none in a chat."""
    if tokenizer.chat_template:
        return ()
    return tuple(dict.fromkeys(f"\n{words(language).question}:" for language in languages))


def prompt_ids(tokenizer: Any, prompts: list[str]) -> list[list[int]]:
    """Token ids of rendered prompts.

    A plain prompt is read as all text here (`samples`): what begins a text, then its tokens. What a chat
    template wrote has markers, which are read as such, and what begins it stands in it already.

    Raises:
        NeuroglotError: The tokenizer has no token to begin with.
    """
    if tokenizer.chat_template:
        return list(tokenizer(prompts, add_special_tokens=False)["input_ids"])
    first = first_token(tokenizer)
    return [[first, *ids] for ids in encode(tokenizer, prompts)]
