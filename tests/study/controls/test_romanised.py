"""On romanised text: the overlap and every drop, done again step by step."""

from pathlib import Path

import numpy as np
import pytest

import neuroglot as ng
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.likelihood import likelihood
from neuroglot.objective import samples_of
from neuroglot.study.config import load_study
from neuroglot.study.controls import Controlling
from neuroglot.text.romanise import romanised
from tiny import save_tiny
from tiny_study import STUDY, run_stages, write_corpus, write_study

WORDS = {
    "en": ["rain", "bread", "river", "stone", "lamp", "garden", "winter", "market"],
    "ru": ["дождь", "хлеб", "река", "камень", "лампа", "сад", "зима", "рынок"],
    "zh": ["下雨", "面包", "河水", "石头", "电灯", "花园", "冬天", "市场"],
}


@pytest.fixture
def checking(tmp_path) -> Controlling:
    save_tiny(tmp_path / "model")
    write_corpus(tmp_path / "text", WORDS)
    changes = {"text": {"languages": list(WORDS)}, "checks": ["romanised"], "recipes": ["grad_act"]}
    changes |= {"interventions": {"zero": "all"}, "controls": {"uniform": 0, "matched": 1}}
    study = load_study(write_study(tmp_path / "study.yaml", tmp_path, **changes))
    return Controlling(run_stages(tmp_path / "run", study))


def test_every_number_step_by_step(checking):
    frame = checking.frames()["romanised"].set_index("target")
    assert list(frame.index) == ["ru", "zh"]  # English has nothing to be romanised from
    assert frame["script"].tolist() == ["Cyrillic", "Han"]

    run, model = checking.run, checking.run.model
    identify, report = (romanised(run.text[part], ["ru", "zh"]) for part in ("identify", "report"))
    found = ng.select(ng.score(model, identify, ["grad_act"]), "grad_act", STUDY["budget"])
    own, row = run.sets["grad_act"]["zh"], frame.loc["zh"]
    shared = (own.mask & found["zh"].mask).sum()
    assert row["survives"] == pytest.approx(shared / own.mask.sum())
    assert row["jaccard"] == pytest.approx(shared / (own.mask | found["zh"].mask).sum())
    assert row["chance"] == pytest.approx(found["zh"].mask.sum() / found["zh"].mask.size)

    def drop(neurons: ng.NeuronSet, text: ng.Corpus) -> float:
        samples = samples_of(model, text.restrict(["zh"]), "sentence")
        nobody = ng.NeuronSet("mlp", np.zeros(neurons.shape, dtype=bool))
        acts = {"none": ng.Intervention(nobody), "set": ng.Intervention(neurons)}
        log_prob = likelihood(model, samples, acts)["log_prob"].values.sum(axis=1)
        return (log_prob[0] - log_prob[1]) / sum(one.characters for one in samples)

    control = ng.NeuronSet.load(run.folder / "sets" / "matched" / "grad_act" / "0" / "zh.json")
    for part, expected in (
        ("native", drop(own, run.text["report"])),
        ("romanised", drop(own, report)),
        ("control", drop(control, report)),
        ("found", drop(found["zh"], report)),
    ):
        assert row[f"{part}_drop"] == pytest.approx(expected, rel=1e-3, abs=1e-6), part
        assert row[f"{part}_low"] <= row[f"{part}_drop"] <= row[f"{part}_high"]
    assert len({round(row[f"{part}_drop"], 6) for part in ("native", "romanised", "control", "found")}) == 4


def test_a_study_in_latin_letters_is_refused_before_the_pass(home, tmp_path):
    with pytest.raises(NeuroglotError, match="romanised: nothing to romanise: en, fr, vi"):
        load_study(write_study(tmp_path / "study.yaml", home, checks=["romanised"]))
    # Text that is not there is not this check's business: whoever reads it says so.
    changes = {"checks": ["romanised"], "text": {"source": str(tmp_path / "nowhere")}}
    assert load_study(write_study(tmp_path / "study.yaml", home, **changes)).checks


def test_sets_that_are_not_switched_off_are_refused(home, tmp_path):
    changes = {"checks": ["romanised"], "interventions": {"zero": ["grad_act"]}}
    with pytest.raises(NeuroglotError, match="needs the sets of 'lape_budget' switched off"):
        load_study(write_study(tmp_path / "study.yaml", home, **changes))
    only = {"recipes": ["gates"], "interventions": {"zero": "all"}, "checks": ["romanised"]}
    with pytest.raises(NeuroglotError, match="gates searches on the model"):
        load_study(write_study(tmp_path / "study.yaml", home, **only))


def test_the_study_file_stays_where_it_was(checking):
    again = Controlling(checking.run)
    first = checking.frames()["romanised"]
    pieces = sorted(Path(checking.run.folder / "ablation").iterdir())
    (checking.run.folder / "controls" / "romanised.csv").unlink()  # as if killed before it was written
    assert again.frames()["romanised"].equals(first)
    assert sorted(Path(checking.run.folder / "ablation").iterdir()) == pieces
