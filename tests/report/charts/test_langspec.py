import numpy as np
import pytest

from neuroglot.report.charts.langspec import draw
from neuroglot.report.standings import standings


def test_a_line_a_set_in_the_order_of_the_standings(findings, rows):
    lines = standings(findings)
    shown = rows(draw(findings))
    assert shown["label"].tolist() == lines["label"].tolist()
    assert shown["f1_relative"].to_numpy() == pytest.approx(lines["f1_relative"].to_numpy(), rel=1e-3)
    assert (
        draw(findings).to_dict()["concat"][0]["layer"][0]["encoding"]["y"]["sort"] == lines["label"].tolist()
    )


def test_collateral_off_the_axis_sits_on_its_edge(findings, rows):
    frame = findings.means.copy()
    frame.loc[frame["kind"] == "uniform", ["collateral_mean", "collateral_max"]] = [7.0, np.inf]
    shown = rows(draw(type(findings)(**{**vars(findings), "means": frame})))
    uniform = shown.loc[shown["kind"] == "uniform random"].iloc[0]
    assert (uniform["mean_at"], uniform["worst_at"], uniform["collateral_mean"]) == (2, 2, 7)
