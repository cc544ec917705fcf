"""Every chart shows what its frame says."""

from dataclasses import replace

import numpy as np
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.report.controls.charts.gallery import CONTROLS
from neuroglot.report.controls.charts.marks import names_beside
from neuroglot.report.controls.columns import COLUMNS
from neuroglot.report.controls.summary import RIVALS
from neuroglot.report.pictures import picture

FIGURES = {figure.name: figure for figure in CONTROLS}


def test_a_figure_a_rival():
    assert [figure.name for figure in CONTROLS] == [rival.name for rival in RIVALS]
    assert {figure.source for figure in CONTROLS} <= set(COLUMNS)


@pytest.mark.parametrize("name", FIGURES)
def test_is_drawn_with_every_recipe_and_language(checked, name):
    drawn = picture(FIGURES[name], checked)
    assert drawn.png.startswith(b"\x89PNG")
    for recipe in ("grad_act",) if name == "dose" else ("grad_act", "activation"):  # the other is in the list
        assert f">{recipe}" in drawn.svg
    if name != "scripts":
        languages = ["zh"] if name == "romanised" else checked.languages
        assert all(f">{language}<" in drawn.svg for language in languages)
    assert "NaN" not in drawn.svg


def test_a_frame_that_lacks_a_column_is_named(checked):
    broken = {**checked.controls, "scripts": checked.controls["scripts"].drop(columns="share")}
    with pytest.raises(NeuroglotError, match=r"controls\.scripts: lacks the column share"):
        FIGURES["scripts"].draw(replace(checked, controls=broken))


def test_dots_carry_each_series_with_its_interval(checked, rows):
    shown = rows(FIGURES["romanised"].draw(checked))
    one = shown[(shown["series"] == "romanised text, native set") & (shown["recipe"] == "grad_act")].iloc[0]
    frame = checked.controls["romanised"]
    own = frame[(frame["target"] == one["language"]) & (frame["recipe"] == "grad_act")].iloc[0]
    assert [one[x] for x in ("value", "low", "high")] == pytest.approx(
        [own[f"romanised_{x}"] for x in ("drop", "low", "high")], rel=1e-3
    )
    assert len(shown) == 4 * len(frame)


def test_panels_come_best_first_and_languages_as_in_the_study(checked, rows):
    mixed = {name: frame.iloc[::-1] for name, frame in checked.controls.items()}
    shown = rows(FIGURES["units"].draw(replace(checked, controls=mixed)))
    assert list(shown["recipe"].unique()) == ["grad_act", "activation"]
    assert list(shown["language"].unique()) == checked.languages


def test_units_leave_out_the_controls(checked, rows):
    assert len(rows(FIGURES["units"].draw(checked))) == 2 * 3 * len(checked.languages)


def test_the_dose_has_target_others_and_control(checked, rows):
    shown = rows(FIGURES["dose"].draw(checked))
    counts = shown.groupby("series").size()
    assert set(counts) == {2 * 7 * 4}
    alone = {name: frame for name, frame in checked.controls.items() if name != "dose_control"}
    assert set(rows(FIGURES["dose"].draw(replace(checked, controls=alone)))["series"]) == {
        "its language",
        "others, mean",
    }


def test_accuracy_afterwards_has_the_interval_of_the_loss(checked, rows):
    shown = rows(FIGURES["choice"].draw(checked))
    assert np.allclose(shown["after_low"], shown["accuracy_before"] - shown["lost_high"], atol=1e-3)
    assert np.allclose(shown["after_high"], shown["accuracy_before"] - shown["lost_low"], atol=1e-3)
    assert len(shown) == 2 * 2 * len(checked.languages)  # recipe and control, on their own target


def test_every_pair_of_languages_is_in_the_strips(checked, rows):
    shown = rows(FIGURES["scripts"].draw(checked))
    count = len(checked.languages)
    assert (shown["of"] == "pair").sum() == 2 * count * (count - 1)
    assert (shown["of"] == "mean").sum() == 4
    assert shown.loc[shown["of"] == "pair", "spread"].between(0, 1).all()


def test_names_stand_right_and_left_by_turns(checked):
    import altair as alt

    frame = checked.controls["tokens_per_character"]
    sided, layers = names_beside(alt.Chart(), frame, "tokens_per_character")
    ranked = sided[sided["recipe"] == "grad_act"].sort_values("tokens_per_character")["side"]
    assert ranked.diff().dropna().abs().eq(1).all()
    assert len(layers) == 2
