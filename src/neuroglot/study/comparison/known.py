"""Every recipe on the model whose answer is known: what it finds, what it misses, what it falls for."""

import logging

import pandas as pd

from neuroglot.errors import NeuroglotError
from neuroglot.study.comparison.comparing import Comparing
from neuroglot.study.known_answer import known_answer, precision_recall
from neuroglot.study.searching import search
from neuroglot.study.sections import Frames
from neuroglot.study.steps import score, select

logger = logging.getLogger(__name__)

COLUMNS = ["recipe", "language", "precision", "recall", "decoys", "size"]


def known(comparing: Comparing) -> Frames:
    """Frame ``known_answer``: a row a recipe and language."""
    if not comparing.comparison.compare.known_answer:
        return {"known_answer": pd.DataFrame(columns=COLUMNS)}
    answer = known_answer(comparing.comparison.seed)
    text = answer.corpus.split(comparing.comparison.seed, identify=0.5)["identify"]
    frames = [pd.DataFrame(columns=COLUMNS)]
    recipes = comparing.comparison.recipes
    with comparing.run.track("recipes on the known answer", len(recipes)) as advance:
        for recipe in recipes:
            try:
                bank = score(answer.model, text, [recipe])
                if recipe.searched:
                    sets, _ = search(answer.model, bank, recipe, text, answer.budget)
                else:
                    sets = select(bank, recipe, answer.budget)
                found = precision_recall(sets, answer)
            except NeuroglotError as error:
                logger.warning("%s on the known answer: left out (%s)", recipe.name, error)
            else:
                sizes = found["language"].map({language: len(own) for language, own in sets.items()})
                frames.append(found.assign(recipe=recipe.name, size=sizes)[COLUMNS])
            advance(1)
    return {"known_answer": pd.concat([frame for frame in frames if len(frame)] or frames, ignore_index=True)}
