import re

import pytest

from neuroglot.errors import NeuroglotError
from neuroglot.study.config import STUDIES, Study, load_study
from neuroglot.study.recipe import recipe_names
from tiny_study import WORDS


@pytest.mark.parametrize("name", sorted(path.stem for path in STUDIES.glob("*.yaml")))
def test_every_bundled_study_is_valid(name):
    study = load_study(name)
    assert study.model == "gemma3-270m"
    names = [recipe.name for recipe in study.recipes]
    if name.startswith("compare"):
        assert set(names) == set(recipe_names())
    else:
        assert names == ["grad_act", "activation", "lape", "lape_budget"]
    assert study.at("budget") == f"{name}: budget"


def test_a_study_comes_back_from_what_it_writes(study):
    one = study(budget="2.5 %", layers=[0, 2], positions="every:2")
    two = Study.model_validate(one.model_dump(mode="json"))
    assert two.digest == one.digest
    assert two.budget == pytest.approx(0.025)


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"budget": 3}, {"text": {"identify": 2}}, {"recipes": ["grad_act"]}]
)
def test_the_digest_knows_every_change(study, change):
    assert (
        study(**change, interventions={"zero": "all"}).digest != study(interventions={"zero": "all"}).digest
    )


def test_kinds_of_intervention_of_a_recipe(study):
    one = study()
    assert one.acting_on("grad_act") == ["zero", "grand_mean"]
    assert one.acting_on("lape_budget") == ["zero"]


def test_parts_hold_as_many_sentences_as_asked(study):
    text = study(text={"identify": 2, "report": 0.5, "identify_sentences": 3}).text
    parts = text.parts(seed=0)
    for language in WORDS:
        assert parts["identify"].sentences(language) == 3
        assert parts["report"].sentences(language) == 6


def test_a_recipe_is_rehearsed_with_the_languages_of_the_study(study):
    """It would fail only after the pass otherwise."""
    mine = {"name": "mine", "score": "active", "contrast": {"name": "entropy", "options": {"filter_rate": 2}}}
    with pytest.raises(
        NeuroglotError, match=r"recipes\[0\]\.contrast: filter_rate must be above 0 and at most 1, not 2"
    ):
        study(recipes=[mine], interventions={"zero": "all"})


def test_a_source_in_the_environment(study, home, monkeypatch):
    monkeypatch.setenv("NEUROGLOT_TEST_TEXT", str(home))
    text = study(text={"source": "$NEUROGLOT_TEST_TEXT/text"}).text
    assert text.parts(0)["report"].languages == tuple(WORDS)


def test_where_the_work_is_done_is_no_part_of_the_study(study):
    one, two = study(executor="ray"), study(executor={"kind": "ray", "workers": 3, "gpus": 0.5})
    assert one.digest == two.digest == study().digest
    assert (one.executor.kind, two.executor.gpus) == ("ray", 0.5)


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("slurm", "executor.kind: input should be 'local' or 'ray'"),
        ({"workers": 2}, "executor: workers, gpus and address are for `kind: ray`"),
        ({"kind": "ray", "gpus": 1.5}, "executor: gpus must be a fraction of one or a whole number, not 1.5"),
        ({"kind": "ray", "workers": 0}, "executor.workers: input should be greater than or equal to 1"),
        ({"kind": "ray", "address": "http://x"}, "executor.address: string should match"),
        ({"kind": "ray", "gpu": 1}, "executor.gpu: unknown key 'gpu'; did you mean 'gpus'"),
    ],
)
def test_a_wrong_executor_is_one_line(study, executor, message):
    with pytest.raises(NeuroglotError, match=re.escape(message)):
        study(executor=executor)
