"""Made-up frames of every check, in the shape and size of real ones, on the made-up study."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from neuroglot.report.controls.columns import COLUMNS

SCRIPTS = {"ru": "Cyrillic", "ar": "Arabic", "hi": "Devanagari", "zh": "Han", "ja": "Japanese"}
SIZES = {"grad_act": 2.0, "activation": 1.6}
"""Nats a token that each recipe's sets cost their target."""


def ends(value, half):
    return value, value - half, value + half


def made_up(languages: list[str]) -> dict[str, pd.DataFrame]:
    draw = np.random.default_rng(3)
    rows: dict[str, list[tuple]] = {name: [] for name in COLUMNS}
    script = {x: SCRIPTS.get(x, "Latin") for x in languages}
    for recipe, size in SIZES.items():
        hit = {x: size * draw.uniform(0.6, 1.4) for x in languages}
        for x in languages:
            _of_sets(rows, recipe, x, hit[x], draw)
            _of_strength(rows, recipe, x, hit[x], draw)
            _of_writing(rows, recipe, x, hit[x], script, draw)
            _of_tasks(rows, recipe, x, hit[x], languages, draw)
        for pairs_of, value in (("same script", 0.3), ("different script", 0.15), ("difference", 0.15)):
            rows["script_pairs"].append((recipe, pairs_of, *ends(value, 0.05), 12))
        for of, value in (("f1_relative", -0.31), ("jaccard", 0.55), ("collateral", 0.2)):
            rows["tokens_correlation"].append((recipe, of, value, len(languages)))
    _units_of_controls(rows, languages)
    return {name: pd.DataFrame(rows[name], columns=COLUMNS[name]) for name in COLUMNS}


def _of_sets(rows, recipe, x, hit, draw):
    control = 0.08 * hit * draw.uniform(0.7, 1.6)
    rho = hit / control
    rows["matched"].append((recipe, x, hit, control, rho, 0.8 * rho, 1.4 * rho, 12.0, 3, 0.25, np.nan, 0.25))
    for text, f1 in (("parallel", 0.75), ("monolingual", 0.66)):
        value = f1 + draw.normal(0, 0.03)
        rows["parallel"].append((recipe, x, text, *ends(value, 0.04), 0.2, hit, 0.4))
    for part, share in (
        ("whole set", 1.0), ("also superficial", 0.55), ("beyond superficial", 0.45),
        ("random of same size", 0.45),
    ):  # fmt: skip
        drop = 0.03 * hit if part.startswith("random") else hit * share
        rows["superficial"].append(
            (recipe, x, part, int(368 * share), share, *ends(0.6 * share, 0.05), *ends(drop, 0.05))
        )
    for kind, jaccard in (("split_half", 0.55), ("bootstrap", 0.7), ("other_corpus", 0.42)):
        rows["stability"].append((recipe, kind, x, jaccard + draw.normal(0, 0.02), 0.005))


def _of_strength(rows, recipe, x, hit, draw):
    for strength in (0, 0.25, 0.5, 0.75, 1, 1.5, 2):
        left = (1 - strength) ** 2 * (1 if strength < 1 else 0.4)
        half = 0.05 * hit * abs(1 - strength)
        others = ends(0.15 * hit * left, half / 2)
        rows["dose"].append((recipe, strength, x, *ends(hit * left, half), *others))
        rows["dose_control"].append((recipe, strength, x, *ends(0.06 * hit * left, half / 3), *others))
    for kind, f1 in (
        ("zero", 0.78), ("own_mean", 0.12), ("grand_mean", 0.7), ("other_mean", 0.73), ("median", 0.71),
        ("percentile(5)", 0.66),
    ):  # fmt: skip
        value = f1 + draw.normal(0, 0.02)
        rows["baselines"].append((recipe, kind, x, *ends(value, 0.04), 0.2, hit * f1))
    share = draw.uniform(0.08, 0.3)
    rows["direct"].append((recipe, x, *ends(hit, 0.1), *ends(share * hit, 0.05), *ends(share, 0.04)))


def _of_writing(rows, recipe, x, hit, script, draw):
    for unit, f1 in (("tokens", 0.78), ("characters", 0.5), ("bytes", 0.42)):
        value = f1 + draw.normal(0, 0.01)
        rows["units"].append((unit, f"{recipe} zero {x}", recipe, "recipe", x, *ends(value, 0.04), 0.2))
        rows["units"].append(
            (unit, f"matched {recipe} {x} 0", recipe, "matched", x, *ends(0.12 * value, 0.02), 0.9)
        )
    each = 0.22 + 0.1 * (script[x] != "Latin") + draw.normal(0, 0.03)
    rows["tokens_per_character"].append(
        (recipe, x, script[x], each, 0.78 + draw.normal(0, 0.05), 0.1 + draw.normal(0, 0.02), 0.3)
    )
    for other in script:
        if other != x:
            same = script[other] == script[x]
            share = (0.3 if same else 0.15) + draw.normal(0, 0.1)
            rows["scripts"].append(
                (recipe, x, other, script[x], script[other], same, share * 0.8, 0.8, *ends(share, 0.05))
            )
    if script[x] != "Latin":
        a_character = hit * each
        drops = (a_character, 0.35 * a_character, 0.05 * a_character, 0.6 * a_character)
        intervals = [value for drop in drops for value in ends(drop, 0.03)]
        rows["romanised"].append((recipe, x, script[x], 0.3, 0.18, 0.01, *intervals))


def _of_tasks(rows, recipe, x, hit, languages, draw):
    lucky = x == languages[2]
    before = 0.27 if lucky else draw.uniform(0.6, 0.85)
    for kind, lost in (("recipe", 0.3), ("matched", 0.02)):
        for language in languages:
            own = language == x
            start = before if own else 0.7
            fall = 0.02 if lucky or not own else lost
            rows["choice"].append(
                (
                    recipe,
                    kind,
                    x,
                    language,
                    200,
                    *ends(start, 0.05),
                    start - fall,
                    *ends(fall, 0.05),
                    lucky and own,
                )
            )
        value = np.nan if lucky else 0.6 if kind == "recipe" else 0.05
        rows["choice_f1"].append((recipe, kind, x, *ends(value, 0.08)))
    verdict = "task at chance" if lucky else "likelihood only" if x == languages[-1] else "both"
    lost = 0.3 if verdict == "both" else 0.02
    rows["agreement"].append((recipe, x, 1 - np.exp(-hit), lost + draw.normal(0, 0.02), verdict))


def _units_of_controls(rows, languages):
    for unit, f1 in (("tokens", 0.66), ("characters", 0.4), ("bytes", 0.33)):
        for x in languages:
            rows["units"].append((unit, "everything_off", "", "everything_off", x, *ends(f1, 0.01), 1.0))


@pytest.fixture
def checked(findings):
    """The made-up study after every check."""
    return replace(findings, controls=made_up(findings.languages))


@pytest.fixture
def changed(checked):
    """The same with other rows in one frame."""

    def change(name: str, **columns):
        frame = checked.controls[name].assign(**columns)
        return replace(checked, controls={**checked.controls, name: frame})

    return change
