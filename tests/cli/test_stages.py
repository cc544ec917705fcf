"""A study from the command line: whole, and a stage at a time."""

import json

import pytest

from neuroglot.neurons import NeuronSet
from neuroglot.report import page
from neuroglot.study.recipe import load_recipe, recipe_names
from tiny_study import RESULTS, WORDS, results


@pytest.fixture
def one_chart(monkeypatch):
    """The charts are tested elsewhere, and take long."""
    monkeypatch.setattr(page, "GALLERY", page.GALLERY[:1])


def parsed(said):
    assert said.code == 0, said.err

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(said.out, parse_constant=refuse)


def test_stage_by_stage_gives_what_run_gives(home, study, neuroglot, tmp_path, one_chart):
    file, folder = study(), tmp_path / "staged"
    scored = parsed(neuroglot("score", file, "--out", folder, "--json"))
    assert set(scored["languages"]) == set(WORDS)
    assert (folder / "bank" / scored["bank"]).is_dir()

    sets = parsed(neuroglot("select", folder, "--json"))["sets"]
    assert {recipe: list(languages) for recipe, languages in sets.items()} == {
        recipe: list(WORDS) for recipe in ("grad_act", "lape_budget")
    }
    assert sets["grad_act"]["vi"]["neurons"] == 7

    masks = parsed(neuroglot("ablate", folder, "--json"))
    assert [mask["name"] for mask in masks[:2]] == ["none", "everything_off"]
    assert len(masks) == 2 + 2 + 3 * 2 + 3 + 3 * 2  # two recipes, one with two baselines, a matched set each

    tables = parsed(neuroglot("evaluate", folder, "--json"))
    assert {*tables, "masks"} == set(RESULTS)
    assert results(folder) == results(home / "run")

    page = parsed(neuroglot("report", folder, "--json"))["report"]
    assert page == str(folder / "report/index.html")
    assert (folder / "report/index.html").is_file()


def test_run_prints_the_table_and_the_page(home, finished, study, neuroglot, monkeypatch):
    monkeypatch.setattr(page, "write_report", lambda findings, folder: folder / "index.html")
    said = neuroglot("run", study(), "--out", finished)
    assert said.code == 0
    assert f"Report: {finished / 'report/index.html'}" in said.out
    assert "grad_act" in said.out
    assert results(finished) == results(home / "run")
    found = parsed(neuroglot("run", study(), "--out", finished, "--json"))
    assert found["folder"] == str(finished)
    assert {"everything_off", "uniform", "recipe", "matched"} == {row["kind"] for row in found["means"]}


@pytest.mark.parametrize("command", ["select", "evaluate", "ablate"])
def test_a_stage_prints_a_table_for_people(command, finished, neuroglot):
    said = neuroglot(command, finished)
    assert said.code == 0
    assert "grad_act" in said.out


def test_score_says_what_it_keeps(finished, neuroglot):
    said = neuroglot("score", finished)
    assert said.code == 0
    assert "ScoreBank" in said.out
    assert str(finished) in said.out


def test_sets_of_ones_own_are_switched_off(finished, neuroglot, tmp_path):
    files = [finished / f"sets/grad_act/{language}.json" for language in ("vi", "fr")]
    options = [part for file in files for part in ("--neurons", file)]
    rows = parsed(neuroglot("ablate", finished, *options, "--json"))
    own = {row["language"]: row for row in rows if row["kind"] == "recipe"}
    assert set(own) == {"vi", "fr"}
    for language, row in own.items():
        assert row["size"] == len(NeuronSet.load(finished / f"sets/grad_act/{language}.json"))
    found = parsed(neuroglot("evaluate", finished, "--json"))["langspec"]
    (same,) = [row for row in found if row["mask"] == "grad_act zero vi"]
    assert own["vi"]["f1_relative"] == pytest.approx(same["f1_relative"], abs=1e-6)


def test_recipes_lists_and_prints_one_to_start_from(neuroglot, tmp_path):
    assert [row["name"] for row in parsed(neuroglot("recipes", "--json"))] == recipe_names()
    assert all(name in neuroglot("recipes").out for name in recipe_names())
    (tmp_path / "mine.yaml").write_text(neuroglot("recipes", "lape_budget").out, "utf-8")
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("lape_budget")


def test_models_lists_bundles_and_families(neuroglot):
    known = parsed(neuroglot("models", "--json"))
    assert "gemma3-270m" in known["bundled"]
    assert "gpt2" in known["families"]
    said = neuroglot("models").out
    assert "gemma3-270m" in said
    assert "gpt2" in said


def test_doctor_proves_a_model(home, neuroglot):
    found = parsed(neuroglot("doctor", home / "model", "--json"))
    assert found["healthy"] is True
    assert all(check["passed"] for check in found["checks"])
    assert "passed" in neuroglot("doctor", home / "model").out
