from dataclasses import replace

import pandas as pd
import pytest

from neuroglot.report.summary import summarise


@pytest.fixture
def said(findings):
    return " ".join(summarise(findings))


def rescored(findings, kind, score):
    frame = findings.means.copy()
    frame.loc[frame["kind"] == kind, ["f1_relative", "f1_relative_low", "f1_relative_high"]] = score
    return replace(findings, means=frame)


def test_the_best_recipe_opens(findings):
    own = findings.means.query("recipe == 'grad_act' and baseline == 'zero' and kind == 'recipe'")
    f1 = own["f1_relative"].item()
    opening = f"grad_act · zero has, of 6 evaluated, the highest mean LangSpec-F1: {f1:.2f} ["
    assert summarise(findings)[0].startswith(opening)


def test_recipes_whose_difference_includes_0_are_not_told_apart(said):
    assert (
        "grad_act and activation (zero) cannot be told apart here: their difference is 0.020 [−0.030, 0.070]"
        in said
    )
    assert (
        "grad_act is ahead of lape (zero): over the same documents their difference is 0.210 [0.120, 0.300]"
        in said
    )


def test_a_difference_is_read_from_the_best_recipe_s_side(findings):
    row = ("lape", "grad_act", "zero", "relative", -0.2, -0.3, -0.1)
    turned = replace(findings, differences=pd.DataFrame([row], columns=findings.differences.columns))
    assert (
        "grad_act is ahead of lape (zero): over the same documents their difference is 0.200 [0.100, 0.300]"
        in " ".join(summarise(turned))
    )


def test_a_rival_that_is_better_in_pairs_is_said_to_be(findings):
    row = ("grad_act", "lape", "zero", "relative", -0.2, -0.3, -0.1)
    turned = replace(findings, differences=pd.DataFrame([row], columns=findings.differences.columns))
    assert "grad_act is behind lape (zero)" in " ".join(summarise(turned))


def test_recipes_below_everything_off_are_named(said):
    assert "no less than lape · zero, which this measure cannot call specific" in said
    assert "The interval of lape_budget · zero overlaps that of everything off." in said


def test_nothing_beats_everything_off(findings):
    said = " ".join(summarise(rescored(findings, "everything_off", 0.99)))
    assert "no recipe does better than that, so none is shown to be specific" in said


def test_a_control_that_is_as_good_is_admitted(findings):
    assert ": no less than the best recipe." in " ".join(summarise(rescored(findings, "matched", 0.99)))


def test_controls_of_another_baseline_are_named_as_such(findings):
    frame = findings.means.copy()
    frame.loc[frame["baseline"] == "grand_mean", "f1_relative"] += 0.2
    said = " ".join(summarise(replace(findings, means=frame)))
    assert said.startswith("grad_act · grand mean has")
    assert "(matched, zero)" in said
    assert "Switching everything off (zero) scores" in said


def test_missing_controls_are_admitted(findings):
    alone = findings.means.loc[findings.means["kind"] == "recipe"]
    assert "No random control was evaluated" in " ".join(summarise(replace(findings, means=alone)))


def test_intervals_over_few_documents_are_cautioned(findings, said):
    assert "With fewer than 10 documents they are also too narrow." in said  # the made-up study has 6
    enough = replace(findings, base=findings.base.assign(documents=12))
    assert "too narrow" not in " ".join(summarise(enough))


def test_a_run_without_recipes_says_so(nothing):
    assert summarise(nothing) == ["No recipe was evaluated in this run."]


def test_samples_that_were_left_out_are_named(findings):
    assert "left out" not in " ".join(summarise(findings))
    gone = [f"vi, document d{number} (report): grad_act zero vi" for number in range(5)]
    said = " ".join(summarise(replace(findings, about=findings.about | {"left out": gone})))
    assert "5 samples were left out, because a number was not finite: vi, document d0" in said
    assert "d2 (report): grad_act zero vi; and 2 more, listed below." in said
    one = " ".join(summarise(replace(findings, about=findings.about | {"left out": gone[:1]})))
    assert one.endswith("1 sample was left out, because a number was not finite: " + gone[0] + ".")
