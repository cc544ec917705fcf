"""Which recipes choose the same neurons, which languages share them, and how single neurons respond."""

from itertools import combinations_with_replacement

import numpy as np
import pandas as pd

from neuroglot.neurons import NeuronSet
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.density import density
from neuroglot.study.jaccard import jaccard
from neuroglot.study.sections import Frames


def overlap(comparing: Comparing) -> Frames:
    """Frames ``recipe_overlap``, ``language_overlap`` and ``density``."""
    sets = {recipe.name: comparing.chosen(recipe) for recipe in comparing.comparison.recipes}
    between = [
        (
            one,
            two,
            float(np.mean([jaccard(sets[one][name], sets[two][name]) for name in comparing.languages])),
        )
        for one, two in combinations_with_replacement(sets, 2)
        if _comparable(sets[one], sets[two])
    ]
    within = [
        (recipe, one, two, (shared := own[one].overlap(own[two])).shared, shared.jaccard)
        for recipe, own in sets.items()
        for one, two in combinations_with_replacement(comparing.languages, 2)
    ]
    return {
        "recipe_overlap": pd.DataFrame(between, columns=["recipe_a", "recipe_b", "jaccard"]),
        "language_overlap": pd.DataFrame(
            within, columns=["recipe", "language_a", "language_b", "shared", "jaccard"]
        ),
        "density": density(comparing.run.bank, comparing.comparison.recipes),
    }


def _comparable(first: dict[str, NeuronSet] | object, second: dict[str, NeuronSet] | object) -> bool:
    one, two = (next(iter(sets.values())) for sets in (first, second))  # type: ignore[attr-defined]
    return bool(one.shape == two.shape and one.site.startswith("mlp") and two.site.startswith("mlp"))
