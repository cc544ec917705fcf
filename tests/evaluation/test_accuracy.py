"""Accuracies whose numbers a person can work out, and the bootstrap against a loop."""

import numpy as np
import pytest
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.accuracy import accuracies
from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.evaluation.langspec import langspec_f1
from neuroglot.evaluation.tables import tabulate

MASKS = (
    Mask("none", "none"),
    Mask("r en", "recipe", "r", "zero", "en", 5),
    Mask("r zh", "recipe", "r", "zero", "zh", 5),
    Mask("uniform", "uniform", "uniform", size=5),
)
RIGHT = {"en": (18, 8, 17, 16), "zh": (16, 16, 10, 16), "vi": (5, 4, 6, 4)}
"""Language → items right of 20 under each mask; Vietnamese is at chance."""


def data_of(right, documents, trials=None, dimension="item"):
    """``right``: language → [mask, item]; ``documents``: language → of each item."""
    text = np.dtypes.StringDType()
    correct = np.concatenate([np.array(own) for own in right.values()], axis=1)
    language = [name for name, own in right.items() for _ in own[0]]
    document = [one for name in right for one in documents[name]]
    return xr.Dataset(
        {
            "correct": (("mask", dimension), correct),
            "log_prob": (("mask", dimension), -np.ones(correct.shape)),
        },
        coords={
            "mask": np.array([mask.name for mask in MASKS], dtype=text),
            "language": (dimension, np.array(language, dtype=text)),
            "document": (dimension, np.array(document, dtype=text)),
            "trials": (dimension, np.ones(correct.shape[1], dtype=int) if trials is None else trials),
            "tokens": (dimension, np.full(correct.shape[1], 7)),
            "characters": (dimension, np.full(correct.shape[1], 7)),
            "bytes": (dimension, np.full(correct.shape[1], 7)),
        },
    )


def items():
    """20 items a language in 5 documents, the first so many of them right."""
    return data_of(
        {name: [[int(n < own) for n in range(20)] for own in counts] for name, counts in RIGHT.items()},
        {name: [f"d{n % 5}" for n in range(20)] for name in RIGHT},
    )


def row_of(frame, **where):
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


@pytest.fixture(scope="module")
def found():
    return accuracies(items(), MASKS, chance=0.25, resamples=400)


def test_by_hand(found):
    assert len(found.accuracy) == 12
    row = row_of(found.accuracy, mask="r en", language="en")
    assert row["accuracy"] == pytest.approx(8 / 20)
    assert row["difference"] == pytest.approx(-10 / 20)
    assert (row["trials"], row["documents"], row["target"], row["chance"]) == (20, 5, "en", 0.25)
    base = row_of(found.accuracy, mask="none", language="zh")
    assert base["accuracy"] == pytest.approx(0.8)
    assert (base["difference"], base["difference_low"], base["difference_high"]) == (0, 0, 0)


def test_intervals_are_of_one_paired_bootstrap_over_documents(found):
    data = items()
    weights = resample_weights(5, 400, seed=0)
    for index, mask in enumerate(MASKS):
        for language in RIGHT:
            own = data["language"].values == language
            of_item = np.array([int(name[1:]) for name in data["document"].values[own]])
            values = data["correct"].values[:, own]
            drawn = np.array(
                [[(own * count[of_item]).sum() / count[of_item].sum() for own in values] for count in weights]
            )
            row = row_of(found.accuracy, mask=mask.name, language=language)
            np.testing.assert_allclose(
                row[["low", "high"]].astype(float), np.quantile(drawn[:, index], [0.025, 0.975])
            )
            lost = drawn[:, index] - drawn[:, 0]
            np.testing.assert_allclose(
                row[["difference_low", "difference_high"]].astype(float), np.quantile(lost, [0.025, 0.975])
            )


def test_f1_is_of_what_lies_above_chance_among_languages_that_do(found):
    assert found.langspec["mask"].tolist() == ["r en", "r zh", *["uniform"] * 3]
    base = {name: RIGHT[name][0] / 20 for name in ("en", "zh")}
    for drop in ("absolute", "relative"):
        row = row_of(found.langspec, mask="r zh")
        masked = {name: RIGHT[name][2] / 20 for name in ("en", "zh")}
        assert row[f"f1_{drop}"] == pytest.approx(langspec_f1(base, masked, "zh", chance=0.25, drop=drop))
        assert row[f"f1_{drop}_low"] <= row[f"f1_{drop}"] <= row[f"f1_{drop}_high"]
        assert row[f"f1_{drop}_low"] < row[f"f1_{drop}_high"]
    assert row_of(found.langspec, mask="r zh")["collateral_max"] == pytest.approx((1 / 20) / (6 / 20))
    # English loses .5 of .9 - .25, Chinese nothing; Vietnamese, at chance, is no witness.
    own = row_of(found.langspec, mask="r en")
    recall = 0.5 / 0.65
    assert own["f1_absolute"] == pytest.approx(2 * recall / (1 + recall))


def test_a_language_at_chance_is_flagged_and_gets_no_f1(found):
    flags = found.accuracy.groupby("language")["at_chance"].agg(["all", "any"]).to_dict("index")
    assert flags == {
        "en": {"all": False, "any": False},
        "vi": {"all": True, "any": True},
        "zh": {"all": False, "any": False},
    }
    row = row_of(found.langspec, mask="uniform", language="vi")
    assert row["at_chance"]
    assert row[["f1_absolute", "f1_relative_low", "collateral_mean"]].isna().all()


def test_no_f1_where_all_others_are_at_chance():
    data = items()
    lone = data.isel(item=data["language"].values != "zh")
    masks = (*MASKS[:2], MASKS[3])
    found = accuracies(lone.sel(mask=[mask.name for mask in masks]), masks, chance=0.25, resamples=50)
    assert np.isnan(row_of(found.langspec, mask="r en")["f1_absolute"])
    assert not row_of(found.langspec, mask="r en")["at_chance"]


def test_an_item_that_is_not_finite_under_a_mask_counts_under_none():
    data = items()
    data["log_prob"].values[2, 0] = np.nan
    row = row_of(accuracies(data, MASKS, chance=0.25, resamples=5).accuracy, mask="none", language="en")
    assert (row["trials"], row["accuracy"]) == (19, pytest.approx(17 / 19))


def test_token_accuracy_is_a_share_of_trials_and_stands_in_the_tables():
    """Two samples of 3 and 1 tokens: 2 and 1 right is three quarters, not the mean of two thirds and one."""
    right = {name: [[2, 1], [1, 0], [2, 1], [2, 0]] for name in ("en", "zh", "vi")}
    trials = np.array([3, 1] * 3)
    data = data_of(right, {name: ["d0", "d1"] for name in right}, trials, "sample")
    found = accuracies(data, MASKS, resamples=5).accuracy
    assert row_of(found, mask="none", language="en")["accuracy"] == pytest.approx(3 / 4)
    assert row_of(found, mask="r en", language="zh")["accuracy"] == pytest.approx(1 / 4)
    data["sentence"] = ("sample", np.arange(6))
    tables = tabulate(Ablation(data, MASKS), resamples=5)
    assert row_of(tables.base, language="en")["token_accuracy"] == pytest.approx(3 / 4)
    assert row_of(tables.drops, mask="r en", language="zh")["token_accuracy"] == pytest.approx(1 / 4)


def test_refuses_what_was_measured_without_accuracy():
    with pytest.raises(NeuroglotError, match="'correct' was not measured with these masks"):
        accuracies(items().drop_vars("correct"), MASKS, resamples=5)
    with pytest.raises(NeuroglotError, match="masks described are not the masks measured"):
        accuracies(items(), MASKS[:2], resamples=5)
