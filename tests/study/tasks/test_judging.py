"""Marks of invented answers, and their tables against plain means."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

from judge_server import judge_server, refuses, says
from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.langspec import langspec_f1
from neuroglot.study.run import Run
from neuroglot.study.tasks.judging import judge, judge_frames
from neuroglot.study.tasks.settings import Judge
from neuroglot.study.tasks.tables import keep
from neuroglot.study.validation import validated
from tiny_study import tiny_folder

MASKS = (("none", "", "none", ""), ("off", "", "everything_off", ""), ("r zero en", "r", "recipe", "en"))
LANGUAGES = ("en", "fr", "vi")
QUESTIONS = 4
SECRET = "sk-a-secret-of-ours-456"


def mark(subject, mask, language, question):
    """What the judge gives."""
    if mask == "off":
        return 1 + question % 2
    lost = 5 if (mask, language) == ("r zero en", "en") else int(mask != "none" and language == "fr")
    return 7 + question % 3 - lost - (subject == "chat")


def invented(subjects=("base",)):
    rows = [
        {
            "subject": subject, "mask": mask, "recipe": recipe, "kind": kind, "target": target,
            "language": language, "question": str(number), "text": f"{language} {number}?",
            "answer": f"{subject}|{mask}|{language}|{number}",
        }
        for subject in subjects
        for mask, recipe, kind, target in MASKS
        for language in LANGUAGES
        for number in range(QUESTIONS)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def answer_of(handler):
    return handler.body["messages"][0]["content"].split("<answer>\n")[1].split("\n</answer>")[0]


def marks(handler):
    subject, mask, language, number = answer_of(handler).split("|")
    says(json.dumps({"score": mark(subject, mask, language, int(number))}))(handler)


@pytest.fixture
def server():
    with judge_server() as found:
        found.usual = marks
        yield found


@pytest.fixture
def judged(server, tmp_path):
    def run(answers=None, **changes):
        settings = Judge(base_url=server.base_url, model="m", **{"retries": 0, "again": 0.25} | changes)
        return judge(invented() if answers is None else answers, settings, tmp_path, resamples=100)

    return run


def cell(frame, **about):
    """The one row of a frame."""
    (row,) = frame[np.logical_and.reduce([frame[name] == value for name, value in about.items()])].to_dict(
        "records"
    )
    return row


def mean(mask, language, subject="base"):
    return sum(mark(subject, mask, language, number) for number in range(QUESTIONS)) / QUESTIONS


def test_frames(judged):
    frames = judged()
    labels = ["subject", "mask", "recipe", "kind", "target"]
    assert list(frames) == ["judged", "judge", "judge_f1", "judge_agreement"]
    assert list(frames["judged"]) == [*labels, "language", "question", "round", "score", "problem"]
    assert list(frames["judge"]) == [
        *labels, "language", "answers", "empty", "unparsable", "score", "low", "high", "plumbing",
    ]  # fmt: skip
    assert list(frames["judge_f1"]) == [*labels, "f1", "low", "high", "collateral_mean", "collateral_max"]
    assert list(frames["judge_agreement"]) == [
        "subject", "pairs", "exact", "within_one", "spearman", "kappa",
    ]  # fmt: skip
    for mask, *_ in MASKS:
        for language in LANGUAGES:
            row = cell(frames["judge"], mask=mask, language=language)
            assert row["score"] == pytest.approx(mean(mask, language))
            assert row["low"] <= row["score"] <= row["high"]
            assert (row["answers"], row["empty"], row["unparsable"]) == (QUESTIONS, 0, 0)
            assert not row["plumbing"]


def test_f1_is_of_the_mean_marks(judged):
    f1 = judged()["judge_f1"]
    base, off, own = ({name: mean(mask, name) / 10 for name in LANGUAGES} for mask, *_ in MASKS)
    row = cell(f1, mask="r zero en")
    assert row["f1"] == pytest.approx(langspec_f1(base, own, "en"))
    assert row["low"] <= row["f1"] <= row["high"]
    assert row["collateral_max"] == pytest.approx(1 / 5)
    assert row["collateral_mean"] == pytest.approx(1 / 10)
    for target in LANGUAGES:
        assert cell(f1, mask="off", target=target)["f1"] == pytest.approx(langspec_f1(base, off, target))
    assert len(f1) == 1 + len(LANGUAGES)


def test_the_interval_is_that_of_resampled_questions(judged):
    row = cell(judged()["judge"], mask="none", language="en")
    scores = np.array([mark("base", "none", "en", number) for number in range(QUESTIONS)])
    draw = np.random.default_rng(1)
    means = scores[draw.integers(0, QUESTIONS, (4000, QUESTIONS))].mean(axis=1)
    assert row["low"] == pytest.approx(np.quantile(means, 0.025), abs=0.3)
    assert row["high"] == pytest.approx(np.quantile(means, 0.975), abs=0.3)


def test_what_has_no_mark_counts_in_no_mean(server, judged, caplog):
    def act(handler):
        bad = answer_of(handler) in ("base|none|en|0", "base|r zero en|vi|3")
        says("I would say 10")(handler) if bad else marks(handler)

    server.usual = act
    frames = judged(again=0)
    row = cell(frames["judge"], mask="none", language="en")
    assert (row["answers"], row["unparsable"]) == (QUESTIONS, 1)
    assert row["score"] == pytest.approx(sum(mark("base", "none", "en", n) for n in (1, 2, 3)) / 3)
    assert frames["judged"]["problem"].str.contains("I would say 10").sum() == 2
    assert "2 of 36 answers got no mark" in caplog.text


def test_where_nothing_has_a_mark_there_is_no_number(server, judged):
    server.usual = lambda handler: says("?")(handler) if "|fr|" in answer_of(handler) else marks(handler)
    frames = judged(again=0)
    assert np.isnan(cell(frames["judge"], mask="none", language="fr")["score"])
    assert np.isnan(cell(frames["judge_f1"], mask="r zero en")["f1"])


def test_an_empty_answer_has_the_lowest_mark_unasked(server, judged):
    answers = invented()
    answers.loc[(answers["mask"] == "off"), "answer"] = ""
    frames = judged(answers, again=1)
    assert len(server.requests) == 2 * 2 * len(LANGUAGES) * QUESTIONS
    for language in LANGUAGES:
        row = cell(frames["judge"], mask="off", language=language)
        assert (row["score"], row["empty"], row["unparsable"]) == (1, QUESTIONS, 0)


def test_a_share_is_judged_again_the_same_every_time(server, judged, tmp_path):
    def act(handler):
        number = handler.body["seed"]
        says('{"score": 4}' if number else '{"score": 5}')(handler)

    server.usual = act
    frames = judged()
    again = frames["judged"].query("round == 1")
    assert len(again) == 9  # a quarter of 36
    assert set(again["score"]) == {4}
    assert set(frames["judge"]["score"]) == {5}  # no mean has the second round in it
    found = cell(frames["judge_agreement"], subject="base")
    assert (found["pairs"], found["exact"], found["within_one"]) == (9, 0, 1)
    count = len(server.requests)
    pd.testing.assert_frame_equal(judged()["judged"], frames["judged"])
    assert len(server.requests) == count
    more = judged(again=0.5)["judged"].query("round == 1")
    assert len(more) == 18
    assert len(server.requests) == count + 9  # those of the quarter are among those of the half


def test_the_first_questions_of_each_language(server, judged):
    frames = judged(questions=2, again=0)
    assert set(frames["judged"]["question"]) == {"0", "1"}
    assert len(server.requests) == 2 * len(LANGUAGES) * len(MASKS)
    judged(again=0)
    assert len(server.requests) == QUESTIONS * len(LANGUAGES) * len(MASKS)


def test_languages_with_other_questions_are_drawn_on_their_own(judged):
    answers = invented()
    answers = answers[(answers["language"] != "vi") | (answers["question"] != "3")]
    row = cell(judged(answers)["judge"], mask="none", language="vi")
    assert row["answers"] == 3
    assert row["score"] == pytest.approx(sum(mark("base", "none", "vi", n) for n in range(3)) / 3)


def test_every_subject_has_its_own(server, judged, tmp_path):
    frames = judged(invented(("base", "chat")), again=0)
    for subject in ("base", "chat"):
        row = cell(frames["judge"], subject=subject, mask="r zero en", language="en")
        assert row["score"] == pytest.approx(mean("r zero en", "en", subject))
        lines = (tmp_path / subject / "judged" / "replies.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == 36
    assert frames["judge_agreement"]["subject"].tolist() == ["base", "chat"]


def test_the_key_is_in_no_file(server, judged, tmp_path, monkeypatch):
    monkeypatch.setenv("OUR_KEY", SECRET)
    server.script = [says(f"your key is {SECRET}"), refuses(500, f"wrong: {SECRET}")]
    frames = judged(key="OUR_KEY")
    assert server.headers[0]["authorization"] == f"Bearer {SECRET}"
    assert "[key]" in "".join(frames["judged"]["problem"])
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET in path.read_text("utf-8")]
    assert SECRET not in "".join(frame.to_csv() for frame in frames.values())


@pytest.fixture
def run(tmp_path, tmp_path_factory):
    home = tiny_folder(tmp_path_factory.getbasetemp())
    return Run.open(shutil.copytree(home / "run", tmp_path / "run"))


def test_a_run_with_answers(server, run):
    keep(run, {"answers": invented()})
    frames = judge_frames(run, Judge(base_url=server.base_url, again=0))
    row = cell(frames["judge"], mask="r zero en", language="en")
    assert row["score"] == pytest.approx(mean("r zero en", "en"))


def test_a_run_without_answers_or_judge(run):
    with pytest.raises(
        NeuroglotError, match=r"no answers of its present sets .*`neuroglot generate .*` writes them"
    ):
        judge_frames(run, Judge(base_url="http://localhost:1/v1"))
    with pytest.raises(NeuroglotError, match="judge: the study names no judge"):
        judge_frames(run)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"base_url": "localhost:8000"}, "study: judge.base_url: expected 'bundled' or https://host/v1"),
        ({"base_url": f"https://{SECRET}@host/v1"}, "without a key in it"),
        ({"base_url": f"https://host/v1?key={SECRET}"}, "without a key in it"),
        ({"key": SECRET}, "the name of an environment variable in capitals, not a key"),
        ({"key": SECRET.replace("-", "_")}, "not a key"),
        ({"again": 2}, "judge.again"),
    ],
)
def test_settings_that_are_none(changes, message):
    class Study(BaseModel):
        judge: Judge

    with pytest.raises(NeuroglotError) as error:
        validated(Study, {"judge": {"base_url": "http://host/v1"} | changes}, "study")
    assert message in str(error.value)
    assert SECRET not in str(error.value)
