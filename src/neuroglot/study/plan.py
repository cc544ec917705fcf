"""The masks of a study: nothing and everything off, the recipes' sets, their controls, random sets."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby

import numpy as np

from neuroglot.evaluation.ablation import Mask
from neuroglot.intervention.kinds import Intervention
from neuroglot.model.language_model import LanguageModel
from neuroglot.neurons import NeuronSet
from neuroglot.specificity.controls import matched, uniform
from neuroglot.specificity.selection import parse_budget
from neuroglot.statistics.bank import ScoreBank
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.config import Study
from neuroglot.study.steps import (
    activation_read,
    activations_for,
    base_mask,
    everything_off,
    matched_on,
    per_neuron,
)
from neuroglot.study.validation import located

UNIFORM = "uniform"

MASKS_A_PIECE = 4
"""Masks evaluated together: what a killed run can lose."""

Sets = Mapping[str, Mapping[str, NeuronSet]]
"""Recipe (or ``matched/<recipe>/<seed>``, or ``uniform``) → language (or number) → set."""


def quantities_beside_recipes(study: Study) -> list[Quantity]:
    """What interventions, controls and checks need of the pass."""
    from neuroglot.study.controls import checks_of  # checks know what a plan is

    needed: set[Quantity] = set()
    for recipe in study.recipes:
        for kind in study.acting_on(recipe.name):
            needed |= activation_read(kind, recipe.site)
        if study.controls.matched and controlled(study, recipe.name):
            needed.add(matched_on(study.controls.matched_on, recipe.site))
    for _, check, options in checks_of(study.checks):
        needed.update(check.reads(study, options))
    return sorted(needed)


def control_sets(study: Study, bank: ScoreBank, chosen: Sets) -> dict[str, dict[str, NeuronSet]]:
    """The random sets of a study: uniform over all neurons, and matched to each recipe's own."""
    controls: dict[str, dict[str, NeuronSet]] = {}
    model = json.loads(bank.attributes["model"])
    layers, width = sorted(set(study.layers or range(model["layers"]))), model["width"]["mlp"]
    for number in range(study.controls.uniform):
        seed = _seed(study, UNIFORM, number)
        about = {"control": UNIFORM, "budget": study.budget, "seed": seed}
        mask = np.zeros((model["layers"], width), dtype=bool)
        mask[layers] = uniform((len(layers), width), parse_budget(study.budget), seed)
        controls.setdefault(UNIFORM, {})[str(number)] = NeuronSet("mlp", mask, "", about)
    for recipe in study.recipes:
        if not controlled(study, recipe.name):
            continue
        if not study.controls.matched:
            continue
        alike = per_neuron(bank, matched_on(study.controls.matched_on, recipe.site))
        for number in range(study.controls.matched):
            for language, own in chosen[recipe.name].items():
                seed = _seed(study, recipe.name, language, number)
                with located(f"recipe {recipe.name}, {language}"):
                    mask = matched(own.mask, alike.sel(language=language).values, seed)
                about = {
                    "control": "matched",
                    "on": study.controls.matched_on,
                    "of": recipe.name,
                    "seed": seed,
                }
                name = f"matched/{recipe.name}/{number}"
                controls.setdefault(name, {})[language] = NeuronSet(own.site, mask, language, about)
    return controls


def masks(
    study: Study, model: LanguageModel, bank: ScoreBank, chosen: Sets, controls: Sets
) -> list[tuple[Mask, Intervention]]:
    """Every mask of the study with what it does, the base first."""
    found = [base_mask(model), everything_off(model, study.recipes[0].site)]
    for name, neurons in controls.get(UNIFORM, {}).items():
        mask = Mask(f"uniform {name}", UNIFORM, UNIFORM, size=len(neurons), seed=int(name))
        found.append((mask, Intervention(neurons)))
    for recipe in study.recipes:
        for kind in study.acting_on(recipe.name):
            means = activations_for(kind, bank, recipe.site)
            for language, own in chosen[recipe.name].items():
                mask = Mask(
                    f"{recipe.name} {kind} {language}", "recipe", recipe.name, kind, language, len(own)
                )
                found.append((mask, Intervention(own, kind, means)))
        for number in range(study.controls.matched if "zero" in study.acting_on(recipe.name) else 0):
            for language, neurons in controls.get(f"matched/{recipe.name}/{number}", {}).items():
                name = f"matched {recipe.name} {language} {number}"
                mask = Mask(name, "matched", recipe.name, "zero", language, len(neurons), number)
                found.append((mask, Intervention(neurons)))
    return found


def pieces(todo: Sequence[tuple[Mask, Intervention]]) -> Iterator[Sequence[tuple[Mask, Intervention]]]:
    """Masks to evaluate and keep together; recipes share no piece, so one more leaves the others' alone."""
    for _, group in groupby(todo, key=lambda each: each[0].recipe):
        together = list(group)
        for start in range(0, len(together), MASKS_A_PIECE):
            yield together[start : start + MASKS_A_PIECE]


def controlled(study: Study, recipe: str) -> bool:
    """Whether a recipe's sets have matched controls, if there are any."""
    return study.controls.recipes is None or recipe in study.controls.recipes


def _seed(study: Study, *parts: object) -> int:
    """A seed of its own for every random set, whatever else the study contains."""
    return int.from_bytes(sha256(repr((study.seed, *parts)).encode()).digest()[:4], "big")
