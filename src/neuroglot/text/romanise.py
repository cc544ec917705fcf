"""Text of other scripts in Latin letters: does a neuron set follow the language, or its script (METHODS §7)?

The letters come from the universal romaniser uroman (extra ``romanise``): Ulf Hermjakob, Jonathan May and
Kevin Knight, "Out-of-the-box Universal Romanization Tool uroman", ACL 2018, System Demonstrations.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any
from unicodedata import normalize

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus, Document, checked_languages
from neuroglot.text.scripts import scripts_of

LATIN = "Latin"

OWN_RULES = {
    **{
        "ar": "ara",
        "as": "asm",
        "be": "bel",
        "bg": "bul",
        "bn": "ben",
        "el": "ell",
        "fa": "fas",
        "gu": "guj",
    },
    **{
        "kk": "kaz",
        "ks": "kas",
        "ky": "kir",
        "mk": "mkd",
        "os": "oss",
        "pa": "pan",
        "ps": "pus",
        "ru": "rus",
    },
    **{"sa": "san", "sr": "srp", "ug": "uig", "uk": "ukr", "yi": "yid"},
}
"""ISO 639-1 → 639-3 of the languages that uroman has rules for; its general ones do for the others."""


def romanised(corpus: Corpus, languages: Sequence[str] | None = None) -> Corpus:
    """The corpus with the text of some languages in Latin letters; the others stay as they are.

    Args:
        corpus: The text.
        languages: Which to romanise; default: all that are not written in Latin letters.

    Raises:
        NeuroglotError: A language that is in Latin letters already, one that uroman cannot romanise, no other
            script at all, or no uroman.
    """
    before = scripts_of(corpus)
    wanted = romanisable(corpus) if languages is None else languages
    for language in checked_languages(wanted, corpus.languages, f"corpus {corpus.name!r}"):
        if before[language] == LATIN:
            raise NeuroglotError(
                f"{language!r} has no other script to be romanised from: it is in Latin letters"
            )
    documents = {
        language: [_romanised(document, language) if language in wanted else document for document in own]
        for language, own in corpus.documents.items()
    }
    found = replace(corpus, name=f"{corpus.name}, romanised", documents=documents)
    after = scripts_of(found)
    for language in wanted:
        if after[language] != LATIN:
            raise NeuroglotError(
                f"{language!r} cannot be romanised: "
                f"its {before[language]} text is {after[language]} afterwards"
            )
    return found


def romanisable(corpus: Corpus) -> tuple[str, ...]:
    """The languages of a corpus that are not written in Latin letters.

    Raises:
        NeuroglotError: There is none.
    """
    found = tuple(language for language, script in scripts_of(corpus).items() if script != LATIN)
    if not found:
        languages = ", ".join(corpus.languages)
        raise NeuroglotError(f"nothing to romanise: {languages} have no other script to be romanised from")
    return found


def check_romaniser() -> None:
    """Refuses a machine without uroman, without the seconds that loading it takes.

    Raises:
        NeuroglotError: It is not installed.
    """
    if find_spec("uroman") is None:
        raise NeuroglotError("romanised text needs uroman: pip install 'neuroglot[romanise]'")


def _romanised(document: Document, language: str) -> Document:
    return Document(document.id, tuple(_letters(text, language, document.id) for text in document.sentences))


def _letters(text: str, language: str, document: str) -> str:
    code = language.replace("_", "-").partition("-")[0]
    found = normalize("NFC", _uroman().romanize_string(text, lcode=OWN_RULES.get(code, code)).strip())
    if not found:
        raise NeuroglotError(f"nothing is left of {text!r} when it is romanised", f"{language}, {document!r}")
    return found


@cache
def _uroman() -> Any:
    check_romaniser()
    from uroman import Uroman

    return Uroman()
