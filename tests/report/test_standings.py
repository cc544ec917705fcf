from dataclasses import replace

import pandas as pd
import pytest

from neuroglot.report.findings import COLUMNS
from neuroglot.report.standings import by_language, labels, recipes, standings


@pytest.fixture
def small(findings):
    means = pd.DataFrame(
        [
            ("everything_off", "everything_off", 0.9),
            ("random", "uniform", 0.1),
            ("bad", "matched", 0.2),
            ("good", "matched", 0.1),
            ("bad", "recipe", 0.2),
            ("good", "recipe", 0.6),
        ],
        columns=["recipe", "kind", "f1_relative"],
    )
    means = means.assign(baseline="grand_mean").reindex(columns=COLUMNS["means"])
    langspec = pd.DataFrame(
        [
            ("u0", "random", "uniform", "en", 0.1, 0.0, 0.2),
            ("u1", "random", "uniform", "en", 0.3, 0.2, 0.4),
            ("good-en", "good", "recipe", "en", 0.6, 0.5, 0.7),
        ],
        columns=["mask", "recipe", "kind", "language", "f1_relative", "f1_relative_low", "f1_relative_high"],
    )
    langspec = langspec.assign(baseline="grand_mean").reindex(columns=COLUMNS["langspec"])
    return replace(findings, means=means, langspec=langspec.astype({"f1_absolute": float}))


def test_labels_tell_kinds_apart(small):
    assert labels(small.means).tolist() == [
        "everything off · grand mean",
        "uniform random · grand mean",
        "matched: bad · grand mean",
        "matched: good · grand mean",
        "bad · grand mean",
        "good · grand mean",
    ]


def test_recipes_come_first_and_controls_follow_their_order(small):
    order = standings(small)["label"].str.removesuffix(" · grand mean").tolist()
    # The control of the better recipe stands first although it scores less than the other control.
    assert order == ["good", "bad", "matched: good", "matched: bad", "uniform random", "everything off"]


def test_seeds_are_averaged_inside_a_language(small):
    lines = by_language(small).set_index("label")
    assert len(lines) == 2
    uniform = lines.loc["uniform random · grand mean"]
    assert [uniform[f"f1_relative{end}"] for end in ("", "_low", "_high")] == pytest.approx([0.2, 0.1, 0.3])


def test_recipes_that_nobody_evaluated_come_last(findings):
    assert recipes(findings)[0] == "grad_act"
    assert recipes(findings)[-1] == "random"


def test_nothing_measured_is_no_line(nothing):
    assert standings(nothing).empty
