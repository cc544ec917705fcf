"""Romanised text: known spellings, the languages that are left alone, and what is refused.

The first use of uroman takes some seconds: it reads its tables.
"""

from unittest.mock import patch

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.text import Corpus, Document, romanise
from neuroglot.text.romanise import check_romaniser, romanisable, romanised


def corpus(**texts: str) -> Corpus:
    return Corpus(
        "test", {name: [Document("a", tuple(text.split("|")))] for name, text in texts.items()}, parallel=True
    )


def test_known_spellings_and_the_rest_untouched():
    before = corpus(
        en="Moscow|Rain", ru="Москва|Дождь и снег", zh="北京|上海", ja="ひらがな|カタカナ", hi="नमस्ते|भारत"
    )
    after = romanised(before)
    assert {name: one[0].sentences for name, one in after.documents.items()} == {
        "en": ("Moscow", "Rain"),
        "ru": ("Moskva", "Dozhd i sneg"),
        "zh": ("beijing", "shanghai"),
        "ja": ("hiragana", "katakana"),
        "hi": ("namaste", "bhaarat"),
    }
    assert after.parallel
    assert after.fingerprint != before.fingerprint
    assert romanised(before, ["ru"]).documents["zh"] == before.documents["zh"]


def test_a_language_with_rules_of_its_own_gets_them_however_it_is_coded():
    for code in ("uk", "uk-UA", "ukr_Cyrl"):
        (document,) = romanised(corpus(**{code: "Григорій"})).documents[code]
        assert document.sentences == ("Hryhoriy",)  # Г is h in Ukrainian and g in Russian
    (document,) = romanised(corpus(ru="Григорий")).documents["ru"]
    assert document.sentences == ("Grigory",)


def test_what_has_no_other_script_is_refused():
    latin = corpus(en="rain", vi="mưa")
    with pytest.raises(NeuroglotError, match="en, vi have no other script to be romanised from"):
        romanisable(latin)
    with pytest.raises(NeuroglotError, match="'vi' has no other script to be romanised from"):
        romanised(corpus(ru="дождь", vi="mưa"), ["ru", "vi"])
    with pytest.raises(NeuroglotError, match="did you mean 'ru'"):
        romanised(corpus(ru="дождь", vi="mưa"), ["rus"])


class Silent:
    """Romanises nothing, or everything away."""

    def __init__(self, *, away: bool) -> None:
        self.away = away

    def romanize_string(self, text: str, lcode: str) -> str:
        return " " if self.away else text


@pytest.mark.parametrize(
    ("away", "said"),
    [(True, "nothing is left of 'дождь'"), (False, "'ru' cannot be romanised: its Cyrillic text")],
)
def test_text_that_does_not_come_out_in_latin_letters_is_refused(away, said):
    with (
        patch.object(romanise, "_uroman", lambda: Silent(away=away)),
        pytest.raises(NeuroglotError, match=said),
    ):
        romanised(corpus(ru="дождь", vi="mưa"))


def test_without_uroman_the_extra_is_named():
    with (
        patch.object(romanise, "find_spec", lambda name: None),
        pytest.raises(NeuroglotError, match=r"pip install 'neuroglot\[romanise\]'"),
    ):
        check_romaniser()
