"""Continuation choice against answers picked by hand, and the verdicts against their intervals."""

import numpy as np
import pandas as pd
import pytest

import neuroglot as ng
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.choice import choice_samples
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.study.config import load_study
from neuroglot.study.controls import choice
from tiny_study import write_study

OPTIONS = {"name": "choice", "options": {"items": 5}}


def test_accuracies_from_the_log_probabilities(controlling):
    checking = controlling(OPTIONS, recipes=["grad_act"], interventions={"zero": "all"})
    frames = checking.frames()
    run, model = checking.run, checking.run.model
    items, samples = choice_samples(model, run.text["report"].take(5))
    own = run.sets["grad_act"]["fr"]
    nobody = ng.NeuronSet("mlp", np.zeros(own.shape, dtype=bool))
    data = likelihood(model, samples, {"none": ng.Intervention(nobody), "set": ng.Intervention(own)})
    right = {"none": [], "set": []}
    for number, item in enumerate(items):
        if item.language == "fr":
            for place, name in enumerate(right):
                four = data["log_prob"].values[place, 4 * number : 4 * number + 4]
                per_byte = [one / len(text.encode()) for one, text in zip(four, item.choices, strict=True)]
                right[name].append(int(np.argmax(per_byte)) == item.answer)
    frame = frames["choice"].set_index(["kind", "target", "language"])
    row = frame.loc[("recipe", "fr", "fr")]
    assert row["items"] == 5
    assert row["accuracy_before"] == pytest.approx(np.mean(right["none"]))
    assert row["accuracy_after"] == pytest.approx(np.mean(right["set"]))
    assert row["lost"] == pytest.approx(np.mean(right["none"]) - np.mean(right["set"]))
    assert row["lost_low"] <= row["lost"] <= row["lost_high"]
    assert set(frames["choice"]["kind"]) == {"recipe", "matched", "everything_off"}
    assert len(frame) == (3 + 3 + 1) * 3
    assert len(frames["choice_f1"]) == 3 + 3 + 3
    assert (
        frames["choice_f1"].set_index(["kind", "target"]).loc[("recipe", "fr"), "f1"]
        == pytest.approx(np.nan, nan_ok=True)
        or not row["at_chance"]
    )


def test_verdicts_by_intervals_alone(controlling, monkeypatch):
    checking = controlling()
    languages, per = ["en", "fr", "vi", "ru", "zh"], {"recipe": "r", "kind": "recipe"}
    lost = pd.DataFrame(
        {**per, "baseline": "zero", "target": languages, "language": languages}
        | {"drop": np.log([2, 2, 1, 1, 2]), "drop_low": [0.1, 0.1, -0.1, -0.1, 0.1]}
    )
    tasks = pd.DataFrame(
        {**per, "target": languages, "language": languages, "lost": [0.5, 0.1, 0.4, 0.0, 0.3]}
        | {"lost_low": [0.2, -0.1, 0.1, -0.2, 0.1], "at_chance": [False] * 4 + [True]}
    )
    monkeypatch.setattr(choice, "losses", lambda *_, **__: lost)
    found = choice._agreement(checking, tasks).set_index("target")
    verdicts = ["both", "likelihood only", "task only", "neither", "task at chance"]
    assert found.loc[languages, "verdict"].tolist() == verdicts
    assert found["likelihood_drop"].tolist() == pytest.approx([0.5, 0.5, 0, 0, 0.5])
    assert found["accuracy_lost"].tolist() == [0.5, 0.1, 0.4, 0.0, 0.3]


def test_fewer_items_than_choices_are_refused(home, tmp_path):
    checks = [{"name": "choice", "options": {"items": 3}}]
    with pytest.raises(NeuroglotError, match=r"'choice': items: .*greater than or equal to 4"):
        load_study(write_study(tmp_path / "study.yaml", home, checks=checks))
