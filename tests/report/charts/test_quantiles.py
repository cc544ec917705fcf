import pytest

from neuroglot.report.charts.quantiles import draw


def test_before_and_after_are_two_columns_of_the_same_lines(findings, rows):
    shown = rows(draw(findings))
    assert len(shown) == 2 * len(findings.quantiles)
    first = findings.quantiles.iloc[0]
    same = shown.query(
        "recipe == @first.recipe and language == @first.language and layer == 0 and quantile == 0.05"
    )
    assert same.set_index("stage")["score"].to_dict() == pytest.approx(
        {"before scaling": first["raw"], "after scaling": first["scaled"]}, rel=1e-3
    )
