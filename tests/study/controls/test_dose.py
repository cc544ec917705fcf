"""Doses of sets and of their controls."""

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.study.config import load_study
from neuroglot.study.controls import Controlling
from tiny_study import write_study


def test_every_dose_against_hooks_by_hand(controlling):
    named = {"name": "dose", "options": {"strengths": [2, 0.5]}}
    checking = controlling(named, controls={"matched": 2, "recipes": ["grad_act"]})
    frames = checking.frames()
    run = checking.run
    samples = checking.samples(run.text["report"])
    control = NeuronSet.load(run.folder / "sets/matched/grad_act/0/vi.json")
    for name, neurons in (("dose", run.sets["grad_act"]["vi"]), ("dose_control", control)):
        frame = frames[name]
        assert list(frame["strength"].unique()) == [0, 0.5, 1, 2]
        assert len(frame) == 4 * 3
        assert set(frame["recipe"]) == {"grad_act"}
        acts = {f"{α}": Intervention(neurons, f"scale({α})") for α in (1, 0, 0.5, 2)}
        data = likelihood(run.model, samples, acts)
        rows = frame[frame["target"] == "vi"].set_index("strength")
        rates = {
            language: data["log_prob"].values[:, data["language"].values == language].sum(axis=1)
            / data["tokens"].values[data["language"].values == language].sum()
            for language in ("en", "fr", "vi")
        }
        for place, α in enumerate((1, 0, 0.5, 2)):
            lost = {language: rate[0] - rate[place] for language, rate in rates.items()}
            assert rows.loc[α, "drop"] == pytest.approx(lost["vi"], rel=1e-3, abs=1e-6)
            others = (lost["en"] + lost["fr"]) / 2
            assert rows.loc[α, "others_drop"] == pytest.approx(others, rel=1e-3, abs=1e-6)
            assert rows.loc[α, "low"] <= rows.loc[α, "drop"] + 1e-9
            assert rows.loc[α, "drop"] <= rows.loc[α, "high"] + 1e-9 or α
        assert (rows.loc[1].drop(["recipe", "target"]).astype(float) == 0).all()


def test_zero_and_one_are_there_already(controlling, monkeypatch):
    named = {"name": "dose", "options": {"strengths": [0, 1]}}
    checking = controlling(named)
    monkeypatch.setattr(Controlling, "measured", lambda *_: pytest.fail("measured again"))
    frames = checking.frames()
    drops = checking.run.tables().drops
    for name, mask in (("dose", "lape_budget zero fr"), ("dose_control", "matched lape_budget fr 0")):
        frame = frames[name]
        row = frame[(frame["recipe"] == "lape_budget") & (frame["target"] == "fr") & (frame["strength"] == 0)]
        told = drops[drops["mask"] == mask].set_index("language")["delta_log_prob"]
        assert row["drop"].item() == pytest.approx(-told["fr"], rel=1e-6)
        assert row["others_drop"].item() == pytest.approx(-(told["en"] + told["vi"]) / 2, rel=1e-6)


def test_without_controls_there_are_none(controlling):
    named = {"name": "dose", "options": {"strengths": []}}
    frames = controlling(named, controls={"matched": 0}).frames()
    assert frames["dose_control"].empty
    assert list(frames["dose_control"]) == list(frames["dose"])
    assert len(frames["dose"]) == 2 * 3 * 2


@pytest.mark.parametrize("strength", [-0.5, float("inf"), float("nan")])
def test_no_such_dose(home, tmp_path, strength):
    checks = [{"name": "dose", "options": {"strengths": [strength]}}]
    with pytest.raises(NeuroglotError, match="a strength is a number from 0 up"):
        load_study(write_study(tmp_path / "study.yaml", home, checks=checks))
