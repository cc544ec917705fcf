"""Sets beside matched random ones."""

from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.config import load_study
from neuroglot.study.controls import matched
from neuroglot.study.controls.matched import beside, holm
from tiny_study import write_study

LANGUAGES = ["en", "fr", "vi"]


def test_effects_from_the_log_probabilities(controlling):
    checking = controlling("matched", controls={"uniform": 0, "matched": 3})
    with patch.object(matched, "LEVEL", 1.0):
        frame = checking.frames()["matched"]
    assert list(zip(frame["recipe"], frame["target"], strict=True)) == [
        (recipe, language) for recipe in ("grad_act", "lape_budget") for language in LANGUAGES
    ]
    data = checking.ablation.data
    names = data["mask"].values.tolist()
    for _, row in frame.iterrows():
        own = data["language"].values == row["target"]
        total = data["log_prob"].values[:, own].sum(axis=1) / data["tokens"].values[own].sum()
        lost = {name: total[names.index("none")] - total[names.index(name)] for name in names}
        effect = lost[f"{row['recipe']} zero {row['target']}"]
        controls = np.array([lost[f"matched {row['recipe']} {row['target']} {seed}"] for seed in range(3)])
        assert row["effect"] == pytest.approx(effect, rel=1e-6)
        assert row["control"] == pytest.approx(sum(controls) / 3, rel=1e-6)
        spread = (((controls - controls.mean()) ** 2).sum() / 2) ** 0.5
        assert row["standardised"] == pytest.approx((effect - controls.mean()) / spread, rel=1e-5)
        assert row["p"] == (1 + sum(control >= effect for control in controls)) / 4
        assert (row["seeds"], row["p_least"]) == (3, 0.25)
    langspec = checking.run.tables().langspec
    rho = langspec[langspec["kind"] == "recipe"].set_index(["recipe", "baseline", "language"])
    for _, row in frame.iterrows():
        told = rho.loc[(row["recipe"], "zero", row["target"]), ["rho", "rho_low", "rho_high"]]
        np.testing.assert_allclose(row[["rho", "rho_low", "rho_high"]].astype(float), told.astype(float))
    for _, of in frame.groupby("recipe"):
        np.testing.assert_allclose(of["p_holm"], holm(of["p"].to_numpy()))


def test_an_effect_beside_its_controls():
    assert beside(5.0, np.array([1.0, 2.0, 3.0])) == {
        "control": 2.0,
        "standardised": 3.0,
        "seeds": 3,
        "p": 0.25,
        "p_least": 0.25,
    }
    tied = beside(2.0, np.array([2.0, 1.0]))
    assert tied["p"] == pytest.approx(2 / 3), "a control as strong counts"
    assert np.isnan(beside(5.0, np.array([1.0]))["standardised"])
    assert np.isnan(beside(5.0, np.array([1.0, 1.0]))["standardised"])


def test_holm_as_in_a_textbook():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, 0.6])), [1.0, 1.0])


def test_no_adjusted_p_where_none_could_be_small_enough(controlling):
    """Three targets and one seed: 3 × 1/2 is over 5 %."""
    frame = controlling("matched").frames()["matched"]
    assert frame["p_holm"].isna().all()
    assert frame["standardised"].isna().all()
    assert set(frame["p"]) <= {0.5, 1.0}
    assert pd.api.types.is_float_dtype(frame["p_holm"])


def test_a_study_without_controls_is_refused(home, tmp_path):
    for changes, said in (
        ({"controls": {"matched": 0}}, "checks: matched: needs matched controls: controls.matched is 0"),
        ({"interventions": {"zero": ["grad_act"]}}, "sets of 'lape_budget' switched off"),
    ):
        with pytest.raises(NeuroglotError, match=said):
            load_study(write_study(tmp_path / "study.yaml", home, checks=["matched"], **changes))
