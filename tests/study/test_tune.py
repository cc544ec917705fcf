"""A tuning beside the tiny run: what it measures, that it goes on, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Ablation, Mask
from neuroglot.evaluation.bootstrap import resample_weights
from neuroglot.neurons import NeuronSet
from neuroglot.study.run import Run
from neuroglot.study.tuning import TuneSettings, Tuning, tuning
from neuroglot.study.tuning.effects import effects
from tiny_study import WORDS, run_stages

QUICK = TuneSettings(steps=8, tokens=60, rates=(1e-3, 3e-2))


@pytest.fixture
def counted(monkeypatch):
    """Which arms were tuned."""
    names, fit = [], tuning.fit

    def counting(arm, *rest):
        names.append(arm.name)
        return fit(arm, *rest)

    monkeypatch.setattr(tuning, "fit", counting)
    return names


def tuned(folder, **changes):
    made = Tuning(Run.open(folder), "vi", settings=QUICK, **changes)
    made.work()
    return made


def test_a_tuning_from_end_to_end(finished, counted, monkeypatch):
    run = Run.open(finished)
    before = {name: weight.clone() for name, weight in run.model.network.state_dict().items()}
    made = Tuning(run, "vi", settings=QUICK)
    made.work()
    frames = made.frames()
    assert counted == ["selected", "matched 0", "matched 1", "lora"]
    now = run.model.network.state_dict()
    assert list(now) == list(before)
    assert all(torch.equal(now[name], weight) for name, weight in before.items())
    arms = frames["arms"].set_index("arm")
    assert arms["parameters"].nunique() <= 2
    assert abs(arms["parameters"]["lora"] / arms["parameters"]["selected"] - 1) < 0.1
    assert (arms["loss_after"] < arms["loss_before"]).all()
    assert set(arms["rate"]) <= set(QUICK.rates) and arms["rate_at_edge"].all()
    changes = frames["changes"]
    assert (changes["low"] <= changes["change"] + 1e-9).all()
    assert set(changes["language"]) == {*WORDS, "others"}
    target = changes[changes["language"] == "vi"].set_index("arm")["change"]
    assert (target > 0).all()  # the words are the same in all documents
    for name in frames:
        assert (made.folder / "results" / f"{name}.csv").is_file()
    curves = frames["curves"]
    assert (curves.groupby(["arm", "rate", "part"]).size().unstack() == [8, 9]).all().all()

    # Killed before the last arm: only that is done again, and all is as it was.
    lora = made._path(made.arms[-1], ".zarr.zip")
    lora.unlink()
    counted.clear()
    again = tuned(finished)
    assert counted == ["lora"]
    for name, frame in again.frames().items():
        pd.testing.assert_frame_equal(
            frame.drop(columns="seconds", errors="ignore"),
            frames[name].drop(columns="seconds", errors="ignore"),
            rtol=1e-4,
        )
    # A damaged piece counts as missing; other settings share nothing but the untuned model.
    lora.write_bytes(lora.read_bytes()[:200])
    counted.clear()
    tuned(finished)
    assert counted == ["lora"]
    counted.clear()
    other = Tuning(Run.open(finished), "vi", settings=TuneSettings(steps=2, tokens=60, rates=(1e-3,)))
    read = []
    monkeypatch.setattr(tuning, "SwitchOff", spied(tuning.SwitchOff, read))
    other.work()
    assert len(counted) == 4
    assert read == ["selected", "matched 0", "matched 1", "lora"]


def spied(work, read):
    def make(samples, interventions, attributes):
        read.extend(interventions)
        return work(samples, interventions, attributes)

    return make


def test_text_to_learn_to_choose_and_to_report_on_never_meet(finished):
    made = Tuning(Run.open(finished), "vi", settings=QUICK)
    train, validation, report = made._samples
    parts = [{(one.language, one.document) for one in part} for part in (train, validation)]
    assert not parts[0] & parts[1]
    assert {one.language for part in (train, validation) for one in part} == {"vi"}
    learned = {one.ids for part in (train, validation) for one in part}
    assert not learned & {one.ids for one in report}
    own = Run.open(finished).text["identify"].documents["vi"]
    assert parts[0] | parts[1] == {("vi", document.id) for document in own}


def test_matched_sets_are_the_runs_own_and_more_like_them(finished):
    made = Tuning(Run.open(finished), "vi", settings=QUICK)
    first, second = made._matched()
    assert first == NeuronSet.load(finished / "sets" / "matched" / "grad_act" / "0" / "vi.json")
    assert (first.mask.sum(axis=1) == second.mask.sum(axis=1)).all() and first != second
    assert not (second.mask & made.selected.mask).any()


def test_neurons_of_another_site_of_the_mlp_can_be_tuned(finished):
    made = Tuning(Run.open(finished), "fr", "lape_budget", QUICK)
    assert made.selected.site == "mlp_gate"
    assert made.arms[1].parameters == made.arms[2].parameters > 0
    with made.arms[1].attach(made.model) as learned:
        assert learned


def invented():
    """Two languages of three and two documents of two sentences, and five arms."""
    names = ["none", "selected", "matched 0", "matched 1", "lora"]
    dice = np.random.default_rng(0)
    rows = [
        (lang, f"d{d}", s) for lang, n in (("vi", 3), ("en", 2), ("fr", 3)) for d in range(n) for s in (0, 1)
    ]
    data = xr.Dataset(
        {"log_prob": (("mask", "sample"), -dice.random((5, len(rows))) * 30 - 20)},
        coords={
            "mask": names,
            "language": ("sample", [row[0] for row in rows]),
            "document": ("sample", [row[1] for row in rows]),
            "sentence": ("sample", [row[2] for row in rows]),
            "tokens": ("sample", dice.integers(5, 20, len(rows))),
        },
    )
    kinds = ["none", "selected", "matched", "matched", "lora"]
    return Ablation(data, tuple(map(Mask, names, kinds)))


def test_effects_against_plain_sums():
    ablation = invented()
    found = effects(ablation, "en", 200, 3)
    data = ablation.data
    languages, documents = ["vi", "en", "fr"], [3, 2, 3]
    drawn = np.concatenate([np.ones((1, 3, 3), int), resample_weights(documents, 200, 3)])
    drawn[0, 1, 2] = 0

    def mean(arm, language, counts):
        total = size = 0.0
        for place in range(data.sizes["sample"]):
            if data["language"].values[place] == language:
                weight = counts[languages.index(language), int(data["document"].values[place][1:])]
                total += weight * data["log_prob"].values[arm, place]
                size += weight * data["tokens"].values[place]
        return total / size

    change = {
        (arm, language): np.array([mean(arm, language, one) - mean(0, language, one) for one in drawn])
        for arm in range(1, 5)
        for language in languages
    }
    for arm in range(1, 5):
        change[arm, "others"] = (change[arm, "vi"] + change[arm, "fr"]) / 2
    rows = found.changes.set_index(["arm", "language"])
    for arm, places in {"selected": [1], "matched 1": [3], "matched": [2, 3], "lora": [4]}.items():
        for language in [*languages, "others"]:
            expected = np.mean([change[place, language] for place in places], axis=0)
            row = rows.loc[arm, language]
            assert row["change"] == pytest.approx(expected[0], rel=1e-9)
            limits = np.quantile(expected[1:], [0.025, 0.975])
            assert [row["low"], row["high"]] == pytest.approx(limits.tolist(), rel=1e-9)
    apart = found.differences.set_index(["rival", "language"]).loc["matched", "others"]
    expected = change[1, "others"] - (change[2, "others"] + change[3, "others"]) / 2
    assert apart["difference"] == pytest.approx(expected[0])
    assert apart["low"] == pytest.approx(np.quantile(expected[1:], 0.025))


def test_one_language_has_no_others():
    ablation = invented()
    alone = Ablation(ablation.data.isel(sample=slice(0, 6)), ablation.masks)
    assert set(effects(alone, "vi", 100, 0).changes["language"]) == {"vi"}


@pytest.mark.parametrize(
    ("language", "recipe", "message"),
    [
        ("vj", None, "unknown language 'vj'; did you mean 'vi'?"),
        ("vi", "grad_actt", "unknown recipe of this run 'grad_actt'; did you mean 'grad_act'?"),
    ],
)
def test_unknown_names(finished, language, recipe, message):
    with pytest.raises(NeuroglotError, match=message.replace("?", r"\?")):
        Tuning(Run.open(finished), language, recipe)


def test_refused_before_anything_is_loaded(finished, monkeypatch):
    monkeypatch.setattr("neuroglot.model.language_model.LanguageModel.load", None)
    monkeypatch.setattr("neuroglot.study.tuning.lora.find_spec", lambda name: None)
    with pytest.raises(NeuroglotError, match="needs the extra `tune`"):
        Tuning(Run.open(finished), "vi")
    monkeypatch.undo()
    monkeypatch.setattr("neuroglot.model.language_model.LanguageModel.load", None)
    path = finished / "sets" / "grad_act" / "vi.json"
    NeuronSet("mlp", np.zeros((3, 48), dtype=bool), "vi").save(path)
    with pytest.raises(NeuroglotError, match="'grad_act' chose no neuron for 'vi'"):
        Tuning(Run.open(finished), "vi")


def test_a_site_without_rows_and_columns(home, study, tmp_path):
    site = {"name": "stream", "score": "grad_act", "contrast": "zscore", "site": "resid"}
    run = Run.begin(tmp_path / "new", study(recipes=[site], interventions={"zero": "all"}))
    with pytest.raises(NeuroglotError, match=r"'stream' chooses neurons at site 'resid'; .* mlp, mlp_gate"):
        Tuning(run, "vi")


def test_an_unfinished_run(study, tmp_path):
    run = Run.begin(tmp_path / "new", study())
    with pytest.raises(NeuroglotError, match=r"stage 'select' .* is not finished"):
        Tuning(run, "vi")


def test_a_run_without_matched_controls(study, tmp_path):
    run = run_stages(tmp_path / "run", study(controls={"uniform": 1, "matched": 0}, recipes=["grad_act"]))
    with pytest.raises(NeuroglotError, match=r"set `controls.matched` to at least 1 for recipe 'grad_act'"):
        Tuning(run, "vi", settings=QUICK).work()


def test_a_single_document(study, tmp_path):
    one = study(text={"identify": 1}, recipes=["grad_act"], interventions={"zero": "all"})
    run = run_stages(tmp_path / "run", one)
    with pytest.raises(NeuroglotError, match="it needs 2 of 'vi' to identify on, and the run has 1"):
        Tuning(run, "vi")


def test_another_model_than_the_sets_were_chosen_with(finished):
    run = Run.open(finished)
    made = Tuning(run, "vi", settings=QUICK)
    with torch.no_grad():
        next(run.model.network.parameters()).add_(1.0)
    with pytest.raises(NeuroglotError, match="text or model have changed since `score`"):
        made.work()
