"""A made-up comparison in the shape of a real one: 6 recipes, 4 languages, 5 budgets, 4 baselines."""

from itertools import combinations, combinations_with_replacement

import numpy as np
import pandas as pd
import pytest

from neuroglot.report.comparison.compared import COLUMNS

STRENGTH = {"grad_act": 0.78, "ig": 0.77, "crane": 0.7, "lape": 0.55, "activation": 0.5, "random": 0.1}
LANGUAGES = ("en", "de", "zh", "sw")
BUDGETS = (0.01, 0.001, 0.003, 0.03, 0.1)
BASELINES = ("zero", "grand_mean", "others_mean", "quantile")
OFF = 0.35
SCORES = ("activation", "grad_act", "ig", "fisher")
CONTRASTS = {"margin": 0.3, "entropy": 0.1, "ratio": 0.0}


def _scores(f1, size, rho=np.nan):
    f1 = float(np.clip(f1, 0, 1))
    ends = f1, max(f1 - 0.03, 0.0), min(f1 + 0.03, 1.0)
    return (*ends, *(0.9 * x for x in ends), 1.1 - f1, 1.3 - f1, rho, rho - 1, rho + 1, size)


def _sets():
    """(recipe, kind, baseline, budget, mean F1, ρ) of every set."""
    for budget in BUDGETS:
        for recipe, f1 in STRENGTH.items():
            for place, baseline in enumerate(BASELINES if budget == BUDGETS[0] else BASELINES[:1]):
                fade = 0.08 * abs(np.log10(budget / BUDGETS[0]))
                yield recipe, "recipe", baseline, budget, f1 - fade - 0.05 * place, 1 + 9 * f1
    for recipe in STRENGTH:
        yield recipe, "matched", "zero", BUDGETS[0], 0.08, np.nan
    yield "random", "uniform", "zero", BUDGETS[0], 0.06, np.nan
    yield "", "everything_off", "zero", BUDGETS[0], OFF, np.nan


def _made_up():
    draw = np.random.default_rng(0)
    shift = dict(zip(LANGUAGES, (-0.04, 0.0, 0.05, -0.01), strict=True))
    rows = {name: [] for name in COLUMNS}
    for recipe, kind, baseline, budget, f1, rho in _sets():
        size = 36864 if kind == "everything_off" else 36864 * budget
        rows["means"].append((recipe, baseline, kind, *_scores(f1, size, rho), budget))
        for language in LANGUAGES:
            mask = f"{kind}-{recipe}-{baseline}-{budget}-{language}"
            each = _scores(f1 + shift[language], size, rho)
            rows["standings"].append((mask, recipe, baseline, kind, language, *each, budget))
    for a, b in combinations(STRENGTH, 2):
        gap = STRENGTH[a] - STRENGTH[b]
        for drop in ("relative", "absolute"):
            rows["differences"].append((a, b, "zero", drop, gap, gap - 0.03, gap + 0.03, BUDGETS[0]))
    rows["area"] = [(recipe, f1 - 0.06) for recipe, f1 in STRENGTH.items()]
    for place, score in enumerate(SCORES):
        for contrast, worth in CONTRASTS.items():
            f1 = 0.4 + worth + 0.02 * place
            rows["crossed"].append((score, contrast, f1, 0.9 * f1, 1 - f1, 368))
        true = (0.1, 0.8, 0.9, -0.5)[place]
        rows["faithfulness"].append((score, score != "fisher", true, true - 0.06, true + 0.06, 120))
        for language in LANGUAGES:
            effect = draw.normal(0, 1, 60)
            value = true * effect + (1 - abs(true)) * draw.normal(0, 1, 60)
            for n in range(60):
                rows["effects"].append((score, language, n % 18, n, value[n], effect[n]))
        rows["completeness"] += [(score, layer, 0.05 * (place + 1) / (layer + 1)) for layer in range(6)]
    for place, (recipe, f1) in enumerate(STRENGTH.items()):
        rows["cost"].append((recipe, 2.0 * 2**place, 2 + place, 900 + 10 * place))
        for language in LANGUAGES:
            rows["predicted"].append((recipe, language, 8 * f1, 5 * f1 + 0.2))
            decoys = 0.7 if recipe in ("lape", "activation") else 0.0
            rows["known_answer"].append((recipe, language, min(f1 + 0.22, 1) * (1 - decoys), f1, decoys, 12))
            for kind in ("split_half", "other_corpus", "bootstrap"):
                rows["stability"].append((recipe, kind, language, f1 * draw.uniform(0.7, 1)))
        for a, b in combinations_with_replacement(LANGUAGES, 2):
            jaccard = 1.0 if a == b else (0.3 if {a, b} == {"en", "de"} else 0.05)
            rows["language_overlap"].append((recipe, a, b, int(300 * jaccard), jaccard))
    for a, b in combinations_with_replacement(STRENGTH, 2):
        rows["recipe_overlap"].append((a, b, 1.0 if a == b else 0.6 if {a, b} == {"grad_act", "ig"} else 0.1))
    for target in LANGUAGES:
        for neuron in (7, 300):
            for language in LANGUAGES:
                for value in draw.normal(1e-3 if language == target else 0.0, 3e-4, 40):
                    rows["density"].append(("grad_act", target, language, 4, neuron, value))
        for threshold in (0.5, 1.0, 2.0):
            rows["thresholds"].append(
                (threshold, target, 300 / threshold, 0.7, 0.2, min(threshold, 1 / threshold))
            )
        rows["base"].append((target, -2.5, 12.0, 9000, 40000, 45000, 300, 20))
    return {name: pd.DataFrame(rows[name], columns=COLUMNS[name]) for name in COLUMNS}


@pytest.fixture
def frames():
    return _made_up()


@pytest.fixture
def about():
    return {
        "title": "Every recipe, side by side",
        "model": "made-up-270m",
        "languages": list(LANGUAGES),
        "seed": 7,
        "commands": ["neuroglot compare all.yaml"],
    }
