"""Languages told apart, among those of a study only."""

import sys

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus
from neuroglot.text.identify import Identifier
from neuroglot.text.questions import questions

COMMONS = Corpus.commons().languages


def test_every_question_of_ours_is_in_its_language():
    identifier = Identifier(COMMONS)
    for question in questions("commons", COMMONS):
        assert identifier.language_of(question.text) == question.language, question


def test_only_a_studys_languages_are_answers():
    assert Identifier(["en", "de", "fr"]).language_of("Wie geht es dir heute?") == "de"
    assert Identifier(["en", "fr"]).language_of("Wie geht es dir heute?") in ("en", "fr")


def test_one_identifier_leaves_another_alone():
    first = Identifier(["en", "de"])
    Identifier(["fr", "vi"])
    assert first.language_of("Wie geht es dir heute?") == "de"


@pytest.mark.parametrize("text", ["", "  \n", "…!?", "12 345"])
def test_nothing_to_tell_by_is_no_language(text):
    assert Identifier(["en", "de"]).language_of(text) == ""


def test_a_studys_own_names():
    assert Identifier(["en", "zh-TW"]).language_of("今天天氣很好。") == "zh-TW"


@pytest.mark.parametrize(
    ("languages", "message"),
    [
        (["en", "xx"], "language identification: unknown language 'xx'"),
        (["en", "vie_Latn"], "language identification: unknown language 'vie_Latn'"),
        (["zh-CN", "zh-TW"], "cannot tell 'zh-CN' from 'zh-TW'"),
    ],
)
def test_languages_that_it_does_not_know(languages, message):
    with pytest.raises(NeuroglotError, match=message):
        Identifier(languages)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(NeuroglotError, match=r"pip install 'neuroglot\[generate\]'"):
        Identifier(["en", "de"])
