"""Contrasts: how much more a neuron matters to one language than to the others.

A contrast takes S [language, layer, neuron], the names of the languages and its own options, and returns the
specificity, of the same shape: the higher, the more specific. A sample contrast takes every language's scores
[sample, layer, neuron] in place of S. A comparison needs every language it looks at, so NaN in one of them
makes the neuron's specificity NaN, which is never chosen.

A new contrast is one file in this folder and one name in the import list below. Its options are its
keyword-only arguments.
"""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from neuroglot.errors import NeuroglotError, unknown
from neuroglot.registry import Registry
from neuroglot.specificity.arrays import Statistic
from neuroglot.specificity.contrasts.blocks import SampleScores


class Contrast(Protocol):
    """S of all languages → the specificity of each neuron for each of them."""

    def __call__(
        self, statistic: Statistic, languages: Sequence[str], /, *args: Any, **options: Any
    ) -> Statistic:
        """Contrast every language with the others; ``options`` are the contrast's own keywords."""


class SampleContrast(Protocol):
    """The scores of every language's samples → the specificity of each neuron for each language."""

    def __call__(
        self, scores: SampleScores, languages: Sequence[str], /, *args: Any, **options: Any
    ) -> Statistic:
        """Contrast every language with the others; ``options`` are the contrast's own keywords."""


CONTRASTS: Registry[Contrast] = Registry("contrast")
SAMPLE_CONTRASTS: Registry[SampleContrast] = Registry("contrast")


def contrast_names() -> list[str]:
    """Every contrast, of statistics and of samples."""
    return sorted((*CONTRASTS, *SAMPLE_CONTRASTS))


def check_contrast_options(
    name: str, options: Mapping[str, Any], languages: Sequence[str] | None = None
) -> None:
    """Refuses what a contrast could not do, before anything is scored: it is tried on a few made-up numbers.

    Args:
        name: The contrast, of statistics or of samples.
        options: What it is going to be given.
        languages: Those of the study, if known. Without them, any reference language and number of languages
            passes.

    Raises:
        NeuroglotError: An unknown contrast or option, a value that the contrast refuses, too few languages,
            or a reference that is none of them.
    """
    if name not in contrast_names():
        raise unknown("contrast", name, contrast_names())
    contrast: Any = CONTRASTS[name] if name in CONTRASTS else SAMPLE_CONTRASTS[name]
    where = f"contrast {name!r}"
    known = [
        option.name
        for option in inspect.signature(contrast).parameters.values()
        if option.kind is option.KEYWORD_ONLY
    ]
    for option in options:
        if not known:
            raise NeuroglotError(f"{where} has no options (given: {option!r})")
        if option not in known:
            raise unknown("option", option, known, where)
    if languages is None:
        languages = ["a", "b", "c", *(value for value in options.values() if isinstance(value, str))]
    made_up = np.arange(1.0, 4 * len(languages) + 1).reshape(len(languages), 1, 4)
    try:
        contrast(made_up if name in CONTRASTS else [own[:, None] for own in made_up], languages, **options)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{option}={value!r}" for option, value in options.items())
        raise NeuroglotError(f"{where} cannot do with {given}: {error}") from error


def require_languages(name: str, languages: Sequence[str], least: int, why: str) -> None:
    """Refuse fewer than ``least`` languages, saying why the contrast ``name`` means nothing there."""
    if len(languages) < least:
        given = ", ".join(languages)
        raise NeuroglotError(f"contrast {name!r} needs at least {least} languages (given: {given}): {why}")


def require_non_negative(name: str, statistic: Statistic) -> None:
    """Refuse a signed statistic where the contrast ``name`` divides by it."""
    if (statistic < 0).any():
        raise NeuroglotError(
            f"contrast {name!r} needs a statistic that is never negative; "
            "take absolute values, leave out a centring scale, or use 'difference', 'margin' or 'zscore'"
        )


# Each import registers its contrast, and needs the names above.
from neuroglot.specificity.contrasts import (  # noqa: E402, F401
    average_precision,
    difference,
    entropy,
    margin,
    none,
    overlap,
    ratio,
    zscore,
)
