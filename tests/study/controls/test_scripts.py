"""What languages of the same and of other scripts lose."""

import numpy as np
import pytest

from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.study.controls.scripts import share
from tiny_study import WORDS, write_corpus

SCRIPTS = {"en": "Latin", "fr": "Latin", "ru": "Cyrillic", "bg": "Cyrillic"}
TWO = {
    "en": WORDS["en"],
    "fr": WORDS["fr"],
    "ru": ["дождь", "хлеб", "река", "камень", "лампа", "сад", "зима", "рынок"],
    "bg": ["лъч", "хляб", "вода", "скала", "свещ", "двор", "есен", "пазар"],
}


@pytest.fixture
def two_scripts(controlling, tmp_path):
    """A run on two languages of each of two scripts."""
    text = {"source": str(write_corpus(tmp_path / "text", TWO)), "languages": list(SCRIPTS)}
    return controlling("scripts", text=text, recipes=["grad_act"], interventions={"zero": "all"})


def drawn_drops(data, mask: str, language: str, weights) -> np.ndarray:
    """1 − S_masked/S on each row of weights, document by document."""
    names = data["mask"].values.tolist()
    own = data["language"].values == language
    documents = list(dict.fromkeys(data["document"].values[own].tolist()))
    found = []
    for row in weights:
        scores = []
        for name in ("none", mask):
            total = length = 0.0
            for count, document in zip(row, documents, strict=True):
                here = own & (data["document"].values == document)
                total += count * data["log_prob"].values[names.index(name), here].sum()
                length += count * data["tokens"].values[here].sum()
            scores.append(np.exp(total / length))
        found.append(1 - scores[1] / scores[0])
    return np.array(found)


def test_shares_of_every_pair_and_of_the_groups(two_scripts):
    frames = two_scripts.frames()
    pairs, groups = frames["scripts"], frames["script_pairs"].set_index("pairs_of")
    assert len(pairs) == 4 * 3
    data, study = two_scripts.ablation.data, two_scripts.run.study
    _, _, documents = two_scripts.ablation.by_document()
    weights = resample_weights(documents, study.resamples, study.seed)
    if weights.ndim == 2:
        weights = np.repeat(weights[:, None], 4, axis=1)
    weights = np.concatenate([np.ones_like(weights[:1]), weights])
    drop = {
        (target, language): drawn_drops(data, f"grad_act zero {target}", language, weights[:, place])
        for target in SCRIPTS
        for place, language in enumerate(SCRIPTS)
    }
    told = 0
    for _, row in pairs.iterrows():
        target, language = row["target"], row["language"]
        assert (row["target_script"], row["language_script"]) == (SCRIPTS[target], SCRIPTS[language])
        assert row["same_script"] == (SCRIPTS[target] == SCRIPTS[language])
        other, own = drop[target, language], drop[target, target]
        assert row["drop_relative"] == pytest.approx(other[0], rel=1e-6, abs=1e-9)
        assert row["target_drop_relative"] == pytest.approx(own[0], rel=1e-6, abs=1e-9)
        low, high = np.quantile(own[1:], [0.025, 0.975])
        if low <= 0 <= high:
            assert np.isnan(row["share"])
            continue
        told += 1
        found = other / own
        expected = [found[0], *np.quantile(found[1:], [0.025, 0.975])]
        np.testing.assert_allclose(row[["share", "low", "high"]].astype(float), expected, rtol=1e-5)
    assert told
    of = {}
    for same, name in ((True, "same script"), (False, "different script")):
        those = [(t, x) for t in SCRIPTS for x in SCRIPTS if t != x and (SCRIPTS[t] == SCRIPTS[x]) == same]
        assert groups.loc[name, "pairs"] == len(those) == (4 if same else 8)
        of[name] = np.mean([drop[pair] for pair in those], axis=0) / np.mean(
            [drop[t, t] for t, _ in those], axis=0
        )
        if not np.isnan(groups.loc[name, "share"]):
            assert groups.loc[name, "share"] == pytest.approx(of[name][0], rel=1e-5)
            assert groups.loc[name, "high"] == pytest.approx(np.quantile(of[name][1:], 0.975), rel=1e-5)
    if not np.isnan(groups.loc["difference", "share"]):
        difference = of["same script"] - of["different script"]
        assert groups.loc["difference", "share"] == pytest.approx(difference[0], rel=1e-5)
        assert groups.loc["difference", "low"] == pytest.approx(np.quantile(difference[1:], 0.025), rel=1e-5)
    assert groups.loc["difference", "pairs"] == 12


def test_one_script_has_no_difference(controlling):
    groups = controlling("scripts").frames()["script_pairs"]
    assert set(groups["pairs_of"]) == {"same script"}
    assert list(groups["pairs"]) == [6, 6]


def test_of_no_effect_there_is_no_part():
    whole = np.array([0.1, -0.2, 0.1, 0.3])
    assert np.isnan(share(np.ones(4), whole)).all()
    np.testing.assert_allclose(share(np.ones(4), whole + 1), 1 / (whole + 1))
