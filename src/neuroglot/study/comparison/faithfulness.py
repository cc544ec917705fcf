"""Does a score say what really happens? Against the exact effect of single neurons (METHODS §7).

e_j = mean over sentences of s − s(neuron j off), in nats a token, for neurons drawn evenly from the layers
and inside each from the quantiles of mean |a·g|. Signed scores are compared with e, the others with |e|, by
Spearman's rank correlation in each language; the interval is over redrawn neurons. Effects are measured on
identification text, in float32.
"""

from itertools import pairwise

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy.stats import rankdata

from neuroglot.attribution.exact import ablate_everywhere
from neuroglot.objective import samples_of
from neuroglot.statistics.quantity import Quantity
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.comparison.crossed import scores_of
from neuroglot.study.sections import Frames

SIGNED = ("grad_act", "relevance", "integrated_gradients", "conductance", "smoothgrad", "ablation")
"""Scores that claim a direction."""

RESAMPLES = 200

SUM = Quantity("mlp", "grad_act", "sum", 1, "logprob")
"""First-order effects: what silencing a neuron at all positions takes from s, a token."""


def faithfulness(comparing: Comparing) -> Frames:
    """Frames ``faithfulness`` (a row a score) and ``effects`` (a point a language and neuron)."""
    bank, languages = comparing.run.bank, comparing.languages
    first_order = bank.statistic(SUM, "mean").values
    layers = np.array(bank.layers("mlp"))
    neurons = sampled(
        np.abs(first_order).mean(axis=0), comparing.comparison.compare.neurons, comparing.comparison.seed
    )
    effect = _effects(comparing, np.column_stack([layers[neurons[:, 0]], neurons[:, 1]]))
    scores = {"grad_act (sum, mean)": (first_order, True)}
    for label, recipe in scores_of(comparing.comparison.recipes).items():
        signed = recipe.score.name in SIGNED and recipe.samples.name == "mean"
        if recipe.site in ("mlp", "mlp_gate", "mlp_up", "mlp_gate_pre"):
            scores[label] = (recipe.statistic(bank).values, signed)
    rows, points = [], []
    draw = np.random.default_rng(comparing.comparison.seed)
    redrawn = draw.integers(0, len(neurons), (RESAMPLES, len(neurons)))
    for label, (statistic, signed) in scores.items():
        own = np.nan_to_num(statistic[:, neurons[:, 0], neurons[:, 1]])
        goal = effect if signed else np.abs(effect)
        value = spearman(own, goal).mean()
        spread = [spearman(own[:, rows_], goal[:, rows_]).mean() for rows_ in redrawn]
        low, high = np.nanquantile(spread, [0.025, 0.975])
        rows.append((label, signed, value, low, high, len(neurons)))
        for place, language in enumerate(languages):
            for (layer, neuron), score, lost in zip(neurons, own[place], effect[place], strict=True):
                points.append((label, language, int(layers[layer]), int(neuron), score, lost))
    return {
        "faithfulness": pd.DataFrame(
            rows, columns=["score", "signed", "spearman", "low", "high", "neurons"]
        ).sort_values("spearman", ascending=False),
        "effects": pd.DataFrame(points, columns=["score", "language", "layer", "neuron", "value", "effect"]),
    }


def sampled(size: Float[np.ndarray, "layer neuron"], count: int, seed: int) -> Int[np.ndarray, "neuron 2"]:
    """(layer's place, neuron): evenly over layers and, in each, over the ranks of ``size``."""
    layers, width = size.shape
    draw = np.random.default_rng(seed)
    found = []
    for layer in range(layers):
        wanted = min(width, count // layers + (layer < count % layers))
        edges = np.linspace(0, width, wanted + 1).astype(int)
        order = np.argsort(size[layer], kind="stable")
        found += [(layer, int(order[draw.integers(low, high)])) for low, high in pairwise(edges)]
    return np.array(found)


def spearman(
    first: Float[np.ndarray, "language neuron"], second: Float[np.ndarray, "language neuron"]
) -> Float[np.ndarray, " language"]:
    """Rank correlation in each language; 0 where all are equal."""
    a, b = (rankdata(one, axis=1) for one in (first, second))
    a, b = (one - one.mean(axis=1, keepdims=True) for one in (a, b))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    found: np.ndarray = np.where(scale > 0, (a * b).sum(axis=1) / np.where(scale > 0, scale, 1), 0.0)
    return found


def _effects(
    comparing: Comparing, neurons: Int[np.ndarray, "neuron 2"]
) -> Float[np.ndarray, "language neuron"]:
    """e_j of each language, in nats a token."""
    model, run = comparing.run.model, comparing.run
    most = comparing.comparison.compare.effect_sentences
    fewest = min(run.text["identify"].sentences(language) for language in comparing.languages)
    samples = samples_of(model, run.text["identify"].take(min(most, fewest), comparing.comparison.seed))
    total = np.zeros((len(comparing.languages), len(neurons)))
    counted = np.zeros(len(comparing.languages))
    with run.track("switching single neurons off", len(samples) * len(neurons)) as advance:
        for sample in samples:
            row = comparing.languages.index(sample.language)
            lost = ablate_everywhere(model, sample, neurons, advance=advance)
            total[row] += lost.cpu().numpy() / sample.tokens
            counted[row] += 1
    return total / counted[:, None]
