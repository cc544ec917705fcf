"""`neuroglot compare` as a new user would call it."""

import json

import pytest

from neuroglot.report.comparison import page

COMPARE = {"contrasts": ["zscore"], "thresholds": [1.0], "known_answer": False}

SMALL = COMPARE | {
    "budgets": ["5%"],
    "baselines": ["zero"],
    "neurons": 10,
    "effect_sentences": 1,
    "redrawn": 0,
    "thresholds": [],
}


@pytest.fixture
def comparison(study):
    return study(recipes=["grad_act", "lape_budget"], interventions={"zero": "all"}, compare=COMPARE)


def test_quick_prints_a_table_and_writes_a_page(neuroglot, comparison, tmp_path):
    said = neuroglot("compare", comparison, "--quick", "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert "grad_act" in said.out
    assert "everything off" in said.out
    page = tmp_path / "run" / "report" / "index.html"
    assert "LangSpec-F1" in page.read_text("utf-8")
    table = (tmp_path / "run" / "report" / "comparison.md").read_text("utf-8")
    assert table.startswith("| set | F1 relative |")
    assert "\\begin{tabular}" in (tmp_path / "run" / "report" / "comparison.tex").read_text("utf-8")
    again = neuroglot("compare", comparison, "--quick", "--out", tmp_path / "run", "--json")
    assert {row["recipe"] for row in json.loads(again.out)["means"]} >= {"grad_act", "lape_budget"}


def test_a_plain_study_and_recipes_by_name(neuroglot, study, tmp_path):
    file = study(compare=COMPARE)
    said = neuroglot("compare", file, "--recipes", "grad_act, random", "--dry-run", "--out", tmp_path / "run")
    assert said.code == 0, said.err
    assert "This takes about" in said.err
    assert not (tmp_path / "run" / "comparison").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--recipes", "grad_cat"), "unknown recipe 'grad_cat'; did you mean 'grad_act'?"),
        (("--recipes", ","), "there is nothing to compare"),
    ],
)
def test_mistakes(refused, comparison, tmp_path, arguments, message):
    assert message in refused("compare", comparison, *arguments, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_study(refused):
    assert "unknown study 'compare-quik'; did you mean 'compare-quick'?" in refused("compare", "compare-quik")


@pytest.fixture
def one_chart(monkeypatch):
    """The charts are tested elsewhere, and take long."""
    monkeypatch.setattr(page, "GALLERY", page.GALLERY[:1])


def test_dry_run_says_what_it_takes_and_does_nothing(study, neuroglot, tmp_path):
    folder = tmp_path / "run"
    file = study(compare=SMALL, interventions={"zero": "all"})
    said = neuroglot("compare", file, "--out", folder, "--dry-run")
    assert (said.code, said.out) == (0, "")
    assert "masks over up to" in said.err
    assert not (folder / "bank").exists()
    assert not (folder / "comparison").exists()
    takes = json.loads(neuroglot("compare", file, "--out", folder, "--dry-run", "--json").out)
    assert takes["masks"] > 0


def test_compare_prints_the_table_and_goes_on(study, neuroglot, tmp_path, one_chart, monkeypatch):
    file, folder = study(compare=SMALL, interventions={"zero": "all"}), tmp_path / "run"
    said = neuroglot("compare", file, "--out", folder)
    assert said.code == 0, said.err
    assert "This takes about" in said.err
    assert "lape_budget" in said.out
    assert f"Report: {folder / 'report/index.html'}" in said.out
    assert (folder / "report/index.html").is_file()
    assert (folder / "report/comparison.md").is_file()

    def again(*_, **__):
        raise AssertionError("this was finished")

    monkeypatch.setattr("neuroglot.study.ablating.likelihood", again)
    found = json.loads(neuroglot("compare", file, "--out", folder, "--json").out)
    means = [row for row in found["means"] if row["kind"] == "recipe"]
    assert {row["recipe"] for row in means} == {"grad_act", "lape_budget"}
    assert {row["size"] for row in means if row["recipe"] == "grad_act"} == {7}
