from dataclasses import replace

import pytest

from neuroglot.report.charts.drops import draw


def test_seeds_are_averaged_and_shared_sets_share_a_panel(findings, rows):
    shown = rows(draw(findings))
    seeds = findings.drops.query("kind == 'uniform' and language == 'fr'")["drop_relative"]
    assert len(seeds) == 5
    cell = shown.query(
        "panel == 'shared by all languages' and line == 'uniform random · zero' and language == 'fr'"
    )
    assert cell["drop_relative"].item() == pytest.approx(seeds.mean(), rel=1e-3)


def test_a_panel_is_square(findings, rows):
    panel = rows(draw(findings)).query("panel == 'lape · zero'")
    assert panel.groupby("line")["language"].apply(list).to_dict() == {
        x: findings.languages for x in findings.languages
    }


def test_panels_come_best_first_and_the_shared_last(findings, rows):
    panels = rows(draw(findings))["panel"].unique()
    assert (panels[0], panels[-1]) == ("grad_act · zero", "shared by all languages")


def test_numbers_give_way_where_languages_are_many(findings):
    def layers(found):
        return len(draw(found).to_dict()["spec"]["layer"])

    many = replace(findings, base=findings.base.iloc[[0] * 7].assign(language=list("abcdefg")))
    assert (layers(findings), layers(many)) == (2, 1)
