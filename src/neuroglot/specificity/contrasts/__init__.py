"""Contrasts: how much more a neuron matters to one language than to the others.

A contrast takes S [language, layer, neuron], the names of the languages and its own options, and returns the
specificity, of the same shape: the higher, the more specific. A comparison needs every language it looks at,
so NaN in one of them makes the neuron's specificity NaN, which is never chosen.

A new contrast is one file in this folder and one name in the import list below.
"""

from collections.abc import Sequence
from typing import Any, Protocol

from neuroglot.errors import NeuroglotError
from neuroglot.registry import Registry
from neuroglot.specificity.arrays import Statistic


class Contrast(Protocol):
    """S of all languages → the specificity of each neuron for each of them."""

    def __call__(
        self, statistic: Statistic, languages: Sequence[str], /, *args: Any, **options: Any
    ) -> Statistic:
        """Contrast every language with the others; ``options`` are the contrast's own keywords."""


CONTRASTS: Registry[Contrast] = Registry("contrast")


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
    difference,
    entropy,
    margin,
    none,
    ratio,
    zscore,
)
