"""Steering the tiny study: answers are kept, intervals paired, controls as large, mistakes one line."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.answers.live import Ask, Writing, write
from neuroglot.intervention.hooks import intervene
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.objective import samples_of
from neuroglot.study.run import Run
from neuroglot.study.tasks.settings import Generation, Steering
from neuroglot.study.tasks.steering import pieces, steer_frames
from neuroglot.study.tasks.steering.conditions import Means, with_neurons
from neuroglot.study.tasks.steering.frames import COLUMNS, tabulate
from neuroglot.study.tasks.steering.layer import choose_layer
from neuroglot.study.tasks.steering.means import Measured
from neuroglot.text.prompts import render

LITTLE = {"questions": 2, "enhance": [3.0], "add": [2.0], "diffmean": [1.0], "max_new_tokens": 6}
ASKED = {"en": "Why {}?", "fr": "Pourquoi {} ?", "vi": "Sao {}?"}
METHODS = {"none", "own", "prompt", "enhance", "add", "replace", "diffmean"}


@pytest.fixture
def folder(tmp_path):
    """Four questions in each language."""
    home = tmp_path / "questions"
    home.mkdir()
    for language, text in ASKED.items():
        lines = [json.dumps({"id": f"q{n}", "text": text.format("abcd"[n])}) for n in range(4)]
        (home / f"{language}.jsonl").write_text("\n".join(lines), "utf-8")
    return home


@pytest.fixture
def opened(finished, folder):
    """The finished run with other settings of steering."""

    def make(**settings) -> Run:
        run = Run.open(finished)
        update = {
            "steering": Steering(**LITTLE | settings),
            "generation": Generation(questions=str(folder), context=128, batch=4),
        }
        run.study = run.study.model_copy(update=update)
        return run

    return make


def test_every_method_is_there_with_its_control_and_nothing_is_answered_twice(opened, monkeypatch):
    run = opened(pairs=[("en", "vi"), ("vi", "fr")])
    frames = steer_frames(run)
    steering, answers = frames["steering"], frames["steering_answers"]
    assert list(steering.columns) == list(COLUMNS)
    assert set(steering["method"]) == METHODS
    controlled = steering[steering["control"] == "matched"]
    assert set(controlled["method"]) == {"enhance", "add", "replace"}
    assert set(zip(steering["source"], steering["target"], strict=True)) == {
        ("en", "vi"), ("vi", "fr"), ("", ""),
    }  # fmt: skip
    assert len(answers) == 2 * 2 * 10  # pairs, questions, conditions
    assert set(answers["question"]) == {"q0", "q1"}
    own = answers[answers["method"] == "own"]
    assert (own["chrf"] == 100).all()
    assert set(own["text"]) == {f"{ASKED[x]}".format(n) for x in ("vi", "fr") for n in "ab"}
    tried = frames["steering_layer"]
    assert tried["layer"].tolist() == [0, 1, 2] and tried["chosen"].sum() == 1
    assert tried["answers"].tolist() == [4, 4, 4]

    def never(*_):
        raise AssertionError("this was answered")

    monkeypatch.setattr(pieces, "write", never)
    again = steer_frames(opened(pairs=[("en", "vi"), ("vi", "fr")]))
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(again[name], frame)


def test_a_killed_run_goes_on_where_it_was(opened, monkeypatch):
    asked = []

    def written(model, asks, *rest):
        asked.extend(asks)
        if len(asked) > 9 and not any(ask is None for ask in asked):
            asked.append(None)  # once
            raise KeyboardInterrupt
        return write(model, asks, *rest)

    monkeypatch.setattr(pieces, "write", written)
    settings = {"pairs": [("en", "vi")], "diffmean_layer": 1}
    with pytest.raises(KeyboardInterrupt):
        steer_frames(opened(**settings))
    lost = len([ask for ask in asked if ask]) - 8
    steer_frames(opened(**settings))
    assert lost == 4  # a batch
    assert len([ask for ask in asked if ask]) == 10 * 2 + lost


def test_an_answer_is_the_models_own(opened):
    run = opened(pairs=[("en", "vi")], diffmean_layer=2)
    answers = steer_frames(run)["steering_answers"].set_index(["method", "control", "question"])["answer"]
    model, writing = run.model, Writing(6, 128)
    prompt = render(model.tokenizer, "Why b?", "en")
    found = run.sets["grad_act"]["vi"]
    means = Measured(run, run.study.recipes[0]).means
    mask = np.zeros((3, 32), dtype=bool)
    mask[2] = True
    acts = {
        ("none", ""): (),
        ("enhance", ""): (Intervention(found, "scale(3)"),),
        ("add", ""): (Intervention(found, "add(2)", means.neurons),),
        ("diffmean", ""): (Intervention(NeuronSet("resid", mask, "vi"), "toward(1)", means.stream),),
    }
    for (method, control), own in acts.items():
        (alone,) = write(model, [Ask(prompt, own)], writing, ("\nQuestion:", "\nCâu hỏi:"))
        assert answers[method, control, "q1"] == alone.text, method
    (asked,) = write(
        model, [Ask(render(model.tokenizer, "Why a? Hãy trả lời bằng tiếng Việt.", "en"))], writing
    )
    assert answers["prompt", "", "q0"] == asked.text


def test_means_are_those_of_the_identification_text(opened):
    run = opened()
    measured = Measured(run, run.study.recipes[0])
    model, total = run.model, {}
    for sample in samples_of(model, run.text["identify"]):
        with torch.inference_mode():
            states = model.network(
                input_ids=torch.tensor([sample.ids]), output_hidden_states=True
            ).hidden_states
        seen = total.setdefault(sample.language, [])
        seen.append(states[1][0, 1:].numpy())  # after layer 0; what begins the text does not count
    assert measured.layers == (0, 1, 2)
    for language, seen in total.items():
        own = measured.means.stream.sel(language=language, layer=0).values
        np.testing.assert_allclose(own, np.concatenate(seen).mean(axis=0), rtol=1e-4, atol=1e-5)


def test_controls_are_the_runs_own_and_as_large(opened, finished):
    run = opened()
    sets = run.sets["grad_act"]
    drawn = Measured(run, run.study.recipes[0]).matched(sets)
    for language, control in drawn.items():
        assert control == NeuronSet.load(
            finished / "sets" / "matched" / "grad_act" / "0" / f"{language}.json"
        )
        assert len(control) == len(sets[language]) and control.overlap(sets[language]).shared == 0


def test_a_study_without_controls_gets_them_drawn(study, tmp_path):
    run = Run.begin(tmp_path / "bare", study(controls={"uniform": 0, "matched": 0}, recipes=["grad_act"]))
    run.score()
    run.select()
    drawn = Measured(run, run.study.recipes[0]).matched(run.sets["grad_act"])
    assert set(drawn) == {"en", "fr", "vi"}
    assert (run.folder / "bank").is_dir() and len(list((run.folder / "bank").iterdir())) == 2


def test_a_neuron_of_both_sets_ends_at_the_targets_mean(gemma):
    draw = np.random.default_rng(0)
    sets = {
        "xx": NeuronSet.of("mlp", (3, 48), [(1, 4), (1, 5)], "xx"),
        "yy": NeuronSet.of("mlp", (3, 48), [(1, 5), (1, 6)], "yy"),
    }
    pair = {"language": ["xx", "yy"]}
    means = draw.normal(size=(2, 3, 48))
    table = xr.DataArray(means, dims=("language", "layer", "neuron"), coords=pair)
    settings = Steering(enhance=[], add=[])
    (replace,) = with_neurons(settings, "xx", "yy", sets, Means(table, table), "")
    seen = {}
    first, second = replace.acts
    witness = gemma.site("mlp").visit({1: lambda activation: seen.update(a=activation.clone())})
    with torch.inference_mode(), intervene(gemma, first), intervene(gemma, second), witness:
        gemma.body(torch.tensor([[2, 9, 30]]))
    after = seen["a"][0].numpy()
    assert (after[:, 4] == 0).all()
    np.testing.assert_allclose(after[:, 5:7], np.tile(means[1, 1, 5:7], (3, 1)), rtol=1e-5)


MEASURES = ("in_target", "in_source", "repetition", "fluency", "chrf", "length")


def invented() -> pd.DataFrame:
    """Two pairs, three questions, four conditions, of random measures; one answer has no fluency."""
    draw = np.random.default_rng(4)
    rows = [
        (method, control, strength, source, target, question, *draw.random(len(MEASURES)).tolist())
        for method, control, strength in (
            ("none", "", 0.0), ("own", "", 0.0), ("add", "", 2.0), ("add", "matched", 2.0)
        )
        for source, target in (("en", "vi"), ("vi", "en"))
        for question in ("a", "b", "c")
    ]  # fmt: skip
    frame = pd.DataFrame(
        rows, columns=["method", "control", "strength", "source", "target", "question", *MEASURES]
    )
    frame.loc[4, "fluency"] = np.nan
    return frame


def test_intervals_are_paired_over_questions():
    answers = invented()
    frame = tabulate(answers, 200, seed=7).set_index(["method", "control", "source"])
    assert np.isnan(frame.loc["none", "", "vi"]["fluency_low"])  # some resamples draw nothing else
    draws = np.random.default_rng(7).multinomial(3, [1 / 3] * 3, size=200)
    by = {key: group for key, group in answers.groupby(["method", "control", "source"])}
    wide = {key: draws @ group["in_target"].to_numpy() / 3 for key, group in by.items()}
    for source in ("en", "vi"):
        row = frame.loc["add", "", source]
        own, twin, none = wide["add", "", source], wide["add", "matched", source], wide["none", "", source]
        assert row["in_target"] == pytest.approx(by["add", "", source]["in_target"].mean())
        assert [row["in_target_low"], row["in_target_high"]] == pytest.approx(
            np.quantile(own, [0.025, 0.975])
        )
        assert [row["beyond_low"], row["beyond_high"]] == pytest.approx(
            np.quantile(own - twin, [0.025, 0.975])
        )
        assert [row["gain_low"], row["gain_high"]] == pytest.approx(np.quantile(own - none, [0.025, 0.975]))
    both = frame.loc["add", "", ""]
    pooled = (wide["add", "", "en"] + wide["add", "", "vi"]) / 2
    assert [both["in_target_low"], both["in_target_high"]] == pytest.approx(
        np.quantile(pooled, [0.025, 0.975])
    )
    assert both["questions"] == 6
    known = answers[answers["method"] == "none"]["fluency"].dropna()
    assert frame.loc["none", "", ""]["fluency"] == pytest.approx(known.mean())
    assert np.isnan(frame.loc["own", "", "en"]["beyond"])


def test_the_layer_that_does_best_and_repeats_itself_least():
    def layer(in_target, repetition):
        return pd.DataFrame({"in_target": in_target, "repetition": repetition})

    answers = {
        0: layer([True, False], [0.0, 0.0]),
        3: layer([True, True], [0.5, 0.3]),
        6: layer([True, True], [0.1, 0.3]),
        9: layer([True, True], [0.1, 0.3]),
    }
    tried = choose_layer(answers)
    assert tried["chosen"].tolist() == [False, False, True, False]
    assert tried["in_target"].tolist() == [0.5, 1, 1, 1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"recipe": "grad_akt"},
            "steering: recipe: unknown recipe of this study 'grad_akt'; did you mean 'grad_act'",
        ),
        ({"pairs": [("en", "vy")]}, "pairs: unknown language of this study 'vy'; did you mean 'vi'"),
        ({"pairs": [("en", "en")]}, "'en' is to be steered into itself"),
        ({"questions": 3}, r"5 are asked for.*diffmean_layer names one"),
        ({"questions": 5, "diffmean": []}, "5 are asked for, and '..' has 4$"),
        ({"diffmean_layer": 3}, "steering.diffmean_layer: there are no means after layer 3; layers 0 to 2"),
    ],
)
def test_mistakes_are_one_line(opened, settings, message):
    with pytest.raises(NeuroglotError, match=message):
        steer_frames(opened(**settings))


def test_questions_must_be_the_same_in_every_language(opened, folder):
    lines = [json.dumps({"id": f"x{n}", "text": "Sao?"}) for n in range(4)]
    (folder / "vi.jsonl").write_text("\n".join(lines), "utf-8")
    with pytest.raises(NeuroglotError, match=r"the same questions in every language.*'en' and 'vi'"):
        steer_frames(opened(pairs=[("en", "vi")]))


def test_nothing_is_asked_of_diffmean_when_it_has_no_strength(opened):
    frames = steer_frames(opened(pairs=[("en", "vi")], diffmean=[], replace=False))
    assert set(frames["steering"]["method"]) == METHODS - {"diffmean", "replace"}
    assert "steering_layer" not in frames
