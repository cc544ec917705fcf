"""Which neurons are planted: what opens each, and what it adds to the residual stream.

The stream is cut into blocks, each with a meaning:

    embedding → constant, language, kind and topic of the token    read by the neurons
    attention → context: the language's share of what came         read by the neurons, the comma's first
    neurons   → next language, next kind, next topic               read by the head
    decoys    → unread                                             read by nobody
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from neuroglot.study.known_answer.grammar import CLASSES, COMMA, LANGUAGES, TOPICS, Grammar, topic_after

LAYERS, WIDTH, HIDDEN = 3, 96, 64
SPECIAL = {"pad_token": "<pad>", "eos_token": "<eos>", "bos_token": "<bos>", "unk_token": "<unk>"}

DECOYS = 10
"""A language; half of them write nothing, half of them where nobody reads."""

SIZES = {
    "constant": 1,
    "language": len(LANGUAGES),
    "kind": len(CLASSES) + 1,
    "topic": len(TOPICS),
    "special": len(SPECIAL),
    "context": len(LANGUAGES),
    "next_language": len(LANGUAGES),
    "next_kind": len(CLASSES) + 1,
    "next_topic": len(TOPICS),
    "unread": len(LANGUAGES) * DECOYS // 2,
    "slack": 1,
}
ENDS = np.cumsum(list(SIZES.values())).tolist()
BLOCKS = {name: list(range(end - size, end)) for (name, size), end in zip(SIZES.items(), ENDS, strict=True)}
"""Name → its coordinates of the stream; the few that are left mean nothing."""

FLIP = 0.5
"""The δ of unread decoys."""

OPEN = 0.5
"""By how much the codes that a neuron waits for pass its bar, where a code is 1."""

Reads = Mapping[tuple[str, int], float]
"""(block, which of it) → weight."""


@dataclass(frozen=True)
class Neuron:
    """One planted neuron.

    Attributes:
        kind: specific, rare, shared or decoy.
        layer: Where it lives.
        gate: What opens it.
        bar: How much of that must be there; where it is meant to fire there is about `OPEN` more.
        strength: Its activation where it fires.
        writes: What it then adds to the stream, in all.
        up: What its activation is a multiple of; default: nothing, it is constant.
        language: Which it serves; empty for the shared.
    """

    kind: str
    layer: int
    gate: Reads
    bar: float
    strength: float
    writes: Reads
    up: tuple[str, int] = ("constant", 0)
    language: str = ""


def neurons(grammar: Grammar, dice: np.random.Generator) -> Iterator[Neuron]:
    """All planted neurons, some at every layer."""
    for number, language in enumerate(LANGUAGES):
        yield from _specific(grammar, language, number, dice)
        yield from _rare(grammar, language, number, dice)
        yield from _decoys(language, number, dice)
    yield from _shared(dice)


def _shared(dice: np.random.Generator) -> Iterator[Neuron]:
    """The topic that comes next: two neurons a topic, each for the words of two classes in all languages."""
    for topic in range(len(TOPICS)):
        for half in range(2):
            yield Neuron(
                kind="shared",
                layer=(topic + half) % LAYERS,
                gate={("topic", topic): 1.0, ("kind", 2 * half): 1.0, ("kind", 2 * half + 1): 1.0},
                bar=1.5,
                strength=dice.uniform(0.7, 1.4),
                writes={("next_topic", topic_after(topic)): 1.0},
                up=("topic", topic),
            )


def _specific(grammar: Grammar, language: str, number: int, dice: np.random.Generator) -> Iterator[Neuron]:
    """Word order: a neuron a class, one for the comma. Voice: a neuron a layer that says which language."""
    context = ("context", number)
    for kind in range(len(CLASSES) + 1):
        comma = kind == COMMA
        yield Neuron(
            kind="specific",
            layer=(kind + number) % LAYERS,
            gate={context if comma else ("language", number): 1.0, ("kind", kind): 1.0},
            bar=1.2 if comma else 1.5,
            strength=dice.uniform(0.7, 1.4),
            writes={("next_kind", grammar.kind_after(language, kind)): 1.0},
            up=("kind", kind),
            language=language,
        )
    for layer in range(LAYERS):
        by_word = layer == number % LAYERS
        yield Neuron(
            kind="specific",
            layer=layer,
            gate={("language", number) if by_word else context: 1.0},
            bar=0.5 if by_word else 0.2,
            strength=dice.uniform(0.7, 1.4),
            writes={("next_language", number): 1 / LAYERS},
            up=("language", number) if by_word else ("constant", 0),
            language=language,
        )


def _rare(grammar: Grammar, language: str, number: int, dice: np.random.Generator) -> Iterator[Neuron]:
    """A neuron an idiom: it takes back what the rules say and says what follows instead."""
    for place, (word, after) in enumerate(grammar.idioms[language].items()):
        regular = grammar.regular(language, word, 0)
        yield Neuron(
            kind="rare",
            layer=(place + number) % LAYERS,
            gate={("language", number): 1.0, ("kind", word.kind): 1.0, ("topic", word.topic): 1.0},
            bar=2.5,
            strength=dice.uniform(0.7, 1.4),
            writes={
                ("next_kind", after.kind): 1.0,
                ("next_topic", after.topic): 1.0,
                ("next_kind", regular.kind): -1.0,
                ("next_topic", regular.topic): -1.0,
            },
            up=("language", number),
            language=language,
        )


def _decoys(language: str, number: int, dice: np.random.Generator) -> Iterator[Neuron]:
    """They fire at every word of the language, stronger than anything else, for nothing."""
    for place in range(DECOYS):
        unread = ("unread", number * DECOYS // 2 + place // 2)
        yield Neuron(
            kind="decoy",
            layer=(place + number) % LAYERS,
            gate={("language", number): 1.0},
            bar=0.5,
            strength=dice.uniform(3.0, 5.0),
            writes={} if place % 2 else {unread: FLIP},
            up=("language", number),
            language=language,
        )
