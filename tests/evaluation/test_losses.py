"""Losses and their intervals against a loop over resamples."""

import numpy as np
import pytest
import xarray as xr

from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.evaluation.losses import judged, losses
from neuroglot.evaluation.tables import tabulate

MASKS = (
    Mask("none", "none"),
    Mask("r zero fr", "recipe", "r", "zero", "fr", 3),
    Mask("everything_off", "everything_off", size=9),
)


@pytest.fixture
def ablation() -> Ablation:
    rng = np.random.default_rng(0)
    languages, documents = ["en", "fr"], 5
    language = np.repeat(languages, 2 * documents)
    document = np.tile(np.repeat([f"d{n}" for n in range(documents)], 2), 2)
    text = np.dtypes.StringDType()
    samples = len(language)
    return Ablation(
        xr.Dataset(
            {
                "log_prob": (("mask", "sample"), -rng.uniform(1, 30, (3, samples))),
                "moved": ("mask", np.ones(3)),
                "inert": ("mask", np.array([""] * 3, dtype=text)),
            },
            coords={
                "mask": np.array([mask.name for mask in MASKS], dtype=text),
                "language": ("sample", language.astype(text)),
                "document": ("sample", document.astype(text)),
                "sentence": ("sample", np.tile([0, 1], samples // 2)),
                "tokens": ("sample", rng.integers(3, 9, samples)),
                "characters": ("sample", rng.integers(9, 40, samples)),
                "bytes": ("sample", rng.integers(9, 60, samples)),
            },
        ),
        MASKS,
    )


@pytest.mark.parametrize("unit", ["tokens", "characters"])
def test_drops_by_a_loop_over_resamples(ablation, unit):
    frame = losses(ablation, unit=unit, resamples=200, seed=4).set_index(["mask", "language"])
    assert len(frame) == 4  # the untouched model has no row
    data = ablation.data
    here = [data["language"].values == "fr", data["document"].values]

    def drop(counts: np.ndarray) -> float:
        weight = here[0] * counts[[int(name[1]) for name in here[1].tolist()]]
        lost = (data["log_prob"].values[0] - data["log_prob"].values[1]) * weight
        return lost.sum() / (weight * data[unit].values).sum()

    row = frame.loc[("r zero fr", "fr")]
    assert row["drop"] == pytest.approx(drop(np.ones(5)))
    drawn = [drop(counts) for counts in resample_weights(5, 200, 4)]
    assert [row["drop_low"], row["drop_high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]))


def test_a_mask_is_judged_in_its_target_alone(ablation):
    frame = judged(ablation, resamples=200)
    (row,) = frame.to_dict("records")
    assert (row["mask"], row["target"], row["size"]) == ("r zero fr", "fr", 3)
    known = tabulate(ablation, resamples=200).langspec.set_index("mask").loc["r zero fr"]
    assert (row["f1_relative"], row["low"], row["high"]) == (
        known["f1_relative"],
        known["f1_relative_low"],
        known["f1_relative_high"],
    )
    assert row["collateral_mean"] == known["collateral_mean"]
    lost = losses(ablation, resamples=200).set_index(["mask", "language"]).loc[("r zero fr", "fr")]
    assert row["drop"] == lost["drop"]
