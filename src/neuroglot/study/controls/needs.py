"""What several checks need of a study."""

from typing import Any

from neuroglot.errors import NeuroglotError
from neuroglot.study.config import Study


def sets_switched_off(study: Study, options: Any) -> None:
    """Refuses a study that does not switch off the sets it checks.

    Raises:
        NeuroglotError: ``interventions.zero`` lacks a recipe.
    """
    for recipe in study.controls.recipes or [one.name for one in study.recipes]:
        if "zero" not in study.acting_on(recipe):
            raise NeuroglotError(
                f"needs the sets of {recipe!r} switched off: name the recipe in interventions.zero, "
                "or leave it out of controls.recipes"
            )


def sets_found_again(study: Study, options: Any) -> None:
    """Refuses a study without a recipe whose sets can be found on other text too, to compare with its own.

    Raises:
        NeuroglotError: ``interventions.zero`` lacks a recipe, or every recipe searches on the model.
    """
    sets_switched_off(study, options)
    checked = study.controls.recipes or [one.name for one in study.recipes]
    if all(one.searched for one in study.recipes if one.name in checked):
        raise NeuroglotError(
            f"needs a recipe that chooses from a ranking; {', '.join(checked)} searches on the model, "
            "which is not repeated on other text"
        )
