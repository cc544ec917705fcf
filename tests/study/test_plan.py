import json

import numpy as np

from neuroglot.evaluation.ablation import Mask
from neuroglot.intervention.kinds import Intervention
from neuroglot.neurons import NeuronSet
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.plan import MASKS_A_PIECE, control_sets, pieces, quantities_beside_recipes
from neuroglot.study.run import Run
from tiny_study import WORDS


def test_what_interventions_and_controls_need_of_the_pass(study):
    mean, rate, gate = Quantity("mlp", "activation", "sum"), Quantity("mlp", "active", "sum"), "mlp_gate"
    assert quantities_beside_recipes(study()) == sorted([mean, rate, Quantity(gate, "active", "sum")])
    bare = {"interventions": {"zero": "all"}, "controls": {"matched": 0}}
    assert quantities_beside_recipes(study(**bare)) == []
    some = study(interventions={"zero": "all"}, controls={"matched": 1, "recipes": ["grad_act"]})
    assert quantities_beside_recipes(some) == [rate]


def test_controls_have_the_size_of_what_they_control_and_none_of_it(home):
    run = Run.open(home / "run")
    for language, own in run.sets["grad_act"].items():
        control = NeuronSet.load(home / f"run/sets/matched/grad_act/0/{language}.json")
        assert control.mask.sum(axis=1).tolist() == own.mask.sum(axis=1).tolist()
        assert not (control.mask & own.mask).any()


def test_random_sets_do_not_depend_on_what_else_is_in_the_study(home, study):
    run = Run.open(home / "run")
    whole = control_sets(run.study, run.bank, run.sets)
    less = control_sets(study(recipes=["grad_act"], interventions={"zero": "all"}), run.bank, run.sets)
    assert set(less) == {"uniform", "matched/grad_act/0"}
    assert all(less[name] == whole[name] for name in less)


def test_uniform_sets_fit_the_mlp_whatever_site_the_first_recipe_has(home, study):
    run = Run.open(home / "run")
    elsewhere = {language: NeuronSet("resid", np.zeros((3, 32), bool)) for language in WORDS}
    plain = study(
        recipes=["lape_budget"], interventions={"zero": "all"}, controls={"uniform": 1, "matched": 0}
    )
    (neurons,) = control_sets(plain, run.bank, {"lape_budget": elsewhere})["uniform"].values()
    assert (neurons.site, neurons.shape, len(neurons)) == ("mlp", (3, 48), 7)


def test_no_two_recipes_share_a_piece():
    nobody = Intervention(NeuronSet("mlp", np.zeros((1, 2), bool)))
    todo = [(Mask(f"{recipe}{n}", "recipe", recipe), nobody) for recipe in "abc" for n in range(5)]
    found = list(pieces(todo))
    assert [mask for piece in found for mask in piece] == todo
    assert all(len({mask.recipe for mask, _ in piece}) == 1 for piece in found)
    assert max(map(len, found)) == MASKS_A_PIECE
    without = list(pieces([each for each in todo if each[0].recipe != "b"]))
    assert all(piece in found for piece in without)


def test_the_manifest_describes_every_mask(home):
    stages = json.loads((home / "run/manifest.json").read_text("utf-8"))["stages"]
    masks = [Mask(**mask) for mask in stages["ablate"]["masks"]]
    assert [mask.kind for mask in masks[:4]] == ["none", "everything_off", "uniform", "uniform"]
    assert {mask.target for mask in masks if mask.kind == "recipe"} == set(WORDS)
    assert [mask.size for mask in masks[:3]] == [0, 144, 7]
