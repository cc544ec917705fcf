"""Which script a text is written in, by the names that Unicode gives its letters."""

import re
from collections import Counter
from unicodedata import category, name, normalize

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus

HAN = "Han"
JAPANESE = "Japanese"

KANA_SHARE = 0.1
"""Japanese mixes kana into its ideographs, about half and half; a Chinese text may quote a kana or two."""

LETTERS = ("Lu", "Ll", "Lt", "Lo")
"""Categories. Modifier letters, such as those that lengthen or repeat another, are of no script."""

_REST = re.compile(
    r" (?:CAPITAL|SMALL|LETTER|SYLLABLE|SYLLABICS|CHARACTER|VOWEL|SIGN|LIGATURE|HIEROGLYPH|"
    r"UNIFIED|COMPATIBILITY|IDEOGRAPH)\b"
)
"""What follows the script in the name of a letter: ``LATIN SMALL LETTER A``, ``OLD ITALIC LETTER BE``."""

_NAMED = {"CJK": HAN, "HIRAGANA": JAPANESE, "KATAKANA": JAPANESE, "CANADIAN": "Canadian Aboriginal"}
"""Where what comes before is not what the script is called."""


def script_of(text: str) -> str:
    """The script of most letters of a text, as ISO 15924 calls it: ``Latin``, ``Cyrillic``, ``Devanagari``.

    Han and kana together are ``Japanese`` where at least a tenth of them is kana, else ``Han``. Digits,
    punctuation and marks are of no script; compatibility forms (full width, mathematical) count as what they
    stand for.

    >>> script_of("Mưa rơi."), script_of("雨が降る。"), script_of("下雨了。")
    ('Latin', 'Japanese', 'Han')

    Raises:
        NeuroglotError: There is no letter in the text.
    """
    scripts: Counter[str] = Counter()
    for letter, count in Counter(normalize("NFKC", text)).items():
        if category(letter) in LETTERS:
            script = _REST.split(name(letter), maxsplit=1)[0]
            scripts[_NAMED.get(script, script.title())] += count
    if not scripts:
        raise NeuroglotError(f"there is no letter in {text[:40]!r}, so it is in no script")
    kana, both = scripts[JAPANESE], scripts[JAPANESE] + scripts[HAN]
    del scripts[HAN], scripts[JAPANESE]
    if both:
        scripts[JAPANESE if kana >= KANA_SHARE * both else HAN] = both
    return scripts.most_common(1)[0][0]


def scripts_of(corpus: Corpus) -> dict[str, str]:
    """Language → the script of its text."""
    return {
        language: script_of(" ".join(sentence for one in documents for sentence in one.sentences))
        for language, documents in corpus.documents.items()
    }
