"""Direct beside total effects, and doses: against loops over resamples."""

import numpy as np
import pytest
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.evaluation.dose import dose_response
from neuroglot.evaluation.effects import effects

LANGUAGES = ("en", "zh", "vi")
DOCUMENTS = 6
MASKS = (
    Mask("none", "none"),
    Mask("r zero en", "recipe", "r", "zero", "en", 5),
    Mask("r half en", "recipe", "r", "scale(0.5)", "en", 5),
    Mask("r half zh", "recipe", "r", "scale(0.5)", "zh", 5),
    Mask("r mean en", "recipe", "r", "grand_mean", "en", 5),
    Mask("r constant en", "recipe", "r", "constant(0.5)", "en", 5),
    Mask("r 0 zero en", "matched", "r", "zero", "en", 5),
    Mask("off", "everything_off", size=99),
)


def ablation(seed, weight=1.0):
    """Every mask costs every language something, the more the later it stands; documents differ."""
    draw = np.random.default_rng(seed)
    samples = [(x, f"d{n}") for x in LANGUAGES for n in range(DOCUMENTS)]
    tokens = np.random.default_rng(9).integers(5, 20, len(samples))
    lost = np.arange(len(MASKS))[:, None] * (1 + 0.2 * draw.normal(size=(len(MASKS), len(samples))))
    text = np.dtypes.StringDType()
    data = xr.Dataset(
        {"log_prob": (("mask", "sample"), -tokens * (3 + weight * lost))},
        coords={
            "mask": np.array([mask.name for mask in MASKS], dtype=text),
            "language": ("sample", np.array([x for x, _ in samples], dtype=text)),
            "document": ("sample", np.array([d for _, d in samples], dtype=text)),
            "sentence": ("sample", np.zeros(len(samples), dtype=int)),
            "tokens": ("sample", tokens),
        },
    )
    return Ablation(data, MASKS)


def drawn(one, resamples):
    """[all documents and resamples, mask, language]: Δ log p a token."""
    values = one.data["log_prob"].values.reshape(len(MASKS), len(LANGUAGES), DOCUMENTS)
    tokens = one.data["tokens"].values.reshape(len(LANGUAGES), DOCUMENTS)
    weights = [np.ones(DOCUMENTS), *resample_weights(DOCUMENTS, resamples, seed=0)]
    means = np.array([(values * w).sum(axis=2) / (tokens * w).sum(axis=1) for w in weights])
    return means - means[:, :1]


def test_direct_and_total_on_the_same_resamples():
    total, part = ablation(1), ablation(2, weight=0.25)
    frame = effects(total, part, resamples=100)
    assert len(frame) == (len(MASKS) - 1) * len(LANGUAGES)
    whole, direct = drawn(total, 100), drawn(part, 100)
    for _, row in frame.iterrows():
        here = (
            slice(None),
            [mask.name for mask in MASKS].index(row["mask"]),
            LANGUAGES.index(row["language"]),
        )
        for name, values in {
            "total": whole[here],
            "direct": direct[here],
            "share": direct[here] / whole[here],
        }.items():
            expected = [values[0], *np.quantile(values[1:], [0.025, 0.975])]
            np.testing.assert_allclose([row[name], row[f"{name}_low"], row[f"{name}_high"]], expected)
    assert frame["share"].between(0.1, 0.5).all()


def test_of_no_effect_there_is_no_share():
    total = ablation(1)
    noise = np.random.default_rng(0).normal(size=18) * np.tile([-1, 1], 9)
    total.data["log_prob"].values[1] = total.data["log_prob"].values[0] + 0.01 * noise
    frame = effects(total, ablation(2), resamples=100)
    shares = frame[frame["mask"] == "r zero en"]
    assert shares[["share", "share_low", "share_high"]].isna().all(axis=None)
    assert not shares["direct"].isna().any()


def test_refuses_to_compare_other_masks_or_texts():
    one, other = ablation(1), ablation(1)
    other.data["tokens"].values[0] += 1
    with pytest.raises(NeuroglotError, match="not measured with the same masks on the same text"):
        effects(one, other)
    fewer = Ablation(one.data.isel(mask=slice(0, 3)), MASKS[:3])
    with pytest.raises(NeuroglotError, match="not measured with the same masks on the same text"):
        effects(one, fewer)


def test_dose_response():
    one = ablation(1)
    frame = dose_response(one, resamples=100)
    assert frame[["kind", "recipe", "alpha", "masks"]].values.tolist() == [
        ["matched", "r", 0.0, 1],
        ["recipe", "r", 0.0, 1],
        ["recipe", "r", 0.5, 2],
    ], "means and constants are no doses, and everything off aims at nobody"
    lost = -drawn(one, 100)
    half = frame.iloc[2]
    own = (lost[:, 2, 0] + lost[:, 3, 1]) / 2
    others = (lost[:, 2, 1] + lost[:, 2, 2] + lost[:, 3, 0] + lost[:, 3, 2]) / 4
    for name, values in {"target": own, "others": others}.items():
        expected = [values[0], *np.quantile(values[1:], [0.025, 0.975])]
        np.testing.assert_allclose([half[name], half[f"{name}_low"], half[f"{name}_high"]], expected)
