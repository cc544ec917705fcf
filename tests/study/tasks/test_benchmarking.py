import json
import shutil

import numpy as np
import pandas as pd
import pytest

from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.harness.benchmark import Answer, Benchmark
from neuroglot.evaluation.langspec import collateral, langspec_f1
from neuroglot.study.run import Run
from neuroglot.study.tasks.benchmark_tables import panel_frames
from neuroglot.study.tasks.benchmarking import benchmark_frames
from neuroglot.study.tasks.settings import Benchmarks
from tiny_study import tiny_folder
from tiny_tasks import write_nlu

FIRST = ["subject", "mask", "recipe", "kind", "target"]
XNLI = {language: f"neuroglot_xnli_{language}" for language in ("en", "fr", "vi")}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    home = tmp_path_factory.mktemp("benchmarks")
    shutil.copytree(tiny_folder(tmp_path_factory.getbasetemp()) / "run", home / "run")
    write_nlu(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROGLOT_DATA", str(home))
        yield Run.open(home / "run")


@pytest.fixture(scope="module")
def settings():
    return Benchmarks(panels={"xnli": XNLI}, limit=9)


@pytest.fixture(scope="module")
def frames(run, settings):
    return benchmark_frames(run, settings)


def test_every_mask_and_task_has_its_row(frames, run):
    scores = frames["benchmark"]
    assert scores.columns[:5].tolist() == FIRST == frames["benchmark_f1"].columns[:5].tolist()
    assert len(scores) == scores["mask"].nunique() * 3
    assert scores["mask"].iloc[0] == "none"
    assert {"none", "everything_off", "uniform", "recipe", "matched"} == set(scores["kind"])
    assert np.allclose(scores["chance"], 1 / 3)
    assert (scores["items"] == 9).all()
    assert (scores["low"] <= scores["score"]).all()
    assert (scores["score"] <= scores["high"]).all()
    base = scores[scores["mask"] == "none"].set_index("language")["score"]
    assert np.allclose(scores["lost"], base[scores["language"]].to_numpy() - scores["score"])
    assert not scores.loc[scores["mask"] == "none", ["lost", "lost_low", "lost_high"]].to_numpy().any()


def test_what_was_answered_is_not_asked_again(frames, run, settings, monkeypatch):
    pieces = sorted((run.folder / "tasks" / "base" / "benchmarks").glob("*.json"))
    monkeypatch.setattr(Benchmark, "ask", lambda *_: pytest.fail("asked again"))
    again = benchmark_frames(Run.open(run.folder), settings)
    for name, frame in frames.items():
        pd.testing.assert_frame_equal(frame, again[name])
    assert sorted((run.folder / "tasks" / "base" / "benchmarks").glob("*.json")) == pieces


def test_a_run_that_was_cut_goes_on(frames, run, settings, monkeypatch):
    pieces = sorted((run.folder / "tasks" / "base" / "benchmarks").glob("*.json"))
    lost = pieces[1]
    kept = json.loads(lost.read_text("utf-8"))
    lost.unlink()
    asked, ask = [], Benchmark.ask
    monkeypatch.setattr(Benchmark, "ask", lambda self, lm: asked.append(self.name) or ask(self, lm))
    again = benchmark_frames(Run.open(run.folder), settings)
    assert asked == [kept["task"]]
    assert json.loads(lost.read_text("utf-8"))["items"] == kept["items"]
    pd.testing.assert_frame_equal(frames["benchmark"], again["benchmark"])


def test_a_piece_says_where_it_comes_from(frames, run):
    piece = json.loads(next((run.folder / "tasks" / "base" / "benchmarks").glob("*.json")).read_text("utf-8"))
    assert {"mask", "task", "metric", "few_shot", "seed", "places", "model", "lm_eval", "items"} <= set(piece)
    assert len(piece["items"]) == 9 == sum(map(len, piece["places"].values()))
    assert set(piece["items"][0]) == {"item", "right", "chance", "said"}


def test_masks_of_the_live_model_change_what_is_said(frames, run):
    said = {}
    for path in (run.folder / "tasks" / "base" / "benchmarks").glob("*.json"):
        piece = json.loads(path.read_text("utf-8"))
        if piece["task"] == XNLI["en"]:
            said[piece["mask"]] = [item["said"] for item in piece["items"]]
    assert not np.allclose(said["none"], said["everything_off"])
    assert len({json.dumps(each) for each in said.values()}) == len(said)


MASKS = [
    Mask("none", "none"),
    Mask("everything_off", "everything_off"),
    Mask("r zero en", "recipe", "r", target="en"),
    Mask("r zero vi", "recipe", "r", target="vi"),
    Mask("r zero zh", "recipe", "r", target="zh"),
]
LANGUAGES = {"en": "a", "vi": "b", "fr": "c", "zh": "d"}
RIGHT = {  # of 200 items, the first so many are right
    "none": {"a": 150, "b": 140, "c": 160, "d": 70},
    "everything_off": {"a": 50, "b": 50, "c": 50, "d": 50},
    "r zero en": {"a": 60, "b": 130, "c": 155, "d": 69},
    "r zero vi": {"a": 149, "b": 70, "c": 120, "d": 70},
    "r zero zh": {"a": 150, "b": 140, "c": 160, "d": 20},
}


@pytest.fixture(scope="module")
def invented():
    answered = {
        (mask, task): [
            Answer(str(n), float(n < count), 0.25 if task != "d" else 1 / 3, []) for n in range(200)
        ]
        for mask, of in RIGHT.items()
        for task, count in of.items()
    }
    return panel_frames("base", "p", LANGUAGES, MASKS, answered, resamples=400, seed=1)


def test_scores_intervals_and_chance(invented):
    scores = invented["benchmark"].set_index(["mask", "language"])
    for mask, of in RIGHT.items():
        for language, task in LANGUAGES.items():
            row = scores.loc[(mask, language)]
            share = of[task] / 200
            assert row["score"] == pytest.approx(share)
            # the interval of a share: normal, ± 1.96·√(p(1−p)/n), to the noise of 400 resamples
            half = 1.96 * (share * (1 - share) / 200) ** 0.5
            assert row["low"] == pytest.approx(share - half, abs=0.02)
            assert row["high"] == pytest.approx(share + half, abs=0.02)
            assert row["lost"] == pytest.approx((RIGHT["none"][task] - of[task]) / 200)
    assert scores["at_chance"].xs("zh", level="language").all()  # 0.35 against 1/3
    assert not scores["at_chance"].drop("zh", level="language").any()


def test_differences_keep_their_pairing(invented):
    row = invented["benchmark"].set_index(["mask", "language"]).loc[("r zero vi", "en")]
    assert row["lost_high"] - row["lost_low"] < 0.03 < row["high"] - row["low"]  # one item apart


def test_f1_is_langspec_of_the_tasks_above_chance(invented):
    table = invented["benchmark_f1"].set_index(["mask", "target"])
    known = {"en": "a", "vi": "b", "fr": "c"}
    base = {language: RIGHT["none"][task] / 200 for language, task in known.items()}
    for mask, target in [
        ("r zero en", "en"),
        ("r zero vi", "vi"),
        *(("everything_off", each) for each in known),
    ]:
        masked = {language: RIGHT[mask][task] / 200 for language, task in known.items()}
        row = table.loc[(mask, target)]
        assert row["f1"] == pytest.approx(langspec_f1(base, masked, target))
        mean, largest = collateral(
            np.array(list(base.values())), np.array(list(masked.values())), list(known).index(target)
        )
        assert (row["collateral_mean"], row["collateral_max"]) == pytest.approx((float(mean), float(largest)))
        assert row["low"] <= row["f1"] <= row["high"]
    assert table.loc[("r zero zh", "zh"), ["f1", "low", "high", "collateral_mean"]].isna().all()
    assert set(invented["benchmark_f1"].query("mask == 'everything_off'")["target"]) == set(LANGUAGES)
    assert "none" not in table.index.get_level_values("mask")


def test_no_f1_without_another_task():
    answered = {("none", "a"): [Answer(str(n), 1.0, 0.25, []) for n in range(50)]}
    answered["r zero en", "a"] = [Answer(str(n), 0.0, 0.25, []) for n in range(50)]
    frames = panel_frames(
        "base",
        "p",
        {"en": "a"},
        [MASKS[0], MASKS[2], MASKS[3]],
        answered | {("r zero vi", "a"): answered["none", "a"]},
        resamples=100,
        seed=0,
    )
    assert frames["benchmark_f1"]["f1"].isna().all()
    assert frames["benchmark_f1"]["target"].tolist() == ["en", "vi"]  # vi is absent from the panel
