import pytest

from neuroglot.report.charts.languages import draw


def test_a_bar_a_set_and_language(findings, rows):
    shown = rows(draw(findings))
    assert len(shown) == 12 * 4  # 6 of recipes, 4 matched, 1 uniform, 1 everything off
    own = findings.langspec.query("mask == 'lape-zero-vi'")["f1_relative"].item()
    assert shown.query("label == 'lape · zero' and language == 'vi'")["f1_relative"].item() == pytest.approx(
        own, rel=1e-3
    )


def test_languages_stand_in_the_study_s_order(findings):
    assert draw(findings).to_dict()["facet"]["sort"] == ["en", "zh", "vi", "fr"]
