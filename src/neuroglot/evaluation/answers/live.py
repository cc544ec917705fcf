"""Answers that the live model writes: greedily, many at a time, each under its own interventions."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import torch
from transformers import GenerationConfig

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.ends import Ends, decoded, last_tokens
from neuroglot.evaluation.likelihood import untouched
from neuroglot.intervention.hooks import intervene, prove
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel, check_causal
from neuroglot.model.memory import out_of_memory, release
from neuroglot.progress import Track, silent
from neuroglot.text.prompts import prompt_ids


@dataclass(frozen=True)
class Ask:
    """One answer to write.

    Attributes:
        prompt: As it is rendered.
        acts: All that is on while it is written, applied in this order.
    """

    prompt: str
    acts: tuple[Intervention, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What was written.

    Attributes:
        text: Without the prompt, and without what ended it.
        tokens: How many were written, the one that ends a text apart.
        finished: It ended by itself, or at a stop; otherwise it was cut at the limit.
    """

    text: str
    tokens: int
    finished: bool


@dataclass(frozen=True)
class Writing:
    """How answers are written: greedily, and otherwise as in CRANE (Le et al. 2026).

    Attributes:
        max_new_tokens: Where an answer is cut.
        context: Prompt and answer together, in tokens.
        repetition_penalty: The logit of a token that is there already, in prompt or answer, is divided by it
            (times it, below 0).
        batch: Answers written at the same time.
    """

    max_new_tokens: int = 2048
    context: int = 8192
    repetition_penalty: float = 1.1
    batch: int = 32


def write(
    model: LanguageModel,
    asks: Sequence[Ask],
    writing: Writing,
    stops: Sequence[str] = (),
    track: Track = silent,
) -> list[Answer]:
    """Answers to prompts, in their order; the interventions are proven first.

    What a row says does not depend on the rows beside it: prompts are padded on the left with their own
    first token, which nothing attends to and which the penalty has met already.

    Args:
        model: Any loaded model.
        asks: Prompts, each with what is on while it is answered.
        writing: Lengths, penalty, rows a batch (halved when memory runs out).
        stops: Strings at which an answer ends; they are no part of it.
        track: Progress, in answers.

    Raises:
        NeuroglotError: A prompt leaves no room for the answer, an intervention does not do what it says, or a
            single answer does not fit memory.
    """
    check_causal(model, "writing answers")
    if not asks:
        return []
    prompts = prompt_ids(model.tokenizer, [ask.prompt for ask in asks])
    _check_room(model, asks, prompts, writing)
    distinct = {id(act): act for ask in asks for act in ask.acts}
    if distinct:
        prove(model, list(distinct.values()))
    left = sorted(range(len(asks)), key=lambda index: -len(prompts[index]))
    rows, found = writing.batch, dict[int, Answer]()
    with track("writing answers", len(asks)) as advance:
        while left:
            chosen = left[:rows]
            try:
                answers = _batch(
                    model,
                    [prompts[index] for index in chosen],
                    [asks[index].acts for index in chosen],
                    writing,
                    stops,
                )
            except Exception as error:
                if not out_of_memory(error):
                    raise
                if len(chosen) == 1:
                    raise NeuroglotError(
                        f"out of memory on a single answer of up to {writing.max_new_tokens} tokens; what "
                        "helps: fewer (max_new_tokens), or the model in bfloat16 (dtype)"
                    ) from error
            else:
                found |= zip(chosen, answers, strict=True)
                left = left[len(chosen) :]
                advance(len(chosen))
                release()  # keys and values of every length before: the C library would keep gigabytes
                continue
            # Here the exception is gone, and with it the tensors that its traceback held.
            release()
            rows = len(chosen) // 2
    return [found[index] for index in range(len(asks))]


def _check_room(
    model: LanguageModel, asks: Sequence[Ask], prompts: Sequence[list[int]], writing: Writing
) -> None:
    most = min(writing.context, model.max_tokens or writing.context)
    longest = max(range(len(prompts)), key=lambda index: len(prompts[index]))
    room = most - len(prompts[longest])
    if room < writing.max_new_tokens:
        raise NeuroglotError(
            f"a prompt of {len(prompts[longest])} tokens leaves no room for max_new_tokens: "
            f"{writing.max_new_tokens} where prompt and answer have {most} tokens together; "
            f"{max(room, 0)} would fit: {asks[longest].prompt[:60]!r}"
        )


def _batch(
    model: LanguageModel,
    prompts: Sequence[list[int]],
    acts: Sequence[tuple[Intervention, ...]],
    writing: Writing,
    stops: Sequence[str],
) -> list[Answer]:
    longest = max(map(len, prompts))
    ids = torch.tensor([[ids[0]] * (longest - len(ids)) + ids for ids in prompts], device=model.device)
    real = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
    last = last_tokens(model)
    ends = Ends(model.tokenizer, longest, len(prompts), last, stops)
    # In float32: of [row, 1, hidden] a mixed product copies the head once for each row, which for 24 rows of
    # Gemma 3 270M is 16 GB, and 6 times as long.
    with torch.inference_mode(), _acting(model, acts), _plain(model.network):
        written = model.network.generate(
            input_ids=ids,
            attention_mask=real,
            generation_config=GenerationConfig(
                max_new_tokens=writing.max_new_tokens,
                do_sample=False,
                num_beams=1,
                repetition_penalty=writing.repetition_penalty,
                use_cache=True,
                pad_token_id=0,
            ),
            stopping_criteria=[ends],
        )
    return [
        _answer(model, row[longest:], tokens, last, stops)
        for row, tokens in zip(written.tolist(), ends.tokens, strict=True)
    ]


def _answer(
    model: LanguageModel, ids: list[int], tokens: int, last: frozenset[int], stops: Sequence[str]
) -> Answer:
    """The answer of a row that ended after so many tokens, or -1."""
    if tokens >= 0:
        ids = ids[:tokens]
        ids = ids[:-1] if ids[-1] in last else ids
    text = decoded(model.tokenizer, ids)
    for stop in stops:
        text = text.partition(stop)[0]
    return Answer(text.strip(), len(ids), tokens >= 0)


@contextmanager
def _acting(model: LanguageModel, acts: Sequence[tuple[Intervention, ...]]) -> Iterator[None]:
    """Every row's interventions: its first, inside that its second, …; nothing where it has fewer."""
    nothing = untouched(model)
    with ExitStack() as stack:
        for own in zip_longest(*acts, fillvalue=nothing):
            several = list({id(act): act for act in own}.values())
            places = {id(act): place for place, act in enumerate(several)}
            stack.enter_context(intervene(model, several)).assign([places[id(act)] for act in own])
        yield


@contextmanager
def _plain(network: Any) -> Iterator[None]:
    """Sets a model's own habits of writing aside (sampling, forbidden words): each model has others."""
    own = network.generation_config
    network.generation_config = GenerationConfig()
    try:
        yield
    finally:
        network.generation_config = own
