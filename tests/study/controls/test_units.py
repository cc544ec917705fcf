"""Per token, character, byte: the same nats, divided by other counts."""

import numpy as np
import pytest


def test_relative_f1_per_byte_from_the_log_probabilities(controlling):
    checking = controlling("units")
    frame = checking.frames()["units"].set_index(["unit", "mask", "language"])
    data = checking.ablation.data
    languages = list(checking.languages)
    of = {name: data["language"].values == name for name in languages}
    names = data["mask"].values.tolist()

    def score(mask: str, language: str) -> float:
        lengths = data["bytes"].values[of[language]].sum()
        return np.exp(data["log_prob"].values[names.index(mask), of[language]].sum() / lengths)

    target, mask = "fr", "grad_act zero fr"
    lost = {one: max(1 - score(mask, one) / score("none", one), 0) for one in languages}
    precision = lost[target] / (lost[target] + max(lost[one] for one in languages if one != target) + 1e-12)
    expected = 2 * precision * lost[target] / (precision + lost[target] + 1e-12)
    assert frame.loc[("bytes", mask, target), "f1_relative"] == pytest.approx(expected, rel=1e-6)
    assert not np.isclose(frame.loc[("characters", mask, target), "f1_relative"], expected)
