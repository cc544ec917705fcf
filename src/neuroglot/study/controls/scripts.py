"""Shared and different scripts: do other languages suffer because they are written alike?

If a set served a script, the languages that share it would lose about what the target loses, and the others
little. Related languages often share one too, so that a difference does not yet say which of the two it is.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.evaluation.ablation import Ablation
from neuroglot.evaluation.bootstrap import interval, scores, whole_then_resamples
from neuroglot.study.controls.checks import CHECKS, Check, NoOptions
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_switched_off
from neuroglot.study.sections import Frames
from neuroglot.text.scripts import scripts_of

Drawn = Float[np.ndarray, " 1+resample"]
"""A number on all documents, then on every resample."""

SAME, DIFFERENT, DIFFERENCE = "same script", "different script", "difference"

PAIRS = ["recipe", "target", "language", "target_script", "language_script", "same_script", "drop_relative"]


def scripts(controlling: Controlling, options: NoOptions) -> Frames:
    """Frames ``scripts`` (a row a recipe, target and other language) and ``script_pairs``.

    ``share`` is the other language's relative drop of likelihood over the target's, NaN where the target's
    interval includes 0. Over pairs it is a ratio of means: a target that hardly lost cannot carry it away.
    """
    study, ablation = controlling.run.study, controlling.ablation
    script = scripts_of(controlling.run.text["report"])
    lost = relative_drops(ablation, study.resamples, study.seed)
    rows, over_pairs = [], []
    for recipe in controlling.recipes:
        groups: dict[str, list[tuple[Drawn, Drawn]]] = {SAME: [], DIFFERENT: []}
        for index, mask in enumerate(ablation.masks):
            if (mask.kind, mask.recipe, mask.baseline) != ("recipe", recipe.name, "zero"):
                continue
            own = lost[:, index, ablation.languages.index(mask.target)]
            for column, language in enumerate(ablation.languages):
                if language == mask.target:
                    continue
                same = script[mask.target] == script[language]
                other = lost[:, index, column]
                groups[SAME if same else DIFFERENT].append((other, own))
                about = (recipe.name, mask.target, language, script[mask.target], script[language], same)
                rows.append((*about, other[0], own[0], *_limited(share(other, own))))
        over_pairs += [(recipe.name, *row) for row in _over_pairs(groups)]
    limits = ["share", "low", "high"]
    return {
        "scripts": pd.DataFrame(rows, columns=[*PAIRS, "target_drop_relative", *limits]),
        "script_pairs": pd.DataFrame(over_pairs, columns=["recipe", "pairs_of", *limits, "pairs"]),
    }


def relative_drops(
    ablation: Ablation, resamples: int, seed: int
) -> Float[np.ndarray, "1+resample mask language"]:
    """1 − S_masked / S per token; negative where a language gained."""
    log_prob, units, documents = ablation.by_document()
    found = scores(log_prob, units, whole_then_resamples(documents, resamples, seed))
    return np.asarray(1 - found / found[:, [ablation.base]])


def share(part: Drawn, whole: Drawn) -> Drawn:
    """Part / whole; NaN throughout where the whole cannot be told from nothing."""
    low, high = interval(whole[1:])
    return np.full_like(whole, np.nan) if low <= 0 <= high else part / whole


def _over_pairs(groups: dict[str, list[tuple[Drawn, Drawn]]]) -> list[tuple[object, ...]]:
    """The share over the pairs of each group, and where both have pairs the difference."""
    found = {
        name: share(
            np.mean([other for other, _ in pairs], axis=0), np.mean([own for _, own in pairs], axis=0)
        )
        for name, pairs in groups.items()
        if pairs
    }
    rows: list[tuple[object, ...]] = [
        (name, *_limited(drawn), len(groups[name])) for name, drawn in found.items()
    ]
    if len(found) == 2:
        rows.append((DIFFERENCE, *_limited(found[SAME] - found[DIFFERENT]), sum(map(len, groups.values()))))
    return rows


def _limited(drawn: Drawn) -> Sequence[float]:
    """The number on all documents, and the limits of its 95 % interval."""
    low, high = interval(drawn[1:])
    return float(drawn[0]), float(low), float(high)


CHECKS.register("scripts")(Check(scripts, refuse=sets_switched_off))
