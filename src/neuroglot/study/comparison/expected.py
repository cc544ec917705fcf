"""What a comparison will take, from a little of its work: masks and passes, in tokens and seconds."""

import time
from dataclasses import dataclass

from neuroglot.evaluation.likelihood import likelihood
from neuroglot.objective import samples_of
from neuroglot.specificity.selection import parse_budget
from neuroglot.study.comparison.comparing import Comparing, sized
from neuroglot.study.comparison.crossed import scores_of
from neuroglot.study.comparison.settings import Comparison
from neuroglot.study.comparison.stability import swept_threshold
from neuroglot.study.steps import everything_off, score

TRIED = 3
"""Sentences that masks are tried on."""

LEAST = {"answer": 4, "language_id": 4}
"""Sentences of which these objectives make something; the others, and every statistic, can do with two."""


@dataclass(frozen=True)
class Expected:
    """How much work a comparison is.

    Attributes:
        masks: Sets that are switched off.
        tokens: Of the report text; score × contrast may read less of it.
        reading: Seconds to score the identification text for every recipe.
        silencing: Seconds for all masks.
        singles: Seconds for the exact effects of single neurons.
    """

    masks: int
    tokens: int
    reading: float
    silencing: float
    singles: float

    def __str__(self) -> str:
        total = self.reading + self.silencing + self.singles
        return (
            f"about {total / 60:.0f} min: {self.reading / 60:.0f} to score, {self.silencing / 60:.0f} for "
            f"{self.masks} masks over up to {self.tokens} tokens, {self.singles / 60:.0f} for single "
            "neurons; searches and the model with a known answer come on top"
        )


def expected(comparing: Comparing) -> Expected:
    """Tries a mask and every recipe's pass on a few sentences."""
    comparison, run = comparing.comparison, comparing.run
    compare = comparison.compare
    report = samples_of(run.model, run.text["report"], comparison.text.unit)
    tokens = sum(sample.tokens for sample in report)
    masks, crossed = _masks(comparison, len(comparing.languages))
    part = min(1.0, (compare.crossed_sentences or len(report)) * len(comparing.languages) / len(report))
    a_token = _silencing(comparing)
    effects = samples_of(run.model, run.text["identify"].take(1), "sentence")
    each = sum(sample.tokens for sample in effects) * compare.effect_sentences
    return Expected(
        masks + crossed,
        tokens,
        _reading(comparing),
        (masks + part * crossed) * tokens * a_token,
        compare.neurons * each * a_token / 2,  # only what lies above a neuron's layer runs again
    )


def _masks(comparison: Comparison, languages: int) -> tuple[int, int]:
    """Masks over all of the report, and those of score × contrast, which may read less of it."""
    compare, recipes = comparison.compare, comparison.recipes
    own = parse_budget(comparison.budget)
    controlled = comparison.controls.recipes or recipes
    swept = [recipe for recipe in recipes if sized(recipe) and not recipe.searched]
    found = (
        len(recipes) * len({"zero", *compare.baselines})
        + len(swept) * len([budget for budget in compare.sizes if budget != own])
        + comparison.controls.matched * len(controlled)
        + (len({1.0, *compare.thresholds}) if swept_threshold(recipes) else 0)
    )
    together = languages * found + comparison.controls.uniform + 2
    return together, languages * len(scores_of(recipes)) * len(compare.contrasts)


def _silencing(comparing: Comparing) -> float:
    """Seconds a token under a mask."""
    run = comparing.run
    samples = samples_of(run.model, run.text["report"].take(TRIED), "sentence")
    act = everything_off(run.model, "mlp")[1]
    began = time.perf_counter()
    likelihood(run.model, samples, {"one": act, "two": act})
    return (time.perf_counter() - began) / (2 * sum(sample.tokens for sample in samples))


def _reading(comparing: Comparing) -> float:
    """Seconds to score everything: a plain pass once, the others each."""
    run = comparing.run
    whole = {language: run.text["identify"].sentences(language) for language in comparing.languages}
    seconds = 0.0
    seen = set()
    for recipe in comparing.comparison.recipes:
        lane = (recipe.score.key, recipe.objective.key, recipe.sentences)
        if lane in seen:
            continue
        seen.add(lane)
        tried = LEAST.get(recipe.objective.name, 2)
        text = run.text["identify"].take(min(tried, *whole.values()))
        began = time.perf_counter()
        score(run.model, text, [recipe])
        a_sentence = (time.perf_counter() - began) / tried
        seconds += a_sentence * min(recipe.sentences or max(whole.values()), max(whole.values()))
    return seconds
