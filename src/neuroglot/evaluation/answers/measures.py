"""What is measured of an answer, whoever wrote it."""

from functools import cache
from typing import Any
from unicodedata import category, normalize

from neuroglot.errors import NeuroglotError
from neuroglot.text.scripts import LETTERS, script_of

GRAM = 4
"""Units in a row that make a repeat."""

UNSPACED = ("Han", "Japanese", "Khmer", "Lao", "Myanmar", "Thai")
"""Scripts that are written without spaces between words."""

LONG = 20
"""Characters a "word", on average, that no language has: something is repeated without spaces."""


def repetition(text: str) -> float:
    """Share of the text's 4-grams that were there before: 1 − distinct / all; 0 for a shorter text.

    The units are words; in a text without spaces between them, such as Chinese or Japanese, characters.
    """
    words = text.split()
    joined = "".join(words)
    units = joined if _unspaced(joined, len(words)) else words
    grams = [tuple(units[start : start + GRAM]) for start in range(len(units) - GRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def _unspaced(joined: str, words: int) -> bool:
    if len(joined) > LONG * words:
        return True
    lettered = any(category(letter) in LETTERS for letter in normalize("NFKC", joined))
    return lettered and script_of(joined) in UNSPACED


def chrf(answer: str, reference: str) -> float:
    """ChrF of an answer against another, 0 to 100 (Popović 2015; sacrebleu, extra ``generate``).

    Two empty texts are the same: 100.
    """
    if answer == reference:
        return 100.0
    score: float = _chrf().sentence_score(answer, [reference]).score
    return score


@cache
def _chrf() -> Any:
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise NeuroglotError("chrF needs sacrebleu: pip install 'neuroglot[generate]'") from error
    return CHRF()
