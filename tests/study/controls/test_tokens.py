"""Tokens a character against what might follow them."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import spearmanr

from neuroglot.study.controls.tokens import rank_correlation


def test_tokens_are_bytes_in_the_tiny_model(controlling):
    checking = controlling("tokens")
    frames = checking.frames()
    frame = frames["tokens_per_character"]
    assert len(frame) == 2 * 3
    assert set(frame["script"]) == {"Latin"}
    report = checking.run.text["report"]
    data = checking.ablation.data
    for _, row in frame.iterrows():
        language = row["language"]
        text = [sentence for one in report.documents[language] for sentence in one.sentences]
        lengths = sum(len(sentence.encode()) for sentence in text)
        assert row["tokens_per_character"] == pytest.approx(lengths / sum(map(len, text)))
        own = data["language"].values == language
        base = data["log_prob"].values[checking.ablation.base, own].sum()
        assert row["loss_per_byte"] == pytest.approx(-base / lengths)
        sets = checking.run.sets[row["recipe"]]
        masks = {name: one.mask for name, one in sets.items()}
        alike = [
            (masks[language] & other).sum() / (masks[language] | other).sum()
            for name, other in masks.items()
            if name != language
        ]
        assert row["jaccard"] == pytest.approx(np.mean(alike))
    f1 = checking.run.tables().langspec.set_index("mask")["f1_relative"]
    assert frame["f1_relative"].tolist() == pytest.approx(
        [f1[f"{row['recipe']} zero {row['language']}"] for _, row in frame.iterrows()]
    )
    correlations = frames["tokens_correlation"].set_index(["recipe", "of"])
    assert len(correlations) == 2 * 3
    own = frame[frame["recipe"] == "grad_act"]
    expected = spearmanr(own["tokens_per_character"], own["f1_relative"]).statistic
    assert correlations.loc[("grad_act", "f1_relative"), "spearman"] == pytest.approx(expected)
    assert correlations.loc[("grad_act", "f1_relative"), "languages"] == 3


def test_rank_correlation_and_all_shuffles():
    one, other = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2.0, 1.0, 3.0, 5.0, 5.0])
    found, p = rank_correlation(one, other, seed=0)
    assert found == pytest.approx(spearmanr(one, other).statistic)
    every = [spearmanr(each, other).statistic for each in permutations(one)]
    assert p == pytest.approx(np.mean(np.abs(every) >= abs(found) - 1e-9), abs=0.02)


def test_nothing_to_correlate():
    for one, other in (([1.0, 2.0], [1.0, 2.0]), ([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])):
        assert np.isnan(rank_correlation(np.array(one), np.array(other), seed=0)).all()
