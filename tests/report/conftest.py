"""A made-up study in the shape of the real one: 4 languages, 18 layers, recipes, controls, everything off."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from neuroglot.report.findings import COLUMNS, Findings

LAYERS = 18
BUDGET = 368
STRENGTH = {"grad_act": 0.78, "activation": 0.74, "lape": 0.55, "lape_budget": 0.62}
TWICE = ("grad_act", "activation")  # those evaluated with both baselines
QUANTILES = {0.05: -1.6, 0.25: -0.7, 0.5: 0.0, 0.75: 0.7, 0.95: 1.6, 0.99: 2.3}


def table(name: str, rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS[name])


def masks(languages):
    """Each mask as (mask, recipe, baseline, kind, target, relative drop of the target, of the others)."""
    for recipe, hit in STRENGTH.items():
        for target in languages:
            yield f"{recipe}-zero-{target}", recipe, "zero", "recipe", target, hit, 0.08
            if recipe in TWICE:
                yield f"{recipe}-mean-{target}", recipe, "grand_mean", "recipe", target, hit - 0.1, 0.08
            for seed in range(2):
                yield f"matched-{recipe}-{target}-{seed}", recipe, "zero", "matched", target, 0.08, 0.07
    for seed in range(5):
        yield f"uniform-{seed}", "random", "zero", "uniform", "", 0.06, 0.06
    yield "everything_off", "everything_off", "zero", "everything_off", "", 0.999, 0.999


def langspec_row(recipe, kind, own, others):
    f1 = 2 * own * own / (own + own * (own + others.max())) if own else 0.0
    half = 0.05 if kind == "recipe" else 0.02
    relative = f1, max(f1 - half, 0), min(f1 + half, 1)
    collateral = (others.mean() / own, others.max() / own) if own else (np.inf, np.inf)
    rho = (own / 0.07, own / 0.1, np.inf if recipe == "lape" else own / 0.05)
    size = LAYERS * 2048 if kind == "everything_off" else BUDGET
    return (
        *relative,
        *(0.9 * x for x in relative),
        *collateral,
        *(rho if kind == "recipe" else [np.nan] * 3),
        size,
    )


def outcomes(languages, draw):
    drops, langspec = [], []
    for *mask, hit, miss in masks(languages):
        _, recipe, _, kind, target = mask
        means = np.array([hit if x == target else miss for x in languages])
        loss = np.clip(means + draw.normal(0, 0.03, len(languages)), -0.1, 0.9999)
        for x, lost in zip(languages, loss, strict=True):
            change = -np.log1p(-lost)
            drops.append((*mask, x, -3 - change, np.exp(3 + change), lost, lost * np.exp(-3), -change))
        positive = np.maximum(loss, 0)
        for i, x in enumerate(languages):
            if target in ("", x):
                row = langspec_row(recipe, kind, positive[i], np.delete(positive, i))
                langspec.append((*mask[:4], x, *row))
    return table("langspec", langspec), table("drops", drops)


def means(langspec):
    """The shape of the study's own means; their intervals are narrower than an average of intervals."""
    group = ["recipe", "baseline", "kind"]
    averaged = langspec.drop(columns=["mask", "language"]).groupby(group, sort=False, as_index=False).mean()
    return averaged.assign(
        f1_relative_low=averaged["f1_relative"] - 0.03, f1_relative_high=averaged["f1_relative"] + 0.03
    )


def layers(languages, draw):
    for recipe in [*STRENGTH, "random"]:
        for x in languages:
            flat, ends = np.ones(LAYERS), 1 + 4 * np.abs(np.arange(LAYERS) - 9) / 9
            shares = flat / LAYERS if recipe == "random" else draw.dirichlet(ends)
            yield from (
                (recipe, x, layer, int(n)) for layer, n in enumerate(draw.multinomial(BUDGET, shares))
            )


def quantiles(languages, draw):
    for recipe in STRENGTH:
        for k, x in enumerate(languages):
            for layer in range(LAYERS):
                for quantile, z in QUANTILES.items():
                    raw = (1 + 0.3 * k) * np.exp(0.1 * layer + z)
                    yield recipe, x, layer, quantile, raw, z + 0.05 * draw.normal()


def overlap(languages):
    for recipe in STRENGTH:
        for i, a in enumerate(languages):
            for k, b in list(enumerate(languages))[i:]:
                shared = BUDGET if a == b else 30 + 10 * k
                yield recipe, a, b, shared, shared / (2 * BUDGET - shared)


def scatter(languages, draw, neurons):
    for recipe in STRENGTH:
        for x in languages:
            for layer in range(LAYERS):
                own = draw.standard_t(3, neurons)
                others = 0.5 * own + draw.standard_t(3, neurons)
                chosen = own > np.quantile(own, 0.93)
                points = zip(range(neurons), own, others, chosen, strict=True)
                yield from ((recipe, x, layer, *point) for point in points)


def density(languages, draw):
    for target in languages:
        for language in languages:
            for value in draw.normal(1e-3 if language == target else 0.0, 3e-4, 20):
                yield "grad_act", target, language, 4, 7, value


def differences():
    yield "grad_act", "activation", "zero", "relative", 0.02, -0.03, 0.07
    yield "grad_act", "lape", "zero", "relative", 0.21, 0.12, 0.30
    yield "grad_act", "lape_budget", "zero", "relative", 0.14, 0.05, 0.22
    yield "activation", "lape", "zero", "relative", 0.19, 0.10, 0.27


def invent(languages: list[str], neurons: int = 80) -> Findings:
    draw = np.random.default_rng(0)
    langspec, drops = outcomes(languages, draw)
    return Findings(
        about={
            "title": "Four languages in Gemma 3 270M",
            "model": "gemma3-270m",
            "revision": "1.0.0",
            "fingerprint": "sha256:5f1d0c9a",
            "corpus": "commons",
            "corpus_fingerprint": "sha256:77ab01de",
            "sites": ["mlp"],
            "languages": languages,
            "tokens": {x: 2400 + 100 * i for i, x in enumerate(languages)},
            "versions": {"neuroglot": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
            "recipes": {"grad_act": "First-order effect of silencing, z over languages.", "lape": "Entropy."},
            "seed": 0,
            "commands": ["pip install 'neuroglot[demo]'", "neuroglot demo --out runs/demo"],
            "started": "2026-01-02 10:00",
            "finished": "2026-01-02 10:07",
            "seconds": {"pass": 61.2, "select": 4.0, "evaluate": 301.5},
        },
        langspec=langspec,
        means=means(langspec),
        drops=drops,
        base=table("base", [(x, -3.0, np.exp(3.0), 410, 1800, 2100, 24, 6) for x in languages]),
        differences=table("differences", differences()),
        layers=table("layers", layers(languages, draw)),
        quantiles=table("quantiles", quantiles(languages, draw)),
        overlap=table("overlap", overlap(languages)),
        scatter=table("scatter", scatter(languages, draw, neurons)),
        density=table("density", density(languages, draw)),
    )


@pytest.fixture(scope="session")
def findings() -> Findings:
    return invent(["en", "zh", "vi", "fr"])


@pytest.fixture(scope="session")
def nothing(findings) -> Findings:
    """A run that measured nothing beyond the unmasked model."""
    names = [name for name in COLUMNS if name != "base"]
    return replace(findings, **{name: getattr(findings, name).iloc[:0] for name in names})


@pytest.fixture(scope="session")
def rows():
    """The rows that a chart carries, as the browser will read them."""

    def read(chart) -> pd.DataFrame:
        spec = chart.to_dict()
        text = spec["datasets"][spec["data"]["name"]]
        return pd.read_csv(StringIO(text), keep_default_na=False, na_values=[""])

    return read
