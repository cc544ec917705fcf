"""LangSpec-F1, collateral and ρ by recipe: at equal budgets, over budgets, under each baseline."""

import numpy as np
import pandas as pd

from neuroglot.evaluation.ablation import Mask
from neuroglot.evaluation.tables import Tables, tabulate
from neuroglot.intervention.kinds import Intervention
from neuroglot.study.comparison.budgets import share
from neuroglot.study.comparison.comparing import Comparing, sized
from neuroglot.study.comparison.faithfulness import SUM
from neuroglot.study.plan import UNIFORM
from neuroglot.study.sections import Acts, Frames


def standings(comparing: Comparing) -> Frames:
    """Frames ``standings``, ``means``, ``differences``, ``area``, ``predicted`` and ``base``."""
    comparison = comparing.comparison
    own = comparing.size
    parts = [(own, _tables(comparing, [*_recipes(comparing, own), *_controls(comparing)]))]
    for size in comparison.compare.sizes:
        if share(size, comparing.run) != share(own, comparing.run):
            acts = _recipes(comparing, size)
            parts.append((size, _tables(comparing, acts)))
    for kind in comparison.compare.baselines:
        if kind != "zero":
            parts.append((own, _tables(comparing, _recipes(comparing, own, kind))))
    frames: Frames = {}
    for name in ("langspec", "means", "differences"):
        each = [getattr(tables, name).assign(budget=share(size, comparing.run)) for size, tables in parts]
        # Everything off is measured beside every budget and baseline, and is the same.
        keys = ["mask", "budget", "language"] if name == "langspec" else None
        frames[name] = pd.concat(each, ignore_index=True).drop_duplicates(keys)
    return {
        "standings": frames["langspec"],
        "means": frames["means"],
        "differences": frames["differences"],
        "area": _area(frames["means"], [recipe.name for recipe in comparison.recipes if sized(recipe)]),
        "predicted": _predicted(comparing, parts[0][1].drops),
        "base": parts[0][1].base,
    }


def _tables(comparing: Comparing, acts: Acts) -> Tables:
    comparison = comparing.comparison
    return tabulate(comparing.measured(acts), resamples=comparison.resamples, seed=comparison.seed)


def _recipes(comparing: Comparing, size: int | float, kind: str = "zero") -> list[tuple[Mask, Intervention]]:
    """Every recipe's masks; those whose size the budget does not decide only at the study's own."""
    acts: list[tuple[Mask, Intervention]] = []
    for recipe in comparing.comparison.recipes:
        if size != comparing.size and (not sized(recipe) or recipe.searched):
            continue
        acts += comparing.acts(recipe.name, comparing.chosen(recipe, size), kind)
    return acts


def _controls(comparing: Comparing) -> list[tuple[Mask, Intervention]]:
    acts: list[tuple[Mask, Intervention]] = []
    for name, sets in comparing.controls.items():
        for label, neurons in sets.items():
            if name == UNIFORM:
                mask = Mask(f"{UNIFORM} {label}", UNIFORM, UNIFORM, size=len(neurons), seed=int(label))
            else:
                _, recipe, seed = name.split("/")
                mask = Mask(
                    f"matched {recipe} {label} {seed}",
                    *("matched", recipe, "zero", label),
                    size=len(neurons),
                    seed=int(seed),
                )
            acts.append((mask, Intervention(neurons)))
    return acts


def _predicted(comparing: Comparing, drops: pd.DataFrame) -> pd.DataFrame:
    """What a whole set takes from its language, in nats a token.

    ``predicted`` is the signed sum of first-order effects on identification text, ``measured`` on the report.
    """
    first_order = comparing.run.bank.statistic(SUM, "mean")
    layers = list(comparing.run.bank.layers("mlp"))
    own = drops[(drops["kind"] == "recipe") & (drops["target"] == drops["language"])]
    measured = {(row["recipe"], row["language"]): -row["delta_log_prob"] for _, row in own.iterrows()}
    rows = []
    for recipe in comparing.comparison.recipes:
        for language, neurons in comparing.chosen(recipe).items():
            if neurons.site in ("mlp", "mlp_gate", "mlp_up"):  # where 0 is the same intervention
                effects = first_order.sel(language=language).values
                predicted = float(effects[neurons.mask[layers]].sum())
                rows.append((recipe.name, language, predicted, measured[recipe.name, language]))
    return pd.DataFrame(rows, columns=["recipe", "language", "predicted", "measured"])


def _area(means: pd.DataFrame, recipes: list[str]) -> pd.DataFrame:
    """Area under mean relative F1 over log budget, over the width of the range: a mean over budgets."""
    rows = []
    at_zero = means[(means["kind"] == "recipe") & (means["baseline"] == "zero")]
    for recipe in recipes:
        own = at_zero[at_zero["recipe"] == recipe].sort_values("budget")
        if len(own) > 1:
            x = np.log(own["budget"].to_numpy(dtype=float))
            rows.append((recipe, float(np.trapezoid(own["f1_relative"], x) / (x[-1] - x[0]))))
    return pd.DataFrame(rows, columns=["recipe", "area"])
