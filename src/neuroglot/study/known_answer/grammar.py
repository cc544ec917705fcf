"""Four languages that say the same things with other vowels, in another order, and with idioms of their own.

1. A word is class + vowel + topic: ``bal``, ``bel``, ``bil``, ``bol`` are one word in four languages. Only
   the comma is written alike in all of them.
2. A clause has one word of every class. The order of the classes is the language's own; a comma follows the
   last, and then the first class again.
3. The topic moves on by one with every word, in every language alike; after a comma it is anew.
4. Idioms: a few words of a language are followed by a word of its own choosing, against 2 and 3.
5. One word in twelve is a slip, drawn at random, so that nothing is certain.

The draws do not depend on the language: sentence i of document d says the same in all four, but for idioms.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neuroglot.text.corpus import Corpus, Document

VOWELS = {"aa": "a", "ee": "e", "ii": "i", "oo": "o"}
LANGUAGES = tuple(VOWELS)
CLASSES = "bdgk"
TOPICS = "lmnrst"

COMMA = len(CLASSES)
"""The class of the comma, which has no language and no topic."""

ORDERS = ((0, 1, 2, 3), (1, 3, 0, 2), (2, 0, 3, 1), (3, 2, 1, 0))
"""A Latin square in which every pair of neighbours stands once (Williams 1949)."""

SLIP = 0.08
"""How often a word is drawn at random."""

LENGTHS = (9, 16)
"""Tokens a sentence: from, to (exclusive)."""

DOCUMENTS = 64
SENTENCES = 2


class Word(NamedTuple):
    """A class and a topic; the language is known where it is used."""

    kind: int
    topic: int

    def written(self, language: str) -> str:
        """As it stands in the text."""
        return "," if self.kind == COMMA else CLASSES[self.kind] + VOWELS[language] + TOPICS[self.topic]


@dataclass(frozen=True)
class Grammar:
    """What follows what.

    Attributes:
        orders: Language → the classes in the order of its clauses.
        idioms: Language → word → what follows it against the rules.
    """

    orders: Mapping[str, Sequence[int]]
    idioms: Mapping[str, Mapping[Word, Word]]

    @classmethod
    def drawn(cls, dice: np.random.Generator) -> "Grammar":
        """Orders in which no two languages agree on what follows any class, and idioms that skip a class."""
        orders = dict(zip(LANGUAGES, dice.permutation(ORDERS).tolist(), strict=True))
        idioms = {}
        for language, order in orders.items():
            first = int(dice.integers(len(TOPICS)))
            # Spread so that every clause meets one at most, and a third of them none.
            places = [(0, first), (0, first + 3), (1, first + 2), (1, first + 5)]
            idioms[language] = {
                Word(order[place], topic % len(TOPICS)): Word(order[place + 2], (topic + 3) % len(TOPICS))
                for place, topic in places
            }
        return cls(orders, idioms)

    def kind_after(self, language: str, kind: int) -> int:
        """The class that follows a class, the comma's being `COMMA`."""
        cycle = (*self.orders[language], COMMA)
        return cycle[(cycle.index(kind) + 1) % len(cycle)]

    def regular(self, language: str, word: Word, fresh: int) -> Word:
        """What follows by the rules; after a comma the topic is ``fresh``."""
        return Word(
            self.kind_after(language, word.kind), fresh if word.kind == COMMA else topic_after(word.topic)
        )

    def sentence(self, language: str, seed: tuple[int, ...]) -> str:
        """One sentence; the same seed says the same in every language."""
        dice = np.random.default_rng(seed)
        order, words = self.orders[language], list[Word]()
        for _ in range(dice.integers(*LENGTHS)):
            slip, (place, topic) = dice.random() < SLIP, dice.integers((len(CLASSES), len(TOPICS))).tolist()
            if not words:
                word = Word(order[0], topic)
            elif slip:
                word = Word(order[place], topic)
            else:
                idiom = self.idioms[language].get(words[-1])
                word = idiom or self.regular(language, words[-1], topic)
            words.append(word)
        return " ".join(word.written(language) for word in words)

    def corpus(self, seed: int) -> Corpus:
        """Documents of a few sentences, no sentence twice."""
        documents: dict[str, list[Document]] = {language: [] for language in LANGUAGES}
        met: set[str] = set()
        for number in range(DOCUMENTS):
            rows = []
            for index in range(SENTENCES):
                rows.append(next(row for row in self._attempts((seed, number, index)) if met.isdisjoint(row)))
                met.update(rows[-1])
            for language, sentences in zip(LANGUAGES, zip(*rows, strict=True), strict=True):
                documents[language].append(Document(f"{number:02}", sentences))
        return Corpus("known answer", documents, parallel=True)

    def _attempts(self, seed: tuple[int, ...]) -> Iterator[list[str]]:
        """The same sentence in all languages, and another if that will not do."""
        attempt = 0
        while True:
            yield [self.sentence(language, (*seed, attempt)) for language in LANGUAGES]
            attempt += 1


def topic_after(topic: int) -> int:
    """The topic of the next word, in every language."""
    return (topic + 1) % len(TOPICS)


def vocabulary() -> list[str]:
    """Every word of every language, and the comma."""
    words = [Word(kind, topic) for kind in range(len(CLASSES)) for topic in range(len(TOPICS))]
    return [",", *(word.written(language) for language in LANGUAGES for word in words)]
