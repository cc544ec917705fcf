"""How a prompt becomes token ids: as all text here, or as the tokenizer's chat template wrote it."""

from typing import Any

from neuroglot.text.samples import encode, first_token


def prompt_ids(tokenizer: Any, prompts: list[str]) -> list[list[int]]:
    """Token ids of rendered prompts.

    A plain prompt is read as all text here (`samples`): what begins a text, then its tokens. Where the
    tokenizer has a chat template the prompt was rendered with it: its markers are read as such, and what
    begins it stands in it already.

    Raises:
        NeuroglotError: The tokenizer has no token to begin with.
    """
    if tokenizer.chat_template:
        return list(tokenizer(prompts, add_special_tokens=False)["input_ids"])
    first = first_token(tokenizer)
    return [[first, *ids] for ids in encode(tokenizer, prompts)]
