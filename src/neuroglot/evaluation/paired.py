"""Scores of every mask in every language on the same resamples, whatever the scores are of.

A language is *at chance* if the untouched model is not clearly above guessing in it: the lower limit of its
interval is no higher than chance. What it then loses or keeps is noise, so no mask is judged for it, and it
is no witness against masks for other languages either.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from neuroglot.evaluation.ablation import BASE, Mask
from neuroglot.evaluation.bootstrap import interval
from neuroglot.evaluation.langspec import collateral, langspec

Resampled = Float[np.ndarray, "resample ..."]


@dataclass(frozen=True)
class Paired:
    """One measure of an ablation.

    Attributes:
        masks: What each mask is.
        languages: What each language is called.
        base: The position of the base mask.
        point: S on all documents.
        drawn: S on every resample of them; the same resamples for every mask.
        chance: S of a guess.
    """

    masks: tuple[Mask, ...]
    languages: tuple[str, ...]
    base: int
    point: Float[np.ndarray, "mask language"]
    drawn: Float[np.ndarray, "resample mask language"]
    chance: float = 0.0

    @cached_property
    def at_chance(self) -> Bool[np.ndarray, " language"]:
        """The languages in which nothing can be lost."""
        return np.asarray(interval(self.drawn[:, self.base])[0] <= self.chance)

    def aims(self) -> Iterator[tuple[int, Mask, int]]:
        """Every mask with each language that it is judged for: its target, or all where it has none."""
        for index, mask in enumerate(self.masks):
            if mask.kind != BASE:
                for target, language in enumerate(self.languages):
                    if mask.target in ("", language):
                        yield index, mask, target

    def f1(self, index: int, target: int, drop: str) -> tuple[float, Resampled]:
        """LangSpec-F1 on all documents, and on every resample; NaN where there is nothing to judge."""
        if not self._judged(target):
            return np.nan, np.full(len(self.drawn), np.nan)
        known, place = self._among_known(target)
        point, drawn = self.point[:, known], self.drawn[:, :, known]
        value = langspec(point[self.base], point[index], place, chance=self.chance, drop=drop)
        return float(value), langspec(
            drawn[:, self.base], drawn[:, index], place, chance=self.chance, drop=drop
        )

    def collateral(self, index: int, target: int, drop: str) -> tuple[float, float]:
        """Mean and largest drop of the others over the target's, on all documents; NaN as for `f1`."""
        if not self._judged(target):
            return np.nan, np.nan
        known, place = self._among_known(target)
        point = self.point[:, known]
        mean, largest = collateral(point[self.base], point[index], place, chance=self.chance, drop=drop)
        return float(mean), float(largest)

    def _judged(self, target: int) -> bool:
        others_left = len(self.languages) == 1 or (~self.at_chance).sum() > 1
        return bool(others_left and not self.at_chance[target])

    def _among_known(self, target: int) -> tuple[Int[np.ndarray, " known"], int]:
        """The languages above chance, and where the target stands among them."""
        known = np.flatnonzero(~self.at_chance)
        return known, int(np.searchsorted(known, target))
