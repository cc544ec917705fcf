"""Surviving shares against a transcription in plain NumPy, document by document and resample by resample."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from invented_ablation import DOCUMENTS, LANGUAGES, MASKS, invented
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import BASE, Ablation
from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.evaluation.langspec import langspec_f1
from neuroglot.evaluation.survival import Measured, f1_changes, raw_scores, survival
from neuroglot.evaluation.tables import tabulate

RESAMPLES = 60
BEFORE, AFTER = invented(1, 1.0), invented(2, 0.5)


def measured(ablation: Ablation) -> Measured:
    return Measured(ablation, RESAMPLES, seed=3)


@pytest.fixture(scope="module")
def frame():
    return survival(measured(BEFORE), measured(AFTER)).set_index(["kind", "language", "measure"])


@cache
def sums(number: int, mask: int, language: str) -> list[tuple[float, int]]:
    """Log p and tokens of each document."""
    data, found = (BEFORE, AFTER)[number].data, []
    for document in "abcdef":
        here = (data["language"].values == language) & (data["document"].values == document)
        found.append((data["log_prob"].values[mask, here].sum(), int(data["tokens"].values[here].sum())))
    return found


def log_s(ablation: Ablation, mask: int, language: str, counts) -> float:
    """Mean log p a token: a loop over documents, each counted as often as it was drawn."""
    total, tokens = 0.0, 0
    documents = sums(0 if ablation is BEFORE else 1, mask, language)
    for (log_prob, size), count in zip(documents, counts, strict=True):
        total += count * log_prob
        tokens += count * size
    return total / tokens


def effect(ablation: Ablation, kind: str, target: str, measure: str, counts) -> float:
    """Nats a token, averaged over seeds."""
    found = []
    for number, mask in enumerate(MASKS):
        if mask.kind == kind and mask.target in ("", target):
            lost = {
                name: log_s(ablation, 0, name, counts) - log_s(ablation, number, name, counts)
                for name in LANGUAGES
            }
            others = np.mean([lost[name] for name in LANGUAGES if name != target])
            found.append(lost[target] if measure != "others" else others)
    value = float(np.mean(found))
    if measure == "beyond":
        value -= effect(ablation, "matched", target, "target", counts)
    return value


def expected(kind: str, language: str, measure: str):
    """Effects of both models and their share, on all documents and on every resample."""
    targets = [language] if language else LANGUAGES
    counts = [np.ones(DOCUMENTS), *resample_weights(DOCUMENTS, RESAMPLES, seed=3)]
    one, two = (
        np.array([np.mean([effect(each, kind, t, measure, row) for t in targets]) for row in counts])
        for each in (BEFORE, AFTER)
    )
    return one, two, two / one


@pytest.mark.parametrize(
    ("kind", "language", "measure"),
    [
        ("recipe", "fr", "target"),
        ("recipe", "", "target"),
        ("recipe", "vi", "others"),
        ("recipe", "", "beyond"),
        ("matched", "", "target"),
        ("uniform", "en", "target"),
        ("everything_off", "", "others"),
    ],
)
def test_effects_and_shares_are_those_of_a_plain_loop(frame, kind, language, measure):
    row = frame.loc[(kind, language, measure)]
    for name, drawn in zip(("before", "after", "share"), expected(kind, language, measure), strict=True):
        limits = np.quantile(drawn[1:], [0.025, 0.975], method="inverted_cdf")
        found = row[[name, f"{name}_low", f"{name}_high"]].to_numpy(float)
        np.testing.assert_allclose(found, [drawn[0], *limits], rtol=1e-9)


def test_ahead_is_the_share_of_the_sets_less_that_of_their_controls(frame):
    own, control = expected("recipe", "fr", "target")[2], expected("matched", "fr", "target")[2]
    row = frame.loc[("recipe", "fr", "target")]
    assert row["ahead"] == pytest.approx(own[0] - control[0])
    limits = np.quantile((own - control)[1:], [0.025, 0.975], method="inverted_cdf")
    np.testing.assert_allclose([row["ahead_low"], row["ahead_high"]], limits)
    assert np.isnan(frame.loc[("matched", "fr", "target"), "ahead"])


def test_half_the_effect_is_half_the_share(frame):
    share = frame.loc[("recipe", "", "target")]
    assert share["share_low"] < 0.5 < share["share_high"]
    assert share["share_high"] - share["share_low"] < 0.2


def test_the_same_model_keeps_all_of_everything():
    rows = survival(measured(BEFORE), measured(BEFORE))
    there = rows["share"].notna()
    assert there.sum() > 20
    assert (rows.loc[there, ["share", "share_low", "share_high"]] == 1).all(axis=None)


def test_of_no_effect_nothing_survives():
    data = BEFORE.data.copy(deep=True)
    base, own = 0, [mask.name for mask in MASKS].index("r fr")
    noise = np.where(np.arange(data.sizes["sample"]) % 4 < 2, 0.1, -0.1)  # a document up, a document down
    data["log_prob"].values[own] = data["log_prob"].values[base] + noise
    rows = survival(measured(Ablation(data, MASKS)), measured(AFTER)).set_index(
        ["kind", "language", "measure"]
    )
    row = rows.loc[("recipe", "fr", "target")]
    assert row["before_low"] < 0 < row["before_high"]
    assert np.isnan(row[["share", "share_low", "share_high"]].to_numpy(float)).all()
    assert row["after"] > 0.3


def test_f1_is_that_of_the_tables_and_changes_are_paired():
    rows = f1_changes(measured(BEFORE), measured(AFTER)).set_index(["kind", "language", "drop"])
    for ablation, name in ((BEFORE, "before"), (AFTER, "after")):
        means = tabulate(ablation, resamples=RESAMPLES, seed=3).means.set_index("kind")
        for kind in ("recipe", "matched", "uniform", "everything_off"):
            row = rows.loc[(kind, "", "relative")]
            assert row[name] == pytest.approx(means.loc[kind, "f1_relative"])
            assert row[f"{name}_low"] == pytest.approx(means.loc[kind, "f1_relative_low"], abs=0.01)
    row = rows.loc[("recipe", "fr", "absolute")]
    number = [mask.name for mask in MASKS].index("r fr")
    ones = np.ones(DOCUMENTS)
    one, two = (
        langspec_f1(
            {name: np.exp(log_s(each, 0, name, ones)) for name in LANGUAGES},
            {name: np.exp(log_s(each, number, name, ones)) for name in LANGUAGES},
            "fr",
        )
        for each in (BEFORE, AFTER)
    )
    assert row["change"] == pytest.approx(two - one)
    assert row["change_low"] <= row["change"] <= row["change_high"]


def test_raw_scores_are_probabilities_a_token():
    rows = raw_scores(measured(AFTER)).set_index(["kind", "language"])
    ones = np.ones(DOCUMENTS)
    assert rows.loc[(BASE, "vi"), "score"] == pytest.approx(np.exp(log_s(AFTER, 0, "vi", ones)))
    number = [mask.name for mask in MASKS].index("r vi")
    assert rows.loc[("recipe", "vi"), "score"] == pytest.approx(np.exp(log_s(AFTER, number, "vi", ones)))
    seeds = [number for number, mask in enumerate(MASKS) if mask.kind == "uniform"]
    mean = np.exp(np.mean([log_s(AFTER, number, "en", ones) for number in seeds]))
    assert rows.loc[("uniform", "en"), "score"] == pytest.approx(mean)


def test_refuses_other_masks_and_other_samples():
    fewer = replace(AFTER, data=AFTER.data.isel(mask=slice(0, -1)), masks=MASKS[:-1])
    with pytest.raises(NeuroglotError, match="same masks"):
        survival(measured(BEFORE), measured(fewer))
    moved = replace(AFTER, data=AFTER.data.assign_coords(tokens=AFTER.data["tokens"] + 1))
    with pytest.raises(NeuroglotError, match="same samples"):
        f1_changes(measured(BEFORE), measured(moved))
