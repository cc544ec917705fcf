"""Open questions under the masks of a tiny run: kept in pieces, continued, tabulated."""

import json
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.answers import live
from neuroglot.evaluation.answers.live import Answer
from neuroglot.evaluation.langspec import langspec_f1
from neuroglot.progress import silent
from neuroglot.study.run import Run
from neuroglot.study.tasks import answer_pieces
from neuroglot.study.tasks.answer_pieces import Answering
from neuroglot.study.tasks.answer_tables import Drawn, answer_rows, f1_rows, fallback_rows, generation_rows
from neuroglot.study.tasks.answering import answer_frames
from neuroglot.study.tasks.settings import Generation
from neuroglot.study.tasks.subjects import subjects
from neuroglot.text.identify import Identifier
from neuroglot.text.questions import Question
from tiny_study import WORDS, tiny_folder

LABELS = ["subject", "mask", "recipe", "kind", "target"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tiny_folder(tmp_path_factory.getbasetemp())


@pytest.fixture
def settings(tmp_path):
    for language, of in WORDS.items():
        rows = [json.dumps({"id": n, "text": f"{of[n]}?"}, ensure_ascii=False) for n in range(2)]
        (tmp_path / f"{language}.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    return Generation(questions=str(tmp_path), max_new_tokens=6, context=100, batch=8)


@pytest.fixture
def run(home, tmp_path):
    """The tiny run, with answers in a folder of this test's own."""
    run = Run.open(home / "run")
    with patch.object(Answering, "folder", tmp_path / "answers"):
        yield run


def test_frames(run, settings):
    frames = answer_frames(run, settings)
    (subject,) = subjects(run)
    masks = [mask for mask, _ in subject.conditions]
    answers, generation, f1 = (frames[name] for name in ("answers", "generation", "generation_f1"))
    assert list(answers) == [
        *LABELS, "language", "question", "text", "answer", "tokens", "finished", "answered_in", "in_language",
        "repetition", "chrf", "length",
    ]  # fmt: skip
    assert list(generation) == [
        *LABELS, "language", "questions", "in_language", "in_language_low", "in_language_high", "repetition",
        "repetition_low", "repetition_high", "chrf", "chrf_low", "chrf_high", "length", "cut",
    ]  # fmt: skip
    assert list(f1) == [*LABELS, "f1", "low", "high", "collateral_mean", "collateral_max"]
    assert list(frames["fallback"]) == [*LABELS, "language", "answered_in", "share"]
    assert len(answers) == 6 * len(masks)
    assert len(generation) == 3 * len(masks)
    assert len(f1) == sum(1 if mask.target else 3 for mask in masks if mask.kind != "none")
    assert len(frames["fallback"]) == 3 * 4 * len(masks)
    assert (answers.loc[answers["kind"] == "none", "chrf"] == 100).all()
    assert set(answers.loc[answers["kind"] == "everything_off", "recipe"]) == {""}


def test_a_masks_answers_are_those_of_the_live_model(run, settings):
    answers = answer_frames(run, settings)["answers"]
    (subject,) = subjects(run)
    mask, act = subject.conditions[4]
    rows = answers[answers["mask"] == mask.name]
    prompt = f"Question: {WORDS['en'][1]}?\nAnswer:"
    (alone,) = live.write(
        subject.model, [live.Ask(prompt, (act,))], live.Writing(6, 100), ["\nQuestion:", "\nCâu hỏi:"]
    )
    row = rows[(rows["language"] == "en") & (rows["question"] == "1")].iloc[0]
    assert (row["answer"], row["tokens"], row["finished"]) == (alone.text, alone.tokens, alone.finished)


def test_nothing_is_written_twice_and_a_killed_run_continues(run, settings):
    written = []

    def counting(model, asks, *rest):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(len(asks))
        return live.write(model, asks, *rest)

    with patch.object(answer_pieces, "write", counting), pytest.raises(KeyboardInterrupt):
        answer_frames(run, settings)
    assert written == [12, 12]  # masks of 6 questions fill a batch of 8
    (subject,) = subjects(run)
    acts = len({Answering(subject, settings).path(act) for _, act in subject.conditions})
    rest = []
    with patch.object(answer_pieces, "write", lambda *a: rest.append(len(a[1])) or live.write(*a)):
        once = answer_frames(run, settings)
    assert sum(written) + sum(rest) == 6 * acts
    with patch.object(answer_pieces, "write", side_effect=AssertionError):
        again = answer_frames(run, settings)
        bigger_batch = answer_frames(run, settings.model_copy(update={"batch": 3}))
    for name, frame in once.items():
        pd.testing.assert_frame_equal(frame, again[name])
        pd.testing.assert_frame_equal(frame, bigger_batch[name])


@pytest.mark.parametrize("change", [{"max_new_tokens": 5}, {"repetition_penalty": 1.0}, {"count": 1}])
def test_what_answers_rest_on_is_in_their_name(run, settings, change):
    (subject,) = subjects(run)
    act = subject.conditions[0][1]
    path = Answering(subject, settings).path(act)
    assert Answering(subject, settings).path(act) == path
    assert Answering(subject, settings.model_copy(update=change)).path(act) != path


def test_a_damaged_piece_says_so(run, settings):
    answer_frames(run, settings)
    (subject,) = subjects(run)
    answering = Answering(subject, settings)
    answering.path(subject.conditions[0][1]).write_text('{"format": "neuroglot/answers"}\n{"text"', "utf-8")
    with pytest.raises(NeuroglotError, match=r"is damaged .* delete it"):
        answering.finished()


def test_a_piece_says_how_it_came_about(run, settings):
    answer_frames(run, settings)
    (subject,) = subjects(run)
    path = Answering(subject, settings).path(subject.conditions[1][1])
    about = json.loads(path.read_text("utf-8").partition("\n")[0])
    assert about["writing"] == {
        "max_new_tokens": 6, "context": 100, "repetition_penalty": 1.1, "batch": 8, "greedy": True,
    }  # fmt: skip
    assert about["engine"] == "live"
    assert about["model"]["fingerprint"] == subject.model.fingerprint
    assert about["intervention"]["neurons"] == 3 * 48
    assert about["stops"] == ["\nQuestion:", "\nCâu hỏi:"]


class Echo:
    """A server that says the prompt."""

    model = "echo"

    def write(self, prompts, writing, stops, track):
        return [Answer(prompt, writing.max_new_tokens, False) for prompt in prompts]


def test_one_masks_answers_from_a_server(run, settings):
    (subject,) = subjects(run)
    answering = Answering(subject, settings)
    answering.serve("everything_off", Echo(), silent)
    assert list(answering.finished()) == ["everything_off"]
    frame = answer_frames(run, settings)["answers"]
    served = frame[frame["mask"] == "everything_off"]
    assert served["answer"].tolist() == answering.prompts
    with pytest.raises(NeuroglotError, match="unknown mask 'everythin_off'; did you mean 'everything_off'"):
        answering.serve("everythin_off", Echo(), silent)


def test_a_language_that_cannot_be_identified_costs_no_model_time(run):
    run.study.text.languages[0] = "xx"
    unknown = pytest.raises(NeuroglotError, match="language identification: unknown language 'xx'")
    with patch.object(answer_pieces, "write", side_effect=AssertionError), unknown:
        answer_frames(run, Generation())


# Tables, from answers that say what they should come to.

QUESTIONS = [Question(str(n), language, "?") for language in ("en", "de") for n in range(4)]
EN, DE = "This is the answer to the question.", "Das ist die Antwort auf die Frage."
MASKS = [Mask("none", "none"), Mask("off", "everything_off"), Mask("a de", "recipe", "a", target="de")]


def drawn(texts, questions=QUESTIONS, resamples=500):
    written = {mask.name: [Answer(text, 5, bool(text)) for text in texts[mask.name]] for mask in MASKS}
    rows = answer_rows("base", MASKS, questions, written, Identifier(["en", "de"]))
    return Drawn.of("base", MASKS, questions, rows, resamples=resamples, seed=1)


TEXTS = {
    "none": [EN] * 4 + [DE] * 4,
    "off": [""] * 8,
    "a de": [EN] * 3 + [DE] + [EN, EN, DE, ""],
}


def test_means_and_intervals_by_hand():
    table = generation_rows(drawn(TEXTS)).set_index(["mask", "language"])
    assert table.loc[("none", "de"), ["in_language", "in_language_low", "in_language_high"]].tolist() == [
        1,
        1,
        1,
    ]
    assert table["in_language"].tolist() == [1, 1, 0, 0, 0.75, 0.25]
    assert table["cut"].tolist() == [0, 0, 1, 1, 0, 0.25]
    assert table.loc[("a de", "de"), "length"] == pytest.approx((2 * len(EN) + len(DE)) / 4)
    rng = np.random.default_rng(7)
    draws = rng.integers(0, 4, size=(20000, 4))
    shares = np.array([0, 0, 1, 0])[draws].mean(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    assert table.loc[("a de", "de"), "in_language_low"] == pytest.approx(low, abs=0.01)
    assert table.loc[("a de", "de"), "in_language_high"] == pytest.approx(high, abs=0.01)


def test_f1_is_that_of_the_shares():
    found = drawn(TEXTS)
    table = f1_rows(found, found.means("in_language"))
    assert table[["mask", "target"]].values.tolist() == [["off", "en"], ["off", "de"], ["a de", "de"]]
    base, masked = {"en": 1.0, "de": 1.0}, {"en": 0.75, "de": 0.25}
    assert table["f1"].iloc[2] == pytest.approx(langspec_f1(base, masked, "de"))
    assert table["collateral_max"].iloc[2] == pytest.approx(0.25 / 0.75)
    assert table["low"].iloc[2] <= table["f1"].iloc[2] <= table["high"].iloc[2]
    assert table["low"].iloc[2] < table["high"].iloc[2]


def test_what_answers_fall_back_to():
    table = fallback_rows(drawn(TEXTS)).set_index(["mask", "language", "answered_in"])["share"]
    assert table["a de"]["de"].to_dict() == {"en": 0.5, "de": 0.25, "": 0.25}
    assert table["a de"]["en"].to_dict() == {"en": 0.75, "de": 0.25, "": 0.0}
    assert table["off"]["en"].to_dict() == {"en": 0.0, "de": 0.0, "": 1.0}


def test_languages_with_other_questions_draw_their_own():
    odd = [*QUESTIONS[:3], *(replace(each, id=f"x{each.id}") for each in QUESTIONS[4:])]
    texts = {name: [*own[:3], *own[4:]] for name, own in TEXTS.items()}
    found = drawn(texts, odd)
    assert found.weights.shape == (501, 2, 4)
    assert found.means("in_language")[0, 2].tolist() == pytest.approx([1, 0.25])
