"""What each recipe costs on its own: seconds, forward passes, peak memory, on the same few sentences."""

import time

import pandas as pd

from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.comparison.expected import LEAST
from neuroglot.study.executors.estimate import forget_peak, peak
from neuroglot.study.sections import Frames
from neuroglot.study.steps import score


def cost(comparing: Comparing) -> Frames:
    """Frames ``cost`` (a row a recipe) and ``completeness`` (a row a path score and layer)."""
    run, model = comparing.run, comparing.run.model
    fewest = min(run.text["identify"].sentences(language) for language in comparing.languages)
    rows = []
    recipes = comparing.comparison.recipes
    with run.track("timing recipes", len(recipes)) as advance:
        for recipe in recipes:
            text = run.text["identify"].take(min(LEAST.get(recipe.objective.name, 2), fewest))
            passes = 0

            def count(*_: object) -> None:
                nonlocal passes
                passes += 1

            handle = model.network.base_model.register_forward_pre_hook(count)
            forget_peak(model.device)
            began = time.perf_counter()
            try:
                score(model, text, [recipe])
            finally:
                handle.remove()
            seconds = time.perf_counter() - began
            sentences = sum(map(text.sentences, text.languages))
            most = peak(model.device)
            rows.append((recipe.name, seconds, passes, (most or float("nan")) / 1e6, sentences))
            advance(1)
    lacking = [(name, layer, share) for name, layer, share in run.bank.completeness]
    return {
        "cost": pd.DataFrame(rows, columns=["recipe", "seconds", "passes", "peak_mb", "sentences"]),
        "completeness": pd.DataFrame(lacking, columns=["score", "layer", "share"]),
    }
