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
