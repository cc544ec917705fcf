"""The pass against its floor, captum, plain hooks and full-logits autograd; its memory, and how it scales.

The floor is what no method can do without: the body there and back (activations only, down to the neurons of
layer 0) and two products of the head, each measured alone in float32 and added up.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.stats import spearmanr

import measure as timing
from harness import Aim, Part, ratio
from neuroglot.model.language_model import LanguageModel
from neuroglot.specificity.selection import parse_budget
from neuroglot.study.recipe import load_recipe
from neuroglot.study.steps import score, select
from neuroglot.text.corpus import Corpus
from workloads import WORKLOADS, Bench, GradAct, all_quantities, captum_layers, full_logits, mixed

FLOOR = ("body there and back", "head product", "head product back")
FORWARD, ONE, ALL = "pass, forward scores", "pass, one score", "pass, all scores"
MIXED = "mixed pass, all scores"
AUTOGRAD, SCRIPT, CAPTUM = "full-logits autograd", "plain script, a sentence at a time", "captum, all layers"

REMEMBERED = (FORWARD, ALL, MIXED, AUTOGRAD, SCRIPT, CAPTUM)
"""Whose memory is measured, each in a process of its own."""

LANGUAGES = ["en", "zh", "vi", "fr"]
SENTENCES = 12
"""A language, for what mixed precision changes: ranks and sets."""


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> Part:
    """All workloads in interleaved rounds, then memory, then what mixed precision changes."""
    workloads = {name: prepare(bench) for name, prepare in WORKLOADS.items()}
    scores: dict[str, GradAct] = {}
    for name, workload in workloads.items():
        say(f"warming up, keeping the numbers: {name}")
        if (found := workload()) is not None:
            scores[name] = found
    seconds = timing.seconds(workloads, rounds, say)
    few = captum_layers(bench.model.layers)
    seconds[CAPTUM] = [value * bench.model.layers / len(few) for value in seconds[CAPTUM]]
    seconds["floor"] = [sum(parts) for parts in zip(*(seconds[part] for part in FLOOR), strict=True)]
    peaks = {}
    for name in REMEMBERED:
        say(f"memory: {name}")
        peaks[name] = timing.memory(name, bench.model.name, bench.batch.ids.numel())
    say("what mixed precision changes")
    correlation, agreement = mixed_against_float32(bench.model)
    say("the truth: full-logits autograd in float64")
    bench.model.network.double()
    try:
        truth = full_logits(bench)
    finally:
        bench.model.network.float()  # bitwise what it was
    return Part(
        "pass",
        seconds,
        [
            Aim("all scores ≤ 1.10 × floor", ratio(seconds, ALL, "floor"), 1.10),
            Aim("forward scores ≤ 1.05 × body forward", ratio(seconds, FORWARD, "body forward"), 1.05),
            Aim("mixed precision, all scores ≤ 0.6 × float32 floor", ratio(seconds, MIXED, "floor"), 0.6),
            Aim("mixed: rank correlation with float32 ≥ 0.999", correlation, 0.999, at_least=True),
            Aim("mixed: share of the same neurons ≥ 97 %", agreement, 0.97, at_least=True),
            Aim(
                "≥ 10 × faster than captum a layer at a time", ratio(seconds, CAPTUM, ALL), 10, at_least=True
            ),
            Aim("peak ≤ 0.6 × full-logits autograd's", peaks[ALL].peak / peaks[AUTOGRAD].peak, 0.6),
            Aim("the numbers of float64, to 1e-4 of a layer's largest", apart(scores[ALL], truth), 1e-4),
        ],
        figures(bench, seconds, peaks, scores, truth),
        [
            f"{bench.batch.ids.numel()} positions in {len(bench.batch.samples)} rows, "
            f"{int(bench.batch.predicting.sum())} predicted; {len(all_quantities())} quantities",
            f"captum: layers {list(few)} measured, scaled to {bench.model.layers}",
        ],
    )


def figures(
    bench: Bench,
    seconds: Mapping[str, list[float]],
    peaks: Mapping[str, timing.Memory],
    scores: Mapping[str, GradAct],
    truth: GradAct,
) -> dict[str, float]:
    """What is worth knowing beside the aims."""
    few = list(captum_layers(bench.model.layers))
    found = {f"× floor: {name}": ratio(seconds, name, "floor") for name in seconds if name != "floor"}
    found["× body forward: mixed, forward scores"] = ratio(seconds, "mixed " + FORWARD, "body forward")
    for name, peak in peaks.items():
        found[f"GB at most: {name}"] = peak.peak / 1e9
        found[f"GB above the loaded model: {name}"] = (peak.peak - peak.loaded) / 1e9
    found["apart: pass and captum"] = apart(scores[ALL][few], scores[CAPTUM])
    found["apart: full-logits autograd in float32 and in float64"] = apart(scores[AUTOGRAD], truth)
    return found


def apart(ours: GradAct, theirs: GradAct) -> float:
    """The largest difference of a score over the largest score of its layer; of the worst layer."""
    return float(((ours - theirs).abs().amax(dim=(1, 2)) / theirs.abs().amax(dim=(1, 2))).max())


def mixed_against_float32(model: LanguageModel) -> tuple[float, float]:
    """Rank correlation of grad_act's statistic over all neurons, and the share of a set that is the same.

    Both of the language where they are lowest.
    """
    text = Corpus.commons(LANGUAGES).take(SENTENCES, 0)
    recipe = load_recipe("grad_act")
    exact = score(model, text, [recipe])
    with mixed(model):
        fast = score(model, text, [recipe])
    ranks = [
        spearmanr(one.ravel(), other.ravel()).statistic
        for one, other in zip(recipe.statistic(exact).values, recipe.statistic(fast).values, strict=True)
    ]
    budget = parse_budget("1%")
    ours, theirs = select(exact, recipe, budget), select(fast, recipe, budget)
    same = [np.mean(theirs[name].mask[ours[name].mask]) for name in LANGUAGES]
    return float(min(ranks)), float(min(same))
