import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.tasks.panels import default_panels, parse_panels
from tiny_tasks import write_jsonl, write_nlu


def test_panels_of_a_command_line():
    assert parse_panels("xnli=en:a,vi:b@acc_norm; sums=en:c") == {
        "xnli": {"en": "a", "vi": "b@acc_norm"},
        "sums": {"en": "c"},
    }


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("xnli", "'xnli' is not panel=language:task"),
        ("xnli=en", "'en' is not panel=language:task"),
        ("xnli=en:a,en:b", "panel 'xnli' has 'en' twice"),
        ("xnli=en:a;xnli=vi:b", "panel 'xnli' is named twice"),
    ],
)
def test_what_is_no_panel_is_one_line(told, message):
    with pytest.raises(NeuroglotError, match=message):
        parse_panels(told)


def test_the_families_that_have_two_of_the_languages(tmp_path, monkeypatch):
    monkeypatch.setenv("NEUROGLOT_DATA", str(write_nlu(tmp_path)))
    assert default_panels(["en", "fr", "vi"]) == {
        "xnli": {language: f"neuroglot_xnli_{language}" for language in ("en", "fr", "vi")}
    }
    with pytest.raises(NeuroglotError, match="no benchmark has items for two of en, ja"):
        default_panels(["en", "ja"])


def test_the_papers_panel(tmp_path, monkeypatch):
    home = write_nlu(tmp_path)
    for family, language in (("ceval", "zh"), ("exams", "vi")):
        write_jsonl(home / "nlu" / family / f"{language}_test.jsonl", [{}])
    monkeypatch.setenv("NEUROGLOT_DATA", str(home))
    assert default_panels(["vi", "en", "zh"])["paper"] == {
        "en": "neuroglot_mmlu_en",
        "zh": "neuroglot_ceval_zh",
        "vi": "neuroglot_exams_vi",
    }
    assert "paper" not in default_panels(["vi", "en"])
