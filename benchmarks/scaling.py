"""Time a token and memory as corpus, vocabulary and number of scores grow: all should stay flat."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from time import perf_counter
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, Gemma3TextConfig

import measure as timing
from harness import Aim, Part
from neuroglot.attribution.engine import score_samples
from neuroglot.model.language_model import LanguageModel
from neuroglot.statistics.moments import summarise
from neuroglot.statistics.quantity import Quantity
from neuroglot.text.samples import Sample
from workloads import GRAD_ACT, Bench, all_quantities, mixed

SHORT, LONG = 1_000, 10_000
VOCABULARIES = 32_768, 262_144
ROWS, LENGTH = 16, 32
POSITIONS = ROWS * (LENGTH - 1)
"""Predicted positions of the batch that the vocabularies are tried on."""


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """The time once a round, short and long in turn; each memory once, in a process of its own."""
    seconds: dict[str, list[float]] = {f"{SHORT} tokens": [], f"{LONG} tokens": []}
    for number in range(rounds):
        for count in (SHORT, LONG) if number == 0 else (SHORT,):
            say(f"round {number + 1}: {count} tokens")
            start = perf_counter()
            with mixed(bench.model):
                stream(bench.model, repeated(bench.batch.samples, count), [GRAD_ACT])
            seconds[f"{count} tokens"].append(perf_counter() - start)
    short, long = (min(seconds[f"{count} tokens"]) / count for count in (SHORT, LONG))
    say("memory: corpus")
    name, samples = bench.model.name, bench.batch.samples
    corpus = [in_fresh_process(corpus_memory, name, repeated(samples, count)) for count in (SHORT, LONG // 2)]
    say("memory: scores")
    few = in_fresh_process(scores_memory, name, samples, [GRAD_ACT])
    many = in_fresh_process(scores_memory, name, samples, all_quantities())
    room = 4 * (len(all_quantities()) - 1) * len(samples) * bench.model.layers * bench.model.site("mlp").width
    say("memory: vocabulary")
    vocabulary = [in_fresh_process(vocabulary_memory, size) for size in VOCABULARIES]
    return Part(
        "scaling",
        seconds,
        [
            Aim(f"time a token at {LONG} tokens ≤ 1.1 × at {SHORT}", long / short, 1.1),
            Aim(f"peak at {LONG // 2} tokens, streamed ≤ 1.1 × at {SHORT}", corpus[1] / corpus[0], 1.1),
            Aim("peak, all scores less their results ≤ 1.1 × one score", (many - room) / few, 1.1),
            Aim(
                "memory that more words take ≤ 0.1 × what their logits would",
                (vocabulary[1] - vocabulary[0]) / (4 * POSITIONS * (VOCABULARIES[1] - VOCABULARIES[0])),
                0.1,
            ),
        ],
        {
            f"GB at most, {SHORT} tokens": corpus[0] / 1e9,
            f"GB at most, {LONG // 2} tokens": corpus[1] / 1e9,
            "GB at most, one score": few / 1e9,
            "GB at most, all scores": many / 1e9,
            "GB of which are all scores' results": room / 1e9,
            **{
                f"GB above the model, {size} words": peak / 1e9
                for size, peak in zip(VOCABULARIES, vocabulary, strict=True)
            },
        },
        ["the corpus is the batch over and over, in mixed precision; each batch is summarised"],
    )


def repeated(samples: Sequence[Sample], tokens: int) -> list[Sample]:
    """The samples over and over, as other sentences, until there are so many tokens."""
    found: list[Sample] = []
    while tokens > 0:
        one = replace(samples[len(found) % len(samples)], sentence=len(found))
        found.append(one)
        tokens -= one.tokens
    return found


def stream(model: LanguageModel, samples: Sequence[Sample], quantities: Sequence[Quantity]) -> None:
    """A streaming pass: scores a batch, keeps its summary."""
    for start in range(0, len(samples), 18):
        summarise(score_samples(model, samples[start : start + 18], quantities))


def in_fresh_process(work: Callable[..., float], *arguments: Any) -> float:
    """Does it where nothing else has taken memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(partial(work, *arguments)).result()


def corpus_memory(name: str, samples: Sequence[Sample]) -> float:
    """Peak of a streaming pass, bytes."""
    stream(LanguageModel.load(name, device="cpu"), samples, [GRAD_ACT])
    return timing.status("VmHWM")


def scores_memory(name: str, samples: Sequence[Sample], quantities: Sequence[Quantity]) -> float:
    """Peak of one batch, bytes."""
    score_samples(LanguageModel.load(name, device="cpu"), samples, quantities)
    return timing.status("VmHWM")


def vocabulary_memory(words: int) -> float:
    """What a batch takes above a random model of two layers with so many words, bytes."""
    config = Gemma3TextConfig(vocab_size=words, num_hidden_layers=2, hidden_size=640, intermediate_size=2048)
    network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model = LanguageModel(network, None, "random")
    ids = np.random.default_rng(0).integers(3, words, size=(ROWS, LENGTH)).tolist()
    samples = [Sample("en", "d", number, tuple(row), 32, 32) for number, row in enumerate(ids)]
    timing.forget_peak()
    loaded = timing.status("VmRSS")
    score_samples(model, samples, [GRAD_ACT])
    return timing.status("VmHWM") - loaded
