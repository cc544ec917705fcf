"""Four endings, one true: halves by hand, draws that depend on nothing but their key, matched content."""

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text.continuations import continuations, halved
from neuroglot.text.corpus import Corpus, Document


def corpus_of(**texts) -> Corpus:
    documents = {name: [Document(f"d{n}", own) for n, own in enumerate(of)] for name, of in texts.items()}
    return Corpus("c", documents, parallel=True)


EN = [("rain on the roof", "bread and salt"), ("a lamp in the hall", "cold river stones", "we went home")]
ZH = [("屋顶上的雨声", "面包和盐"), ("大厅里的一盏灯", "冰冷的河石", "我们回家了")]


@pytest.mark.parametrize(
    ("sentence", "halves"),
    [
        ("rain on the roof", ("rain on", "the roof")),
        ("bread and salt", ("bread", "and salt")),  # of two equally near, the first
        ("a remarkable", ("a", "remarkable")),
        ("屋顶上的雨声", ("屋顶上", "的雨声")),
        ("面包盐", ("面包", "盐")),
        ("ab", ("a", "b")),
        ("  rain on the roof ", ("rain on", "the roof")),
        ("word ", ("wo", "rd")),
    ],
)
def test_halves(sentence, halves):
    assert halved(sentence) == halves


def test_an_item_a_sentence_with_the_true_ending_where_it_says():
    corpus = corpus_of(en=EN, zh=ZH)
    items = continuations(corpus)
    places = [(item.language, item.document, item.sentence) for item in items]
    assert places == [
        (language, f"d{n}", index)
        for language, of in (("en", EN), ("zh", ZH))
        for n, own in enumerate(of)
        for index in range(len(own))
    ]
    texts = {
        (language, document.id, index): text
        for language in corpus.languages
        for document in corpus.documents[language]
        for index, text in enumerate(document.sentences)
    }
    endings = {place: halved(text)[1] for place, text in texts.items()}
    for place, item in zip(places, items, strict=True):
        assert (item.beginning, item.choices[item.answer]) == halved(texts[place])
        wrong = [text for number, text in enumerate(item.choices) if number != item.answer]
        others = {ending for other, ending in endings.items() if other[0] == place[0] and other != place}
        assert len(set(wrong)) == 3
        assert set(wrong) <= others, "endings of other sentences of the language"


def test_items_of_parallel_text_are_matched_in_content():
    """The same positions are drawn and the true one stands in the same place, in every language."""
    items = continuations(corpus_of(en=EN, zh=ZH))
    ending = {"en": {}, "zh": {}}
    for item in items:
        ending[item.language][item.choices[item.answer]] = (item.document, item.sentence)
    for en, zh in zip(items[:5], items[5:], strict=True):
        assert en.answer == zh.answer
        assert [ending["en"][text] for text in en.choices] == [ending["zh"][text] for text in zh.choices]


def test_a_draw_depends_on_its_key_alone():
    both, alone = continuations(corpus_of(en=EN, zh=ZH)), continuations(corpus_of(zh=ZH))
    assert both[5:] == alone
    assert continuations(corpus_of(zh=ZH), seed=1) != alone


TWICE = {
    "en": ["we saw the sea", "they like the sea", "a lamp in the hall", "cold river stones", "you went home"],
    "fr": ["on a vu la mer", "ils aiment la mer", "une lampe ici", "des pierres froides", "il rentre ici"],
}
"""Two English endings are the same, and so are two pairs of French ones."""


@pytest.mark.parametrize("seed", range(5))
def test_no_two_choices_are_the_same_text(seed):
    more = {name: [*own, *(f"word {name}{n}" for n in range(3))] for name, own in TWICE.items()}
    for item in continuations(corpus_of(**{name: [tuple(own)] for name, own in more.items()}), seed):
        assert len(set(item.choices)) == 4


def test_what_is_passed_over_is_so_in_all_languages():
    more = {name: [*own, *(f"word {name}{n}" for n in range(3))] for name, own in TWICE.items()}
    for seed in range(5):
        items = continuations(corpus_of(**{name: [tuple(own)] for name, own in more.items()}), seed)
        for en, fr in zip(items[:8], items[8:], strict=True):
            assert (en.sentence, en.answer) == (fr.sentence, fr.answer)
            for one, two in zip(en.choices, fr.choices, strict=True):
                places = [
                    {n for n, text in enumerate(more[name]) if halved(text)[1] == choice}
                    for name, choice in (("en", one), ("fr", two))
                ]
                assert places[0] & places[1]


def test_too_few_endings_that_differ():
    with pytest.raises(
        NeuroglotError, match=r"en, document 'd0', sentence 1: .* 4 endings that differ, not 3"
    ):
        continuations(corpus_of(en=[tuple(TWICE["en"][:4])]))


def test_what_stands_between_the_halves():
    items = continuations(corpus_of(en=EN, zh=ZH))
    assert {(item.language, item.joint) for item in items} == {("en", " "), ("zh", "")}


def test_every_letter_is_the_answer_about_as_often():
    many = corpus_of(en=[tuple(f"word{n} is number {m}" for m in range(10)) for n in range(40)])
    items = continuations(many)
    counts = [sum(item.answer == letter for item in items) for letter in range(4)]
    assert min(counts) > 70, counts


@pytest.mark.parametrize(
    "texts",
    [
        [("a b", "c d", "e f")],
        [("a b", "c d", "e f", "x")],
        [("a b", "c d", "e f", " x ")],
    ],
)
def test_too_few_sentences_to_choose_from(texts):
    with pytest.raises(NeuroglotError, match="at least 4 sentences a language; 'en' has 3 that can"):
        continuations(corpus_of(en=texts))
