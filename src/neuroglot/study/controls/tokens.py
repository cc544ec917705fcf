"""Tokens a character: do sets follow how a language is cut up rather than the language?

A language whose words fall into many tokens is seen through other neurons: those that put pieces together. If
F1, or the overlap of sets, followed the tokens a character over languages, that would explain it.
"""

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy.stats import rankdata

from neuroglot.evaluation.tables import tabulate
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.jaccard import jaccard
from neuroglot.study.sections import Frames
from neuroglot.text.scripts import scripts_of

FOLLOW = {"f1_relative": "f1_relative", "jaccard": "jaccard", "collateral": "collateral_mean"}
"""What might follow the tokens a character, and the column that holds it."""

SHUFFLES = 9999


def tokens(controlling: Controlling, options: NoOptions) -> Frames:
    """Frames ``tokens_per_character`` (a row a recipe and language) and ``tokens_correlation``.

    ``jaccard`` is the mean overlap of the language's set with those of the others; ``loss_per_byte`` what the
    untouched model loses, in nats. The correlation over languages is Spearman's; ``p`` (two-sided) shuffles
    the languages. Both are NaN under three languages, or where all are equal; languages whose set took
    nothing from them have no collateral.
    """
    run, study = controlling.run, controlling.run.study
    tables = tabulate(controlling.ablation, resamples=study.resamples, seed=study.seed)
    base = tables.base.set_index("language")
    script = scripts_of(run.text["report"])
    found = tables.langspec
    found = found[(found["kind"] == "recipe") & (found["baseline"] == "zero")]
    parts, correlations = [], []
    for recipe in controlling.recipes:
        frame = found[found["recipe"] == recipe.name].copy()
        languages, sets = frame["language"], controlling.chosen(recipe)
        frame["script"] = languages.map(script)
        frame["tokens_per_character"] = languages.map(base["tokens"] / base["characters"])
        frame["loss_per_byte"] = languages.map(-base["per_byte"])
        frame["jaccard"] = [
            float(np.mean([jaccard(sets[one], other) for name, other in sets.items() if name != one]))
            for one in languages
        ]
        parts.append(frame)
        for name, column in FOLLOW.items():
            both = frame[["tokens_per_character", column]].dropna().to_numpy()
            correlations.append(
                (recipe.name, name, *rank_correlation(both[:, 0], both[:, 1], study.seed), len(both))
            )
    columns = ["recipe", "language", "script", "tokens_per_character", "f1_relative", "jaccard"]
    return {
        "tokens_per_character": pd.concat(parts)[[*columns, "collateral_mean", "loss_per_byte"]],
        "tokens_correlation": pd.DataFrame(
            correlations, columns=["recipe", "of", "spearman", "p", "languages"]
        ),
    }


def rank_correlation(
    one: Float[np.ndarray, " language"], other: Float[np.ndarray, " language"], seed: int
) -> tuple[float, float]:
    """Spearman's correlation and its two-sided p over shuffles; NaN where there is no order to compare."""
    if len(one) < 3 or not (np.ptp(one) and np.ptp(other)):
        return np.nan, np.nan
    a, b = (rankdata(each) for each in (one, other))
    a, b = ((each - each.mean()) / np.linalg.norm(each - each.mean()) for each in (a, b))
    shuffled = np.random.default_rng(seed).permuted(np.tile(a, (SHUFFLES, 1)), axis=1) @ b
    found = float(a @ b)
    return found, float((1 + (np.abs(shuffled) >= abs(found) - 1e-9).sum()) / (1 + SHUFFLES))


CHECKS.register("tokens")(Check(tokens, refuse=sets_switched_off))
