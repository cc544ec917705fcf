"""Multiple choice out of plain text: which of four is the true second half of a sentence?

The other three are second halves of other sentences of the language. In parallel text the same positions are
drawn in every language, so items are matched in content and chance is 25 % everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus, Position

CHOICES = 4


@dataclass(frozen=True)
class Continuation:
    """One item.

    Attributes:
        language: Of its text.
        document: Where the sentence stands.
        sentence: Its index in the document.
        beginning: The first half.
        choices: The true second half and three of other sentences; no two are the same text.
        answer: Which is the true one.
        joint: What stands between the halves: a space, or nothing in scripts without.
    """

    language: str
    document: str
    sentence: int
    beginning: str
    choices: tuple[str, ...]
    answer: int
    joint: str


def continuations(corpus: Corpus, seed: int = 0) -> tuple[Continuation, ...]:
    """An item a sentence, in the corpus's order.

    A sentence whose ending repeats one that the item has already is passed over in the draw, and one that
    cannot be halved is left out: in parallel text in all languages at once, so that items stay matched.

    Raises:
        NeuroglotError: A language has fewer than four sentences that can be halved, or too few endings that
            differ.
    """
    halves = {language: _halves(corpus, language) for language in corpus.languages}
    groups = [corpus.languages] if corpus.parallel else [(language,) for language in corpus.languages]
    items = []
    for group in groups:
        places = [place for place in halves[group[0]] if all(place in halves[name] for name in group)]
        endings = {place: tuple(halves[name][place][1] for name in group) for place in places}
        drawn = {place: _others(endings, place, seed) for place in places}
        for language in group:
            for place, others in drawn.items():
                if len(others) < CHOICES - 1:
                    raise NeuroglotError(
                        f"continuation choice needs {CHOICES} endings that differ, not {len(others) + 1}",
                        f"{language}, document {place[0]!r}, sentence {place[1] + 1}",
                    )
                beginning, ending, joint = halves[language][place]
                answer = _draw(seed, *place)[0] % CHOICES
                choices = [halves[language][other][1] for other in others]
                choices.insert(answer, ending)
                items.append(Continuation(language, *place, beginning, tuple(choices), answer, joint))
    return tuple(items)


def _halves(corpus: Corpus, language: str) -> dict[Position, tuple[str, str, str]]:
    """Where each sentence stands → its halves, and what stands between them."""
    found = {}
    for document in corpus.documents[language]:
        for index, sentence in enumerate(document.sentences):
            if len(sentence.strip()) > 1:
                beginning, ending = halved(sentence)
                joint = "" if beginning + ending == sentence.strip() else " "
                found[document.id, index] = beginning, ending, joint
    if len(found) < CHOICES:
        raise NeuroglotError(
            f"continuation choice needs at least {CHOICES} sentences a language; "
            f"{language!r} has {len(found)} that can be halved"
        )
    return found


def _others(endings: Mapping[Position, tuple[str, ...]], place: Position, seed: int) -> list[Position]:
    """Three other sentences in the order of their draws, no two endings alike in any language."""
    kept = [place]
    for other in sorted(endings, key=lambda other: _draw(seed, *place, *other)):
        alike = (one == two for of in kept for one, two in zip(endings[of], endings[other], strict=True))
        if len(kept) < CHOICES and not any(alike):
            kept.append(other)
    return kept[1:]


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
