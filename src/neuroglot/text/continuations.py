"""Multiple choice out of plain text: which of four is the true second half of a sentence?

The other three are second halves of other sentences of the language. In parallel text the same positions are
drawn in every language, so items are matched in content and chance is 25 % everywhere.
"""

from dataclasses import dataclass
from hashlib import sha256

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus

CHOICES = 4


@dataclass(frozen=True)
class Continuation:
    """One item.

    Attributes:
        language: Of its text.
        document: Where the sentence stands.
        sentence: Its index in the document.
        beginning: The first half.
        choices: The true second half and three of other sentences.
        answer: Which is the true one.
    """

    language: str
    document: str
    sentence: int
    beginning: str
    choices: tuple[str, ...]
    answer: int


def continuations(corpus: Corpus, seed: int = 0) -> tuple[Continuation, ...]:
    """An item a sentence, in the corpus's order.

    Raises:
        NeuroglotError: A language has fewer than four sentences that can be halved.
    """
    items = []
    for language in corpus.languages:
        halves = {
            (document.id, index): halved(sentence)
            for document in corpus.documents[language]
            for index, sentence in enumerate(document.sentences)
            if len(sentence.strip()) > 1
        }
        if len(halves) < CHOICES:
            raise NeuroglotError(
                f"continuation choice needs at least {CHOICES} sentences a language; "
                f"{language!r} has {len(halves)} that can be halved"
            )
        for position, (beginning, ending) in halves.items():
            others = sorted(
                (other for other in halves if other != position),
                key=lambda other: _draw(seed, *position, *other),
            )
            answer = _draw(seed, *position)[0] % CHOICES
            choices = [halves[other][1] for other in others[: CHOICES - 1]]
            choices.insert(answer, ending)
            items.append(Continuation(language, *position, beginning, tuple(choices), answer))
    return tuple(items)


def halved(sentence: str) -> tuple[str, str]:
    """The two halves, cut at the space nearest the middle; in scripts without spaces, in the middle.

    >>> halved("rain on the roof")
    ('rain on', 'the roof')
    """
    sentence = sentence.strip()
    middle = len(sentence) / 2
    spaces = [place for place, letter in enumerate(sentence) if letter == " "]
    if not spaces:
        cut = round(middle)
        return sentence[:cut], sentence[cut:]
    cut = min(spaces, key=lambda place: abs(place - middle))
    return sentence[:cut], sentence[cut + 1 :]


def _draw(*key: int | str) -> bytes:
    return sha256(repr(key).encode()).digest()
