"""Sections are kept; what is killed goes on; what cannot be compared is refused before any pass."""

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.comparison import Comparing, load_comparison, sections
from neuroglot.study.comparison.expected import expected
from neuroglot.study.comparison.overlap import overlap
from neuroglot.study.config import STUDIES
from neuroglot.study.run import Run
from tiny_study import WORDS, write_corpus


def forbidden(*_, **__):
    raise AssertionError("this was finished")


def test_what_is_finished_is_read_and_the_same(compared, again, monkeypatch):
    monkeypatch.setattr(sections, "SECTIONS", dict.fromkeys(sections.SECTIONS, forbidden))
    frames = again.frames()
    assert set(frames) == set(compared.frames)
    for name, frame in frames.items():
        assert frame.equals(compared.frames[name]), name


def test_a_killed_comparison_does_only_what_is_missing(compared, again, monkeypatch):
    """Its masks are there already; a frame that is lost is made again, and is the same."""
    (again.run.folder / "comparison" / "standings.json").unlink()  # killed before it was finished
    (again.run.folder / "comparison" / "cost.csv").unlink()
    did = []
    watched = {
        name: (lambda comparing, name=name, section=section: (did.append(name), section(comparing))[1])
        for name, section in sections.SECTIONS.items()
    }
    monkeypatch.setattr(sections, "SECTIONS", watched)
    monkeypatch.setattr("neuroglot.study.ablating.likelihood", forbidden)
    frames = again.frames()
    assert did == ["standings", "cost"]
    for name, frame in frames.items():
        if name != "cost":
            assert frame.equals(compared.frames[name]), name


def test_other_settings_are_measured_again(compared, again, monkeypatch):
    changed = again.comparison.model_copy(
        update={"compare": again.comparison.compare.model_copy(update={"neurons": 10})}
    )
    run = Run.begin(again.run.folder, changed)
    comparing = Comparing(run, changed)
    comparing.score()
    monkeypatch.setattr("neuroglot.study.ablating.likelihood", forbidden)
    frames = comparing.section("faithfulness")
    assert (frames["faithfulness"]["neurons"] == 10).all()
    assert (compared.frames["faithfulness"]["neurons"] == 24).all()


def test_a_document_on_both_sides_is_refused(again):
    text = dict(again.run.text)
    text["report"] = text["identify"]
    again.run._text = text
    with pytest.raises(NeuroglotError, match="is in the text to identify on and in the report"):
        again.score()


def test_a_budget_that_the_model_has_not_is_refused(comparison_of, tmp_path, monkeypatch):
    comparison = comparison_of(compare={"budgets": ["1%", 100_000]})
    monkeypatch.setattr("neuroglot.study.run.score", forbidden)
    with pytest.raises(NeuroglotError, match=r"compare\.budgets.*100000"):
        Comparing(Run.begin(tmp_path / "run", comparison), comparison).score()


def test_a_plain_study_can_be_compared():
    assert load_comparison("demo").compare.baselines == ["zero", "grand_mean", "other_mean", "percentile(5)"]
    assert (STUDIES / "compare-quick.yaml").is_file()


def test_what_it_takes_counts_the_masks(compared):
    takes = expected(compared.comparing)
    # 4 recipes under 4 baselines, 3 of them at 2 further budgets, a control each, 3 scores × 3 contrasts,
    # 3 thresholds; 2 random sets, nothing and everything
    assert takes.masks == len(WORDS) * (4 * 4 + 3 * 2 + 4 + 3 * 3 + 3) + 2 + 2
    report = compared.comparing.measured([]).data
    assert takes.tokens == int(report["tokens"].values.sum())
    assert min(takes.reading, takes.silencing, takes.singles) > 0


def test_another_corpus_needs_the_same_languages(comparison_of):
    other = {"languages": ["en", "de"]}
    with pytest.raises(NeuroglotError, match="its languages are en, de"):
        comparison_of(compare={"other": other})


def test_another_corpus_of_the_same_words_chooses_the_same(comparison_of, tmp_path):
    write_corpus(tmp_path / "same" / "text")
    other = {"source": str(tmp_path / "same" / "text"), "languages": list(WORDS), "identify": 3, "report": 3}
    compare = {"other": other, "redrawn": 0, "thresholds": []}
    comparison = comparison_of(compare=compare, recipes=["grad_act"])
    comparing = Comparing(Run.begin(tmp_path / "run", comparison), comparison)
    comparing.score()
    rows = sections.stability(comparing)["stability"]
    rows = rows[rows["kind"] == "other_corpus"]
    assert len(rows) == len(WORDS)
    assert (rows["jaccard"] == 1).all()


def test_a_streamed_bank_says_what_is_left_out(again, caplog):
    again.score()
    again.run._bank = again.run.bank.streamed()
    assert overlap(again)["density"].empty
    assert "density of single neurons is left out" in caplog.text
