"""Tables of a made-up ablation whose numbers a person can work out."""

from itertools import product
from math import log

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.langspec import langspec_f1
from neuroglot.evaluation.tables import tabulate

LANGUAGES = ("en", "zh", "vi")

MASKS = {
    Mask("everything_off", "everything_off", size=99): (0.05, 0.05, 0.05),
    Mask("none", "none"): (0.5, 0.25, 0.2),  # the base need not come first
    Mask("a zero en", "recipe", "a", "zero", "en", 10): (0.1, 0.25, 0.16),
    Mask("a zero zh", "recipe", "a", "zero", "zh", 20): (0.5, 0.05, 0.2),
    Mask("a mean en", "recipe", "a", "grand_mean", "en", 10): (0.3, 0.25, 0.2),
    Mask("b zero en", "recipe", "b", "zero", "en", 10): (0.25, 0.125, 0.2),
    Mask("b zero zh", "recipe", "b", "zero", "zh", 10): (0.5, 0.125, 0.2),
    Mask("b mean en", "recipe", "b", "grand_mean", "en", 10): (0.5, 0.2, 0.2),
    Mask("a en 0", "matched", "a", "zero", "en", 10, 0): (0.25, 0.2, 0.15),
    Mask("a en 1", "matched", "a", "zero", "en", 10, 1): (0.125, 0.2, 0.15),
    Mask("a zh 0", "matched", "a", "zero", "zh", 10, 0): (0.5, 0.125, 0.2),
    Mask("a zh 1", "matched", "a", "zero", "zh", 10, 1): (0.5, 0.125, 0.2),
    Mask("uniform 0", "uniform", "uniform", size=10, seed=0): (0.4, 0.25, 0.1),
    Mask("uniform 1", "uniform", "uniform", size=10, seed=1): (0.5, 0.24, 0.2),
}
"""Mask → likelihood a token of each language under it; the same in every document."""

BASE = dict(zip(LANGUAGES, (0.5, 0.25, 0.2), strict=True))
RECIPES = [mask for mask in MASKS if mask.kind == "recipe"]


def ablation(samples, log_prob, masks=tuple(MASKS)):
    """``samples``: language, document, tokens; a token has 2 characters and 4 bytes."""
    languages, documents, tokens = (list(column) for column in zip(*samples, strict=True))
    text = np.dtypes.StringDType()
    data = xr.Dataset(
        {"log_prob": (("mask", "sample"), np.asarray(log_prob))},
        coords={
            "mask": np.array([mask.name for mask in masks], dtype=text),
            "language": ("sample", np.array(languages, dtype=text)),
            "document": ("sample", np.array(documents, dtype=text)),
            "tokens": ("sample", np.array(tokens)),
            "characters": ("sample", 2 * np.array(tokens)),
            "bytes": ("sample", 4 * np.array(tokens)),
        },
    )
    return Ablation(data, masks)


# Two documents; English has two sentences in the first, and every language its own number of tokens.
SAMPLES = [("en", "d1", 3), ("en", "d1", 1), ("en", "d2", 2), ("zh", "d1", 4), ("zh", "d2", 4)]
SAMPLES += [("vi", "d1", 1), ("vi", "d2", 7)]


@pytest.fixture(scope="module")
def tables():
    log_prob = [
        [tokens * log(likelihood[LANGUAGES.index(language)]) for language, _, tokens in SAMPLES]
        for likelihood in MASKS.values()
    ]
    return tabulate(ablation(SAMPLES, log_prob), resamples=50)


def row_of(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_base(tables):
    assert tables.base["language"].tolist() == list(LANGUAGES)
    en = row_of(tables.base, language="en")
    assert en["log_likelihood"] == pytest.approx(log(0.5))
    assert en["perplexity"] == pytest.approx(2)
    assert en["per_character"] == pytest.approx(log(0.5) / 2)
    assert en["per_byte"] == pytest.approx(log(0.5) / 4)
    assert en[["tokens", "characters", "bytes", "sentences", "documents"]].tolist() == [6, 12, 24, 3, 2]


def test_drops(tables):
    assert len(tables.drops) == (len(MASKS) - 1) * 3, "every mask but the base, in every language"
    own = row_of(tables.drops, mask="a zero en", language="en")
    assert own[["recipe", "baseline", "kind", "target"]].tolist() == ["a", "zero", "recipe", "en"]
    assert own["log_likelihood"] == pytest.approx(log(0.1))
    assert own["perplexity"] == pytest.approx(10)
    assert own["drop_relative"] == pytest.approx(0.8)
    assert own["drop_absolute"] == pytest.approx(0.4)
    assert own["delta_log_prob"] == pytest.approx(-log(5))
    other = row_of(tables.drops, mask="a zero en", language="vi")
    assert other["drop_relative"] == pytest.approx(0.2)
    assert other["drop_absolute"] == pytest.approx(0.04)


def test_langspec_by_hand(tables):
    row = row_of(tables.langspec, mask="a zero en")
    # Drops .4, 0, .04 of .5, .25, .2: absolute P = .4/.44, R = .8; relative .8, 0, .2: P = .8, R = .8.
    assert row["f1_absolute"] == pytest.approx(2 * (0.4 / 0.44) * 0.8 / (0.4 / 0.44 + 0.8))
    assert row["f1_relative"] == pytest.approx(0.8)
    assert row["collateral_mean"] == pytest.approx(0.1 / 0.8)
    assert row["collateral_max"] == pytest.approx(0.2 / 0.8)
    assert row["size"] == 10
    # log 5 lost; the two controls lost log 2 and log 4.
    assert row["rho"] == pytest.approx(log(5) / (1.5 * log(2)))


@pytest.mark.parametrize("drop", ["relative", "absolute"])
def test_every_row_is_what_langspec_f1_says(tables, drop):
    rows = 0
    for mask, after in MASKS.items():
        for target in LANGUAGES if mask.kind != "none" else ():
            if mask.target in ("", target):
                rows += 1
                row = row_of(tables.langspec, mask=mask.name, language=target)
                expected = langspec_f1(BASE, dict(zip(LANGUAGES, after, strict=True)), target, drop=drop)
                assert row[f"f1_{drop}"] == pytest.approx(expected)
                # All documents are alike, so every resample gives the same.
                assert row[f"f1_{drop}_low"] == pytest.approx(expected)
                assert row[f"f1_{drop}_high"] == pytest.approx(expected)
    assert rows == len(tables.langspec)


def test_masks_without_a_target_are_judged_for_every_language(tables):
    shared = tables.langspec[tables.langspec["kind"].isin(["everything_off", "uniform"])]
    assert shared.groupby("mask")["language"].apply(list).tolist() == [list(LANGUAGES)] * 3
    # English, everything off: relative drops .9, .8, .75.
    off = row_of(tables.langspec, mask="everything_off", language="en")
    precision = 0.9 / (0.9 + 0.8)
    assert off["f1_relative"] == pytest.approx(2 * precision * 0.9 / (precision + 0.9))
    assert off["collateral_max"] == pytest.approx(0.8 / 0.9)


def test_rho_belongs_to_recipes_with_matched_controls_of_the_same_baseline_and_language(tables):
    with_rho = tables.langspec.dropna(subset="rho").set_index("mask")["rho"]
    assert with_rho.to_dict() == pytest.approx(
        {"a zero en": log(5) / (1.5 * log(2)), "a zero zh": log(5) / log(2)}
    )


def test_means(tables):
    assert len(tables.means) == 7  # everything off, a and b by two baselines each, matched a, uniform
    row = row_of(tables.means, kind="recipe", recipe="a", baseline="zero")
    assert row["f1_relative"] == pytest.approx((0.8 + 1.6 / 1.8) / 2)  # zh: P = 1, R = .8
    assert row["f1_relative_low"] == pytest.approx(row["f1_relative"])
    # A ratio of means: the targets lost .8 and .8, the others (0, .2) and (0, 0).
    assert row["collateral_mean"] == pytest.approx(0.05 / 0.8)
    assert row["collateral_max"] == pytest.approx(0.1 / 0.8)
    assert row["size"] == 15
    # The four controls lost log 2, log 4, log 2, log 2.
    assert row["rho"] == pytest.approx(log(5) / (1.25 * log(2)))
    own = tables.langspec[(tables.langspec["kind"] == "uniform")]
    assert len(own) == 6
    assert row_of(tables.means, kind="uniform")["f1_absolute"] == pytest.approx(own["f1_absolute"].mean())
    assert np.isnan(row_of(tables.means, kind="matched")["rho"])


def test_means_where_the_target_lost_nothing(tables):
    row = row_of(tables.means, kind="recipe", recipe="b", baseline="grand_mean")
    assert row["f1_relative"] == 0
    assert np.isnan(row["collateral_mean"]) and np.isnan(row["collateral_max"])


def test_differences(tables):
    pairs = tables.differences[["recipe_a", "recipe_b", "baseline", "drop"]].values.tolist()
    expected = [
        ["a", "b", baseline, drop]
        for baseline, drop in product(("zero", "grand_mean"), ("absolute", "relative"))
    ]
    assert sorted(pairs) == sorted(expected), "within a baseline, for both drops"
    row = row_of(tables.differences, baseline="zero", drop="relative")
    # b: English P = .5, R = .5; Chinese P = 1, R = .5.
    assert row["difference"] == pytest.approx((0.8 + 1.6 / 1.8) / 2 - (0.5 + 1 / 1.5) / 2)
    assert (row["low"], row["high"]) == pytest.approx((row["difference"], row["difference"]))


def test_only_the_base():
    tables = tabulate(ablation([("en", "d", 2)], [[-1.0]], (Mask("none", "none"),)), resamples=5)
    assert len(tables.base) == 1
    assert tables.langspec.empty and tables.drops.empty and tables.means.empty and tables.differences.empty


# Documents that differ.


@pytest.fixture(scope="module")
def uneven():
    """Twelve documents, of which Vietnamese has eight; each document is hit differently."""
    draw = np.random.default_rng(0)
    samples = [
        (x, f"d{n}", int(draw.integers(5, 30))) for x in LANGUAGES for n in range(8 if x == "vi" else 12)
    ]
    log_prob = [
        [tokens * (log(likelihood[LANGUAGES.index(x)]) + 0.3 * draw.normal()) for x, _, tokens in samples]
        for likelihood in MASKS.values()
    ]
    return ablation(samples, log_prob)


def test_a_document_counts_by_its_tokens(uneven):
    tables = tabulate(uneven, resamples=20)
    data = uneven.data.isel(sample=uneven.data["language"].values == "vi")
    for mask in ("none", "a zero en"):
        expected = float(
            data["log_prob"].values[[*data["mask"].values].index(mask)].sum() / data["tokens"].sum()
        )
        if mask == "none":
            assert row_of(tables.base, language="vi")["log_likelihood"] == pytest.approx(expected)
            assert row_of(tables.base, language="vi")["documents"] == 8
        else:
            assert row_of(tables.drops, mask=mask, language="vi")["log_likelihood"] == pytest.approx(expected)


def test_intervals_hold_the_point(uneven):
    tables = tabulate(uneven, resamples=400)
    for frame, columns in [
        (tables.langspec, ("f1_relative", "f1_absolute", "rho")),
        (tables.means, ("f1_relative", "f1_absolute", "rho")),
    ]:
        for column in columns:
            known = frame.dropna(subset=column)
            inside = known[f"{column}_low"].le(known[column]) & known[column].le(known[f"{column}_high"])
            # A mask that hurts nobody scores 0 or so, and its resamples then lie on one side.
            assert inside[known["kind"] == "recipe"].all()
            assert (known[f"{column}_low"] < known[f"{column}_high"]).any()
    wide = tables.differences
    assert (wide["low"].le(wide["difference"]) & wide["difference"].le(wide["high"])).all()
    assert (wide["low"] < wide["high"]).all()


def test_the_difference_is_paired(uneven):
    """A recipe's difference to its own twin is exactly 0, whatever documents are drawn."""
    data, masks = uneven.data, list(uneven.masks)
    twins = {mask.name: Mask(f"c {mask.target}", "recipe", "c", "zero", mask.target) for mask in masks[2:4]}
    rows = [data.sel(mask=name).assign_coords(mask=twin.name) for name, twin in twins.items()]
    twice = xr.concat([data, *rows], "mask")
    twice["mask"] = twice["mask"].astype(np.dtypes.StringDType())
    found = tabulate(Ablation(twice, (*masks, *twins.values())), resamples=50).differences
    same = found[(found["recipe_a"] == "a") & (found["recipe_b"] == "c")]
    assert len(same) == 2
    assert (same[["difference", "low", "high"]] == 0).all(axis=None)


def test_the_seed_decides(uneven):
    first, again, other = (tabulate(uneven, resamples=50, seed=seed) for seed in (3, 3, 4))
    for name, frame in vars(first).items():
        pd.testing.assert_frame_equal(frame, vars(again)[name])
    assert (first.means["f1_relative"] == other.means["f1_relative"]).all(), "the point is no draw"
    assert (first.means["f1_relative_low"] != other.means["f1_relative_low"]).any()


def test_units(uneven):
    per_token, per_byte = (tabulate(uneven, unit=unit, resamples=5) for unit in ("tokens", "bytes"))
    pd.testing.assert_frame_equal(per_token.base, per_byte.base)
    ratio = per_token.drops["delta_log_prob"] / per_byte.drops["delta_log_prob"]
    np.testing.assert_allclose(ratio, 4)


def test_an_empty_set_has_no_rho():
    masks = (
        Mask("none", "none"),
        Mask("c en", "recipe", "c", "zero", "en", 0),
        Mask("c en 0", "matched", "c", "zero", "en", 0),
    )
    log_prob = [[-1.0 * tokens for _, _, tokens in SAMPLES]] * 3
    tables = tabulate(ablation(SAMPLES, log_prob, masks), resamples=50)
    for frame in (tables.langspec, tables.means):
        assert np.isnan(row_of(frame, kind="recipe")[["rho", "rho_low", "rho_high"]].astype(float)).all()
