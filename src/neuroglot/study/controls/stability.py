"""Stability: is a set one of the documents that it was found on?

Sets of two halves of the documents, of redrawn documents and of another corpus should share more neurons than
random sets of their sizes do.
"""

import logging

from pydantic import Field

from neuroglot.errors import NeuroglotError
from neuroglot.study.config import Study, Text
from neuroglot.study.controls.checks import CHECKS, Check
from neuroglot.study.controls.controlling import Controlling
from neuroglot.study.controls.needs import sets_found_again
from neuroglot.study.named import Strict
from neuroglot.study.redrawn import chosen_again
from neuroglot.study.sections import Frames

logger = logging.getLogger(__name__)


class Stability(Strict):
    """On what sets are found again.

    Attributes:
        redrawn: How many times documents are redrawn with replacement.
        other: Another corpus, in the same languages; its part to identify on is read.
    """

    redrawn: int = Field(5, ge=0)
    other: Text | None = None


def stability(controlling: Controlling, options: Stability) -> Frames:
    """Frame ``stability``: a row a recipe, kind, language and redraw; see `chosen_again`.

    A recipe that searches on the model is left out: a search takes too long to be one of many.
    """
    study = controlling.run.study
    recipes = []
    for recipe in controlling.recipes:
        if recipe.searched:
            logger.warning("stability of %s: left out, it searches on the model", recipe.name)
        else:
            recipes.append(recipe)
    other = None
    if options.other is not None:
        other = controlling.bank_of(options.other.parts(study.seed)["identify"])
    found = chosen_again(
        controlling.run.bank,
        recipes,
        {recipe.name: controlling.chosen(recipe) for recipe in recipes},
        controlling.size,
        seed=study.seed,
        redrawn=options.redrawn,
        other=other,
    )
    return {"stability": found}


def _refuse(study: Study, options: Stability) -> None:
    sets_found_again(study, options)
    if options.other is not None and set(options.other.languages) != set(study.text.languages):
        raise NeuroglotError(
            f"the languages of `other` are {', '.join(options.other.languages)}; "
            f"the study's are {', '.join(study.text.languages)}"
        )


CHECKS.register("stability")(Check(stability, Stability, refuse=_refuse))
