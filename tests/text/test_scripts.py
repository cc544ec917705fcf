"""The script of a text."""

import unicodedata

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text.corpus import Corpus, Document
from neuroglot.text.scripts import script_of, scripts_of

TEXTS = {
    "Latin": "Trời đang mưa. Ça pleut à 7 heures!",
    "Cyrillic": "Идёт дождь.",
    "Greek": "Βρέχει σήμερα.",
    "Arabic": "إنها تمطر اليوم.",
    "Hebrew": "יורד גשם היום.",
    "Devanagari": "आज बारिश हो रही है।",
    "Bengali": "আজ বৃষ্টি হচ্ছে।",
    "Tamil": "இன்று மழை பெய்கிறது.",
    "Thai": "วันนี้ฝนตก",
    "Hangul": "오늘 비가 온다.",
    "Japanese": "今日は雨が降っている。",
    "Han": "今天下雨了。",
    "Georgian": "დღეს წვიმს.",
    "Armenian": "Այսօր անձրև է:",
    "Ethiopic": "ዛሬ ዝናብ ነው።",
    "Myanmar": "ဒီနေ့မိုးရွာတယ်။",
    "Khmer": "ថ្ងៃនេះភ្លៀង។",
    "Ol Chiki": "ᱱᱤᱛ ᱫᱟᱜ",
    "Old Italic": "𐌀𐌁𐌂",
    "Canadian Aboriginal": "ᐊᓂᔑᓈᐯ",
}


@pytest.mark.parametrize("script", TEXTS)
def test_every_script_by_its_name(script):
    assert script_of(TEXTS[script]) == script


def test_most_letters_decide():
    assert script_of("Wikipedia: Википедия, свободная энциклопедия") == "Cyrillic"
    assert script_of("Wikipedia, the free encyclopedia (Википедия)") == "Latin"
    assert script_of("1234567890 !!!! x") == "Latin"


def test_a_quoted_kana_does_not_make_chinese_japanese():
    assert script_of("他写了一个の字,然后继续写中文句子,没有别的假名。") == "Han"
    assert script_of("東京都千代田区に") == "Japanese"  # one in eight
    assert script_of("カタカナ") == "Japanese"


def test_compatibility_forms_count_as_what_they_stand_for():
    assert script_of("ＦＵＬＬ ｗｉｄｔｈ") == "Latin"
    assert script_of("ﾊﾝｶｸ") == "Japanese"
    assert script_of("𝐛𝐨𝐥𝐝") == "Latin"


def test_every_letter_of_a_block_is_of_its_script():
    """An oracle of its own: the blocks of Unicode, by their borders."""
    blocks = {
        "Cyrillic": (0x400, 0x52F),
        "Thai": (0xE00, 0xE7F),
        "Devanagari": (0x904, 0x93D),
        "Hangul": (0xAC00, 0xD7A3),
        "Han": (0x4E00, 0x9FFF),
        "Arabic": (0x620, 0x64A),
        "Japanese": (0x3041, 0x30FF),
    }
    for script, (first, last) in blocks.items():
        categories = {chr(code): unicodedata.category(chr(code)) for code in range(first, last + 1)}
        letters = [letter for letter, own in categories.items() if own[0] == "L" and own != "Lm"]
        assert len(letters) > 20
        assert {script_of(letter) for letter in letters} == {script}


def test_of_a_corpus():
    corpus = Corpus(
        "two", {"ru": [Document("a", ("Да.",))], "en": [Document("a", ("Yes.", "No."))]}, parallel=False
    )
    assert scripts_of(corpus) == {"ru": "Cyrillic", "en": "Latin"}


@pytest.mark.parametrize("text", ["1234", "", "ー々"])
def test_no_letters(text):
    with pytest.raises(NeuroglotError, match=f"no letter in '{text}'"):
        script_of(text)
