"""Each sentence follows its frame: it turns when the numbers do, and claims nothing that they do not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.report.controls.columns import COLUMNS
from neuroglot.report.controls.rivals.sets import _HALF_AGAIN
from neuroglot.report.controls.rivals.strength import _grows
from neuroglot.report.controls.rivals.tokenizer import _fisher
from neuroglot.report.controls.summary import RIVALS, readings, summarise_controls


def test_a_sentence_a_check_in_the_order_of_the_page(checked):
    found = readings(checked)
    assert list(found) == [rival.name for rival in RIVALS]
    assert summarise_controls(checked) == [reading.sentence for reading in found.values()]
    assert all("nan" not in reading.sentence + reading.found for reading in found.values())


def test_nothing_is_said_of_what_was_not_asked(findings, checked):
    assert readings(findings) == {}
    only = replace(checked, controls={"units": checked.controls["units"]})
    assert list(readings(only)) == ["units"]


CHARTS_ONLY = {"dose_control", "tokens_per_character", "scripts"}
"""Frames that no sentence reads, or not to their last column; see test_charts."""


@pytest.mark.parametrize("name", [name for name in COLUMNS if name not in CHARTS_ONLY])
def test_a_frame_that_lacks_a_column_is_named(checked, name):
    last = COLUMNS[name][-1]
    broken = {**checked.controls, name: checked.controls[name].drop(columns=last)}
    with pytest.raises(NeuroglotError, match=rf"controls\.{name}: lacks the column {last}"):
        readings(replace(checked, controls=broken))


def verdict(findings, name):
    reading = readings(findings)[name]
    return reading.ruled_out, reading.sentence


def test_made_up_results_rule_out_what_they_should(checked):
    found = {name: reading.ruled_out for name, reading in readings(checked).items()}
    assert found.pop("tokens") == "unclear"  # four languages cannot acquit
    assert found.pop("agreement") == "unclear"  # fr loses likelihood only
    assert set(found.values()) == {"yes"}


def test_rho_whose_interval_includes_one_rules_nothing_out(changed, checked):
    ruled_out, said = verdict(changed("matched", rho_low=0.9), "matched")
    assert ruled_out == "no"
    assert said.startswith("That any such neurons would do as much is not ruled out.")
    assert "which neurons are off" not in said
    low = checked.controls["matched"]["rho_low"].where(checked.controls["matched"]["target"] != "vi", 0.9)
    ruled_out, said = verdict(changed("matched", rho_low=low), "matched")
    assert ruled_out == "unclear"
    assert "is ruled out for some sets only" in said
    assert "in 3 of 4 languages (not vi)" in said


def test_damage_of_the_controls_is_their_median_share(changed, checked):
    frame = checked.controls["matched"]
    share = np.median((frame["control"] / frame["effect"])[frame["recipe"] == "grad_act"])
    assert f"do {share:.0%}".replace("%", " % of the damage") in verdict(checked, "matched")[1]
    assert "do none of the damage" in verdict(changed("matched", control=-0.1), "matched")[1]


def test_no_p_is_claimed_where_none_is_possible(changed):
    assert "3 draws allow no p below 0.25" in verdict(changed("matched", p_least=0.25), "matched")[1]
    said = verdict(changed("matched", seeds=199, p_holm=0.04), "matched")[1]
    assert "at most 0.05 in 8 of 8" in said
    assert "none is claimed" not in said


def test_a_loss_no_larger_than_the_controls_halfway_is_no_dose(checked):
    dose = checked.controls["dose"]
    control = {**checked.controls, "dose_control": dose[list(COLUMNS["dose_control"])]}
    assert verdict(replace(checked, controls=control), "dose")[0] == "no"


def test_without_control_the_dose_is_held_against_nothing(checked):
    alone = {name: frame for name, frame in checked.controls.items() if name != "dose_control"}
    ruled_out, said = verdict(replace(checked, controls=alone), "dose")
    assert ruled_out == "yes"
    assert "matched" not in said


def test_ends_of_the_dose_alone_say_nothing(checked):
    frame = checked.controls["dose"]
    ends = {**checked.controls, "dose": frame[frame["strength"].isin([0, 1, 2])]}
    assert verdict(replace(checked, controls=ends), "dose")[0] == "unclear"


@pytest.mark.parametrize(
    ("drops", "grows"), [([3, 2, 1, 0], True), ([3, 1, 1.05, 0], True), ([1, 3, 1, 0], False)]
)
def test_a_loss_that_falls_back_beyond_its_interval_does_not_grow(drops, grows):
    frame = pd.DataFrame({"strength": [0, 0.25, 0.5, 1], "drop": drops})
    assert _grows(frame.assign(low=frame["drop"] - 0.1, high=frame["drop"] + 0.1)) is grows


def test_the_own_mean_is_not_held_against_a_set(checked, changed):
    assert verdict(checked, "baselines")[0] == "yes"  # though F1 under it is 0.12
    frame = checked.controls["baselines"]
    median = frame["low"].where(frame["kind"] != "median", 0.3)
    ruled_out, said = verdict(changed("baselines", low=median), "baselines")
    assert ruled_out == "unclear"
    assert "under median" in said


@pytest.mark.parametrize(
    ("high", "verdict_"), [(0.49, "yes"), (0.51, "no"), (np.nan, "no")]
)  # what is not known is not ruled out
def test_most_of_the_effect_has_to_be_indirect(changed, high, verdict_):
    assert verdict(changed("direct", share_high=high), "direct")[0] == verdict_


def test_what_holds_per_token_only_is_the_tokenizers(checked, changed):
    frame = checked.controls["units"]
    bad = (frame["unit"] == "bytes") & (frame["kind"] == "recipe")
    ruled_out, said = verdict(
        changed("units", f1_relative_low=frame["f1_relative_low"].mask(bad, 0.0)), "units"
    )
    assert ruled_out == "no"
    assert "is not ruled out" in said
    below = frame["f1_relative_low"].mask(frame["kind"] == "recipe", 0.0)
    assert (
        "nothing for the tokenizer to explain" in verdict(changed("units", f1_relative_low=below), "units")[1]
    )


def test_script_alone_and_a_part_of_script_are_told_apart(checked, changed):
    assert "has a part in it for grad_act and activation" in verdict(checked, "scripts")[1]
    frame = checked.controls["script_pairs"]
    difference = frame["low"].mask(frame["pairs_of"] == "difference", -0.02)
    said = verdict(changed("script_pairs", low=difference), "scripts")[1]
    assert "that it has a part in it is not shown" in said
    as_much = frame["high"].mask(frame["pairs_of"] == "same script", 1.1)
    assert verdict(changed("script_pairs", high=as_much), "scripts")[0] == "no"
    none = frame[["share", "low", "high"]].mask(frame["pairs_of"] != "different script")
    assert "share a script" in verdict(changed("script_pairs", **none), "scripts")[1]


def test_a_correlation_convicts_and_never_acquits(changed):
    assert verdict(changed("tokens_correlation", spearman=0.0, languages=12), "tokens")[0] == "unclear"
    ruled_out, said = verdict(changed("tokens_correlation", spearman=-0.95, languages=12), "tokens")
    assert ruled_out == "no"
    assert "go with how finely the tokenizer cuts a language" in said


def test_the_interval_of_a_rank_correlation_covers():
    """Of correlations that are 0, about 5 % have an interval without 0."""
    draw = np.random.default_rng(0)
    ranks = np.argsort(draw.normal(size=(4000, 8)))
    first = np.arange(8)
    r = 1 - 6 * ((ranks - first) ** 2).sum(axis=1) / (8 * 63)
    ends = [_fisher(value, 8) for value in r]
    missed = np.mean([low > 0 or high < 0 for low, high in ends])
    assert 0.02 < missed < 0.07
    assert np.isnan(_fisher(0.5, 3)).all()
    assert _fisher(1.0, 8)[0] > 0.9


def test_no_more_than_the_control_on_romanised_text_is_script(checked, changed):
    same = checked.controls["romanised"]["control_high"]
    ruled_out, said = verdict(changed("romanised", romanised_low=same - 0.01), "romanised")
    assert ruled_out == "no"
    assert "serve the script and not the language is not ruled out" in said


def test_no_more_than_random_beyond_words_is_words(checked, changed):
    frame = checked.controls["superficial"]
    low = frame["drop_low"].mask(frame["part"] == "beyond superficial", 0.0)
    assert verdict(changed("superficial", drop_low=low), "superficial")[0] == "no"
    none = frame[frame["part"] != "beyond superficial"]
    assert (
        verdict(replace(checked, controls={**checked.controls, "superficial": none}), "superficial")[0]
        == "no"
    )


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [("baselines", "kind", "median"), ("parallel", "identified_on", "monolingual")],
)
def test_a_sledgehammer_is_not_specific_whatever_its_f1(checked, changed, name, column, value):
    frame = checked.controls[name]
    worse = frame["collateral_mean"].mask(frame[column] == value, 0.95)  # as everything off, nearly
    assert verdict(changed(name, collateral_mean=worse), name)[0] != "yes"
    halfway = frame["collateral_mean"].mask(frame[column] == value, 0.55)  # zero's is 0.2
    assert verdict(changed(name, collateral_mean=halfway), name)[0] == "yes"


def test_monolingual_sets_have_to_keep_half(checked, changed):
    frame = checked.controls["parallel"]
    low = frame["low"].mask(frame["identified_on"] == "monolingual", 0.3)
    assert verdict(changed("parallel", low=low), "parallel")[0] == "no"


def test_half_of_a_set_again_is_a_jaccard_index_of_a_third(changed):
    assert len({0, 1, 2, 3} & {2, 3, 4, 5}) / len({0, 1, 2, 3} | {2, 3, 4, 5}) == pytest.approx(_HALF_AGAIN)
    assert verdict(changed("stability", jaccard=0.33), "stability")[0] == "no"
    assert verdict(changed("stability", jaccard=0.34), "stability")[0] == "yes"


def test_redraws_count_once(checked):
    """Five redraws, of which the mean is above a third."""
    frame = checked.controls["stability"]
    again = frame[frame["kind"] == "bootstrap"]
    many = pd.concat([again.assign(jaccard=value) for value in (0.2, 0.3, 0.4, 0.5, 0.6)])
    controls = {**checked.controls, "stability": many}
    ruled_out, said = verdict(replace(checked, controls=controls), "stability")
    assert ruled_out == "yes"
    assert "0.40 on the redrawn documents" in said
    assert "in all 4 selections" in said


def test_what_was_not_to_be_had_is_not_held_against_anything(checked, changed):
    assert "no matched control" in verdict(changed("romanised", control_high=np.nan), "romanised")[1]
    assert verdict(changed("direct", share=np.nan, share_high=np.nan), "direct")[0] == "unclear"
    assert verdict(changed("tokens_correlation", spearman=np.nan, languages=2), "tokens")[0] == "unclear"
    one = checked.controls["direct"].assign(
        share=checked.controls["direct"]["share"].where(lambda x: x.index > 0)
    )
    assert (
        "in all 3 languages"
        in verdict(replace(checked, controls={**checked.controls, "direct": one}), "direct")[1]
    )


def test_f1_by_accuracy_stands_beside_that_of_the_controls(checked):
    assert (
        "LangSpec-F1 by accuracy is 0.60 for the sets and 0.05 for the controls"
        in verdict(checked, "choice")[1]
    )


def test_a_set_that_takes_nothing_from_its_target_is_cleared_of_nothing(changed):
    """Two gains have a ratio above 1, and half of no F1 is kept by any set."""
    assert verdict(changed("matched", effect=-0.2, control=-0.1, rho=2.0, rho_low=1.5), "matched")[0] == "no"
    assert verdict(changed("baselines", f1_relative=0.0, low=0.0, high=0.1), "baselines")[0] == "unclear"
    assert verdict(changed("parallel", f1_relative=0.0, low=0.0, high=0.1), "parallel")[0] == "unclear"
    assert verdict(changed("direct", total=-1.0), "direct")[0] == "unclear"
    assert verdict(changed("scripts", target_drop_relative=-0.1), "scripts")[0] == "unclear"


def test_where_all_share_a_script_its_part_cannot_be_told(checked):
    frame = checked.controls["script_pairs"]
    same = {**checked.controls, "script_pairs": frame[frame["pairs_of"] == "same script"]}
    ruled_out, said = verdict(replace(checked, controls=same), "scripts")
    assert ruled_out == "yes"
    assert "cannot be told where all share one" in said
    assert "in others" not in said


def test_languages_at_chance_are_not_judged(checked, changed):
    ruled_out, said = verdict(checked, "choice")
    assert ruled_out == "yes"
    assert "Not judged, because at chance from the start: vi" in said
    assert "falls in 0 of 6" in said
    assert verdict(changed("choice", at_chance=True), "choice")[0] == "unclear"
    assert verdict(changed("choice", lost_low=-0.01), "choice")[0] == "no"


@pytest.mark.parametrize(
    ("verdicts", "ruled_out"),
    [("both", "yes"), ("likelihood only", "no"), ("task at chance", "unclear"), ("neither", "unclear")],
)
def test_agreement_counts_only_who_could_disagree(changed, verdicts, ruled_out):
    assert verdict(changed("agreement", verdict=verdicts), "agreement")[0] == ruled_out


def test_disagreement_is_named(checked):
    assert "They are fr (grad_act: likelihood only" in verdict(checked, "agreement")[1]
