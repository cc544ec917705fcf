"""The figures and sentences of steering, from made-up frames."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuroglot.report.pictures import picture
from neuroglot.report.tasks.steering import FIGURES, STEERING, STEERING_COSTS
from neuroglot.report.tasks.steering_summary import summarise_steering
from neuroglot.study.tasks.steering.frames import COLUMNS

SHARES = {
    ("none", "", 0): 0.02, ("own", "", 0): 0.97, ("prompt", "", 0): 0.6,
    ("enhance", "", 2): 0.05, ("enhance", "", 10): 0.3,
    ("enhance", "matched", 2): 0.04, ("enhance", "matched", 10): 0.03,
    ("add", "", 1): 0.04, ("add", "matched", 1): 0.04,
    ("replace", "", 1): 0.5, ("replace", "matched", 1): 0.1,
    ("diffmean", "", 0.5): 0.4, ("diffmean", "", 2): 0.9,
}  # fmt: skip
HALF = 0.1


def invented(pairs=(("en", "zh"), ("zh", "vi"), ("", ""))) -> dict[str, pd.DataFrame]:
    rows = []
    for (method, control, strength), share in SHARES.items():
        for source, target in pairs:
            row = {"method": method, "control": control, "strength": float(strength), "source": source}
            row |= {"target": target, "questions": 16, "in_source": 1 - share, "length": 200.0}
            means = {"in_target": share, "repetition": 0.2, "fluency": -0.9, "chrf": 20 + 10 * share}
            means["gain"] = share - SHARES["none", "", 0]
            twin = SHARES.get((method, "matched", strength), np.nan)
            means["beyond"] = np.nan if control else share - twin
            for name, value in means.items():
                row |= {name: value, f"{name}_low": value - HALF, f"{name}_high": value + HALF}
            rows.append(row)
    layers = pd.DataFrame({"layer": [0, 3], "answers": 4, "in_target": [0.2, 0.8], "repetition": 0.1})
    return {
        "steering": pd.DataFrame(rows, columns=list(COLUMNS)),
        "steering_layer": layers.assign(chosen=[False, True]),
    }


@pytest.fixture
def steered(findings):
    return replace(findings, tasks=invented())


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.name)
def test_is_drawn(figure, steered):
    drawn = picture(figure, steered)
    assert len(drawn.svg) > 2000 and "all pairs" in str(drawn.spec)


def test_every_panel_has_every_mark(steered, rows):
    drawn = rows(STEERING.draw(steered))
    panels = drawn[drawn["pair"] == "all pairs"].groupby("way")["series"].agg(set)
    marks = {"nothing done", "asked for it in words", "asked in that language"}
    neurons = {"found neurons", "matched random neurons"}
    assert panels.to_dict() == {
        "enhance (times)": marks | neurons,
        "add (means)": marks | neurons,
        "replace": marks | neurons,
        "DiffMean (differences)": marks | {"residual stream"},
    }


def test_found_sets_are_filled_and_joined_random_ones_hollow(steered):
    # An empty cell of the chart's data is no text there: what is told apart must have a name.
    svg = picture(STEERING_COSTS, steered).svg
    points = re.findall(r'<path [^>]*roledescription="point"[^>]*>', svg)
    hollow = [point for point in points if 'fill="#' not in point]
    assert len(points) == 2 * len(SHARES) and len(hollow) == 2 * 4
    assert all("matched random neurons" in point for point in hollow)


def test_one_pair_needs_no_mean(findings):
    alone = replace(findings, tasks=invented((("en", "zh"), ("", ""))))
    for figure in (STEERING, STEERING_COSTS):
        (param, *_) = figure.draw(alone).to_dict()["params"]
        assert (param["value"], param["bind"]["options"]) == ("en → zh", ["en → zh"])


def test_says_what_intervals_decide():
    said = summarise_steering(invented())
    assert said[0] == (
        "Asked in one language, the untouched model answers in the other in 2 [−8, 12] % of 16 answers; when "
        "the question ends with the request, in 60 [50, 70] %; asked in that language itself, in "
        "97 [87, 107] %."
    )
    enhance, add, move = (next(one for one in said if one.startswith(x)) for x in ("Mult", "Add", "Moving"))
    assert "5 [−5, 15] % at 2 and 30 [20, 40] % at 10 of answers into the language." in enhance
    assert enhance.endswith(
        "Matched random neurons: 4 [−6, 14] % and 3 [−7, 13] %. "
        "That is more than matched random neurons at 10."
    )
    assert add.endswith("That cannot be told from matched random neurons.")
    assert move.endswith("That is more than doing nothing at 0.5 and 2.")
    assert (
        "chrF to the answer asked in the language is 24 and 29 (untouched 20)" in said[said.index(move) + 1]
    )
    assert said[-1].startswith("The difference of means acts after layer 3, which of 2 tried did best")


def test_says_when_the_random_neurons_do_more():
    frames = invented()
    frames["steering"].loc[lambda rows: rows["method"] == "replace", ["beyond_low", "beyond_high"]] = (
        -0.3,
        -0.1,
    )
    (said,) = [one for one in summarise_steering(frames) if one.startswith("Setting")]
    assert said.endswith("That is less than matched random neurons.")


def test_says_nothing_of_what_was_not_measured():
    assert summarise_steering({}) == []
