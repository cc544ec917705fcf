"""From margins to a verdict and to words."""

import numpy as np
import pandas as pd
import pytest

from neuroglot.report.controls.verdict import Cells, middle, percent


def cells(**margins):
    rows = [
        (recipe, language, margin, f"said {language}")
        for recipe, own in margins.items()
        for language, margin in zip(["en", "zh", "vi", "fr", "de", "ru"], own, strict=False)
    ]
    return Cells(pd.DataFrame(rows, columns=["recipe", "place", "margin", "said"]))


@pytest.mark.parametrize(
    ("margins", "verdict"),
    [
        ([0.1, 2.0], "yes"),
        ([0.1, -0.1], "unclear"),
        ([-0.1, 0.0], "no"),
        ([np.nan, np.nan], "no"),
        ([np.nan, 1.0], "unclear"),
        ([], "unclear"),
    ],
)
def test_every_cell_decides(margins, verdict):
    assert cells(a=margins).ruled_out == verdict


def test_one_recipe_that_fails_is_enough_for_unclear():
    assert cells(a=[1.0, 1.0], b=[-1.0, -1.0]).ruled_out == "unclear"


def test_names_the_cell_nearest_to_the_other_side():
    assert cells(a=[3.0, 0.2, 1.0]).where == "for a in all 3 languages (least clear: zh, said zh)"
    assert cells(a=[-3.0, -0.2, -1.0]).where == "for a in none of 3 languages (nearest: zh, said zh)"


def test_names_where_it_is_not_ruled_out_and_counts_beyond_three():
    assert cells(a=[1.0, -1.0, np.nan]).where == "for a in 1 of 3 languages (not zh and vi)"
    many = cells(a=[1.0, -1.0, -1.0, -1.0, -1.0, -1.0]).where
    assert many == "for a in 1 of 6 languages (not zh, vi, fr and 2 more)"


def test_a_cell_without_margin_is_near_to_nothing():
    assert cells(a=[np.nan, -1.0]).where == "for a in none of 2 languages (nearest: zh, said zh)"
    assert cells(a=[np.nan, np.nan]).where == "for a in none of 2 languages"


def test_a_single_cell_is_named():
    assert cells(a=[1.0]).where == "for a in en (said en)"
    assert cells(a=[np.nan]).where == "for a not in en (said en)"


def test_many_recipes_are_counted():
    found = cells(a=[1.0], b=[1.0], c=[1.0], d=[1.0], e=[-1.0])
    assert found.where.endswith("and for 1 of 2 other recipes in all")
    assert found.short == "a 1 of 1, b 1 of 1, c 1 of 1 …"


def test_shares_and_ranges_in_words():
    assert [percent(x) for x in (0.5, 0.0049, 0.0, -0.2, np.nan)] == [
        "50 %",
        "under 1 %",
        "none",
        "none",
        "–",
    ]
    assert middle(pd.Series([1.0, 9.0, 2.0])) == "2.00 (1.00 to 9.00)"
