"""Text without sense: the same words in random order (after the task-only control of CULNIG).

Vocabulary and script stay, so a neuron that is chosen on such text too is there for what a language looks
like, and not for syntax or for what a sentence says. Languages that are written without spaces have their
characters shuffled, which breaks their longer words as well: what they share with sets of the real text is a
lower bound.
"""

import re
from dataclasses import replace
from hashlib import sha256
from unicodedata import category

import numpy as np

from neuroglot.text.corpus import Corpus, Document
from neuroglot.text.scripts import HAN, JAPANESE, scripts_of

WITHOUT_SPACES = {HAN, JAPANESE, "Khmer", "Lao", "Myanmar", "Thai", "Tibetan"}
"""The scripts that put no space between words."""

CHARACTER = re.compile(r"[A-Za-z]+|[0-9]+|\s+|.")
"""What is moved as one where there are no spaces: foreign words and numbers stay whole."""


def superficial(corpus: Corpus, seed: int = 0) -> Corpus:
    """The corpus with the words of every sentence in random order.

    Args:
        corpus: The text.
        seed: Of the orders: a draw of its own for each sentence, wherever it stands in the corpus.
    """
    documents = {}
    scripts = scripts_of(corpus)
    for language, own in corpus.documents.items():
        spaced = scripts[language] not in WITHOUT_SPACES
        documents[language] = [
            Document(
                one.id,
                tuple(
                    shuffled(text, spaced, (seed, language, one.id, index))
                    for index, text in enumerate(one.sentences)
                ),
            )
            for one in own
        ]
    return replace(corpus, name=f"{corpus.name}, shuffled", documents=documents)


def shuffled(text: str, spaced: bool, key: tuple[int | str, ...]) -> str:
    """A sentence's words in random order, or its characters where they are written without spaces.

    >>> sorted(shuffled("rain on the roof", True, (0,)).split())
    ['on', 'rain', 'roof', 'the']
    """
    parts = text.split() if spaced else _characters(text)
    seed = int.from_bytes(sha256(repr(key).encode()).digest()[:8], "big")
    order = np.random.default_rng(seed).permutation(len(parts))
    return (" " if spaced else "").join(parts[place] for place in order).strip()


def _characters(text: str) -> list[str]:
    """Characters with the marks that combine with them; runs of Latin letters and of digits."""
    parts: list[str] = []
    for part in CHARACTER.findall(text):
        if parts and category(part[0]).startswith("M"):
            parts[-1] += part
        else:
            parts.append(part)
    return parts
