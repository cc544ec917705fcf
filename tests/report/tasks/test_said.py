"""The sentences follow the intervals, and only them."""

import pandas as pd
import pytest

from invented_tasks import invented_tasks
from neuroglot.report.tasks.said.answers import fallen
from neuroglot.report.tasks.said.benchmarks import costs
from neuroglot.report.tasks.summary import grouped, summarise_tasks


def said(frames, about):
    return " ".join(grouped(frames).get(about, []))


@pytest.fixture
def base():
    return invented_tasks(chat=False)


def usable(frames):
    frame = frames["benchmark"]
    return frame[~frame["at_chance"] & (frame["panel"] == "choice")].reset_index(drop=True)


def test_costs_are_decided_by_intervals(base):
    own = costs(usable(base)).set_index(["set", "target"])
    for language in ("en", "zh", "vi"):
        assert own.loc[("strong", language), ["hurt", "beyond_control", "beyond_others"]].all()
        assert not own.loc[("weak", language), ["hurt", "beyond_control", "beyond_others"]].any()


@pytest.mark.parametrize(
    ("kind", "of", "column"), [("matched", "vi", "beyond_control"), ("recipe", "en", "beyond_others")]
)
def test_a_rival_that_loses_nearly_as_much_takes_the_claim(base, kind, of, column):
    frame = usable(base)
    rival = (frame["kind"] == kind) & (frame["recipe"] == "strong") & (frame["target"] == "vi")
    frame.loc[rival & (frame["language"] == of), "lost_high"] = 0.26  # the set's own loss is 0.25 at least
    own = costs(frame).set_index(["set", "target"]).loc[("strong", "vi")]
    assert own["hurt"]
    assert not own[column]
    others = {"beyond_control", "beyond_others"} - {column}
    assert own[list(others)].all()


def test_without_a_control_nothing_is_said_of_it(base):
    frame = usable(base)
    own = costs(frame[frame["kind"] != "matched"])
    assert own["beyond_control"].isna().all()
    base["benchmark"] = base["benchmark"][base["benchmark"]["kind"] != "matched"]
    assert "matched random control" not in said(base, "Benchmarks")


def test_benchmarks_in_words(base):
    words = said(base, "Benchmarks")
    assert "knowledge on the base model: ceval_local (zh) is at chance" in words
    assert "with the sets of strong off, their language's own task suffers in all 3 languages" in words
    assert "with the sets of weak off, their language's own task suffers in none of 3 languages" in words
    assert "more than any other language's task loses, intervals apart, in all 3 languages" in words
    assert (
        "has an F1 of 0.46; strong stands clear of that in all 3 languages; weak stands clear of that"
        in words
    )


def test_a_panel_at_chance_claims_nothing(base):
    base["benchmark"] = base["benchmark"].assign(at_chance=True)
    assert grouped(base)["Benchmarks"] == [
        f"{panel} on the base model: every task is at chance with nothing switched off, so none can show a "
        "loss."
        for panel in ("knowledge", "choice")
    ]


def test_says_whether_the_chat_model_keeps_it(frames):
    words = said(frames, "Benchmarks")
    assert (
        "choice: where the base model's own task suffers under the sets of strong, that of the chat model "
        "still does in 2 of 3 languages (zh and vi)." in words
    )
    assert "under the sets of weak" not in words  # where nothing was, nothing can be kept


def test_answers_leave_their_language_and_where_to(base):
    words = said(base, "The language of answers")
    assert "With the sets of strong off, the answers of the base model leave their language in all 3" in words
    assert "fall back most often from en to zh (81 %), zh to en (81 %) and vi to en (81 %)." in words
    assert "With the sets of weak off, the answers of the base model leave their language in none" in words
    assert words.count("fall back") == 1
    assert "of 6 pairs with another language of the question, 0 fall" in words


def test_an_interval_that_reaches_the_old_one_has_not_fallen(base):
    frame = base["generation"]
    own = (frame["mask"] == "strong zero vi") & (frame["language"] == "vi")
    ends = ("in_language", "in_language_low", "in_language_high")
    before = fallen(frame, *ends).set_index(["set", "target", "language"])
    assert before.loc[("strong", "vi", "vi"), "fell"] and before.loc[("strong", "vi", "vi"), "below_control"]
    wide = frame.assign(
        in_language_high=frame["in_language_high"].mask(own, 0.92)
    )  # nothing off: 0.91 to 0.99
    after = fallen(wide, *ends).set_index(["set", "target", "language"])
    assert not after.loc[("strong", "vi", "vi"), "fell"]
    assert after.loc[("strong", "en", "en"), "fell"]


def test_the_judge_in_words(base):
    words = said(base, "The judge")
    assert "the judge's marks of the base model fall in all 3 languages" in words
    assert "45 of 1080 marks could not be read" in words
    assert "Asked twice about 30 answers of the base model, the judge gave the same mark 60 %" in words


def test_marks_of_the_plumbing_are_not_read():
    assert grouped(invented_tasks(plumbing=True))["The judge"] == [
        "The judge was the small bundled model: its marks try the plumbing and say nothing of answers."
    ]


def test_nothing_measured_nothing_said(frames):
    assert summarise_tasks({}) == []
    only = summarise_tasks({"generation": frames["generation"], "benchmark": pd.DataFrame()})
    assert only and not any("fall back" in sentence or "judge" in sentence for sentence in only)
