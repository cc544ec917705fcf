"""What a study would take, said without doing it: its tokens counted, its products, a machine's speed.

A model that fits here is timed on a few tokens here. For one that does not, a GPU is assumed, and said: its
numbers are a data sheet's at the share of the peak that such work reaches.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from neuroglot.attribution.scores import SCORES
from neuroglot.errors import NeuroglotError
from neuroglot.model.language_model import LanguageModel
from neuroglot.model.loading import BUNDLED, load_tokenizer
from neuroglot.model.size import Size, size_of
from neuroglot.study.config import Study
from neuroglot.study.executors.estimate import room
from neuroglot.study.plan import controlled
from neuroglot.text.corpus import Corpus

BYTES_A_TOKEN = 3.5
"""Of text whose tokenizer is not to be had."""

ITEM_TOKENS = 120
"""Tokens read an item of a benchmark: two to four choices behind a short context."""

PROMPT_TOKENS = 40

TRIED = 256
"""Tokens that a model that fits here is timed on."""

GIGABYTE = 1e9


@dataclass(frozen=True)
class Machine:
    """What work is done on.

    Attributes:
        name: For people, with *measured* or *assumed*.
        products: Multiplications and additions a second (flop/s) of large products.
        bandwidth: Bytes a second from memory, which bounds writing a token at a time.
        room: Bytes of memory; 0 where the system does not tell.
    """

    name: str
    products: float
    bandwidth: float
    room: float


ASSUMED = Machine("one GPU of 80 GB (assumed: 120 Tflop/s reached, 1.5 TB/s)", 120e12, 1.5e12, 80 * GIGABYTE)


@dataclass(frozen=True)
class Part:
    """One part of a study.

    Attributes:
        name: A stage, or a task.
        tokens: Read, or written, over all masks and models.
        seconds: That this takes.
    """

    name: str
    tokens: int
    seconds: float


@dataclass(frozen=True)
class Expected:
    """All of it.

    Attributes:
        size: Of the model.
        machine: On which.
        parts: In the order of the run.
        memory: Bytes at most: weights, and a batch.
    """

    size: Size
    machine: Machine
    parts: list[Part]
    memory: float

    @property
    def seconds(self) -> float:
        """Of everything."""
        return sum(part.seconds for part in self.parts)


def expected(study: Study) -> Expected:
    """What `neuroglot run` would take for a study, and how much memory.

    Raises:
        NeuroglotError: There is no text, or nothing says how large the model is.
    """
    size = size_of(study.model, revision=study.revision, trust_remote_code=study.trust_remote_code)
    wide = torch.finfo(getattr(torch, study.dtype)).bits // 8
    weights = (size.body + size.head) * wide
    here = study.model in BUNDLED or Path(study.model).is_dir()
    fits = here and weights < (room(torch.device("cpu")) or 0) / 2
    machine = _measured(study, size) if fits else ASSUMED
    parts = list(_parts(study, size, machine, wide))
    batch = 0 if study.generation is None else study.generation.batch
    written = 0 if study.generation is None else _written(study)
    # Activations of a batch in training shape, once a pass; keys and values of a batch that writes.
    memory = 1.25 * weights + 2 * GIGABYTE + size.cache * wide * batch * (written + PROMPT_TOKENS)
    return Expected(size, machine, parts, memory)


def _parts(study: Study, size: Size, machine: Machine, wide: int) -> Iterator[Part]:
    body, head = 2 * size.body / machine.products, 2 * size.head / machine.products
    texts = study.text.parts(study.seed)
    tokens = {name: _tokens(study, text) for name, text in texts.items()}
    count = _masks(study)
    backward = _passes(study)
    # There and back without weight gradients is twice the body, and the head's slope is a second product.
    yield Part("score", tokens["identify"], backward * tokens["identify"] * 2 * (body + head))
    yield Part("ablate", count * tokens["report"], count * tokens["report"] * (body + head))
    few = _few(study)
    if study.chat is not None:
        few += _few(study, random=False)
    if study.benchmarks:
        tasks = {task for panel in study.benchmarks.panels.values() for task in panel.values()}
        read = few * len(tasks) * study.benchmarks.limit * ITEM_TOKENS
        yield Part("benchmarks", read, read * body)
    if study.generation:
        answers = few * len(study.text.languages) * (study.generation.count or 24)
        yield _writing("generation", answers, _written(study), study.generation.batch, size, machine, wide)
    if study.steering:
        own = study.steering
        pairs = len(own.pairs or study.text.languages)
        ways = 2 + len(own.diffmean) + 2 * (len(own.enhance) + len(own.add) + own.replace)
        answers = pairs * ways * own.questions
        yield _writing("steering", answers, own.max_new_tokens, 32, size, machine, wide)


def _writing(
    name: str, answers: int, length: int, batch: int, size: Size, machine: Machine, wide: int
) -> Part:
    """A token of every answer of a batch: its products, or all weights read once, whichever takes longer."""
    every = size.body + size.head
    step = max(2 * every * batch / machine.products, every * wide / machine.bandwidth)
    return Part(name, answers * length, answers / batch * length * step)


def _written(study: Study) -> int:
    assert study.generation is not None
    return min(study.generation.max_new_tokens, study.generation.context - PROMPT_TOKENS)


def _masks(study: Study) -> int:
    """All of the run."""
    languages = len(study.text.languages)
    own = sum(len(study.acting_on(recipe.name)) for recipe in study.recipes)
    matched = study.controls.matched * sum(controlled(study, recipe.name) for recipe in study.recipes)
    return 2 + study.controls.uniform + languages * (own + matched)


def _few(study: Study, *, random: bool = True) -> int:
    """Those that a model's tasks are tried under: of random sets the first, if any."""
    languages = len(study.text.languages)
    own = sum(len(study.acting_on(recipe.name)) for recipe in study.recipes)
    if not random:
        return 2 + languages * own
    controls = min(1, study.controls.matched)
    matched = controls * sum(controlled(study, recipe.name) for recipe in study.recipes)
    return 2 + min(1, study.controls.uniform) + languages * (own + matched)


def _passes(study: Study) -> int:
    """Passes over the identification text: plain scores of one objective share one."""
    plain, own = set(), 0
    for recipe in study.recipes:
        score = SCORES[recipe.score.name]
        if score.sweep is None and score.around is None:
            plain.add(recipe.objective.key)
        else:
            options = recipe.score.options
            own += int(options.get("steps", options.get("copies", 1)))
    return max(1, len(plain)) + own


def _tokens(study: Study, text: Corpus) -> int:
    sentences = text.every_sentence
    try:
        tokenizer = load_tokenizer(
            study.model, revision=study.revision, trust_remote_code=study.trust_remote_code
        )
    except NeuroglotError:
        return round(sum(len(sentence.encode()) for sentence in sentences) / BYTES_A_TOKEN)
    return sum(map(len, tokenizer(sentences, add_special_tokens=False)["input_ids"]))


def _measured(study: Study, size: Size) -> Machine:
    """This machine, with the model itself."""
    model = LanguageModel.load(**study.loading, device=study.device)
    ids = torch.arange(1, 65, device=model.device).repeat(TRIED // 64, 1)
    with torch.inference_mode():
        with model.products():
            model.body(ids)
            began = time.perf_counter()
            model.body(ids)
            read = time.perf_counter() - began
        model.body(ids[:1, :1])
        began = time.perf_counter()
        model.body(ids[:1, :1])  # answers are written in float32
        written = time.perf_counter() - began
    wide = torch.finfo(model.network.dtype).bits // 8
    return Machine(
        f"this machine (measured on {model.device.type})",
        2 * size.body * TRIED / read,
        size.body * wide / written,
        float(room(model.device) or 0),
    )
