"""Text without sense keeps its words or characters and loses their order."""

from neuroglot.text import Corpus, Document
from neuroglot.text.superficial import shuffled, superficial

EN = "the rain fell on the roof and the river rose until morning"
ZH = "NASA在2019年说下雨了，河水上涨到早晨。"
TH = "ฝนตกบนหลังคาและแม่น้ำก็สูงขึ้นจนถึงเช้า"


def corpus(*languages: str) -> Corpus:
    texts = {"en": (EN, EN), "zh": (ZH, ZH), "th": (TH, TH)}
    return Corpus("test", {name: [Document("a", texts[name])] for name in languages}, parallel=True)


def test_words_stay_and_their_order_goes():
    one, two = superficial(corpus("en", "zh")).documents["en"][0].sentences
    assert sorted(one.split()) == sorted(EN.split())
    assert one != EN
    assert one != two  # each sentence has an order of its own, whatever its text


def test_without_spaces_characters_are_moved_and_foreign_words_stay_whole():
    (one, _) = superficial(corpus("en", "zh")).documents["zh"][0].sentences
    assert sorted(one) == sorted(ZH)
    assert one != ZH
    assert "NASA" in one
    assert "2019" in one


def test_marks_stay_on_their_letters():
    (one, _) = superficial(corpus("th")).documents["th"][0].sentences
    assert sorted(one) == sorted(TH)
    assert one != TH
    for pair in ("ฝ", "ลั", "ม่", "น้", "สู", "ขึ้", "ถึ", "ช้"):
        assert pair in one


def test_a_draw_depends_on_seed_and_place_alone():
    both, alone = superficial(corpus("en", "zh"), 3), superficial(corpus("zh"), 3)
    assert both.documents["zh"] == alone.documents["zh"]
    assert both.parallel
    assert superficial(corpus("zh"), 4).documents["zh"] != alone.documents["zh"]
    assert shuffled("rain", True, (0,)) == "rain"
