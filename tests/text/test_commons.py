"""The bundled corpus: aligned, in its script, in its language, of plausible lengths."""

import re
import unicodedata
from itertools import combinations

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from neuroglot.text.corpus import Corpus

LANGUAGES = ("en", "zh", "vi", "fr", "de", "es", "ru", "ja", "ko", "ar", "hi", "sw")
SCRIPTS = {
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL",),
    "ru": ("CYRILLIC",),
    "ar": ("ARABIC",),
    "hi": ("DEVANAGARI",),
}
# Characters for one English character, over the whole corpus; a missing clause or a doubled sentence shows.
RATIOS = {"zh": (0.2, 0.45), "ja": (0.3, 0.6), "ko": (0.35, 0.7), "ar": (0.6, 1.1)}


@pytest.fixture(scope="module")
def commons():
    return Corpus.commons()


def sentences(corpus, language):
    return [sentence for document in corpus.documents[language] for sentence in document.sentences]


def test_it_is_parallel_and_large_enough(commons):
    assert set(commons.languages) == set(LANGUAGES)
    assert commons.parallel
    assert commons.license == "CC0-1.0"
    for language in LANGUAGES:
        assert len(commons.documents[language]) == 24
        assert commons.sentences(language) >= 120
        assert [d.id for d in commons.documents[language]] == [d.id for d in commons.documents["en"]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_clean_and_distinct(commons, language):
    own = sentences(commons, language)
    assert len(set(own)) == len(own)
    for sentence in own:
        assert sentence == unicodedata.normalize("NFC", sentence.strip())
        assert re.search(r"[.!?。！？।؟…»”\"」]$", sentence), sentence


def test_no_two_languages_share_a_sentence(commons):
    for one, two in combinations(LANGUAGES, 2):
        assert not set(sentences(commons, one)) & set(sentences(commons, two)), (one, two)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_is_of_the_script(commons, language):
    allowed = SCRIPTS.get(language, ("LATIN",))
    letters = {
        c for sentence in sentences(commons, language) for c in sentence if c.isalpha() and c not in "ー々"
    }
    assert {c for c in letters if not unicodedata.name(c).startswith(allowed)} == set()


def test_every_sentence_is_identified_as_its_language(commons):
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))
    wrong = [
        (language, sentence)
        for language in LANGUAGES
        for sentence in sentences(commons, language)
        if identifier.classify(sentence)[0] != language
    ]
    assert wrong == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_lengths_are_those_of_a_translation(commons, language):
    pairs = list(zip(sentences(commons, language), sentences(commons, "en"), strict=True))
    low, high = RATIOS.get(language, (0.8, 1.4))
    assert low < sum(len(own) for own, _ in pairs) / sum(len(english) for _, english in pairs) < high
    for own, english in pairs:
        assert low / 1.6 < len(own) / len(english) < high * 1.6, (own, english)
