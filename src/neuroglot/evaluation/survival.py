"""What is left of the effect of masks on a second model that reads the same text.

Both models are scored on the same resamples of the same documents, so that what is compared is paired: for a
mask and the language L that it is aimed at,

    target   Δ_L = log S_L − log S_L^masked                   nats a unit that the target loses
    others   the mean of Δ_x over the languages x ≠ L
    beyond   Δ_L minus that of the set's matched controls     what is owed to the choice of neurons
    share    Δ on the second model / Δ on the first

A share is left out (NaN) where the interval of the first model's Δ includes 0: of no effect nothing can
survive. Masks that differ only in their seed are averaged, and so are, in the rows without a language, the
languages: effects first, then their quotient, so that a language that hardly moved cannot carry it away.
"""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float

from neuroglot.errors import NeuroglotError
from neuroglot.evaluation.ablation import BASE, Ablation
from neuroglot.evaluation.bootstrap import interval, scores, whole_then_resamples
from neuroglot.evaluation.langspec import DROPS, langspec

Drawn = Float[np.ndarray, " 1+resample"]
"""A number on all documents, then on every resample."""

Group = tuple[str, str, str]
"""Kind, recipe and baseline of masks."""

SAMPLE = ("language", "document", "sentence", "tokens")
"""What makes a sample the same on both models."""


class Measured:
    """An ablation on all documents and on resamples of them.

    Args:
        ablation: What was measured.
        resamples: Of the bootstrap over documents.
        seed: Of the bootstrap: two ablations of the same text with the same seed are paired.
    """

    def __init__(self, ablation: Ablation, resamples: int, seed: int) -> None:
        self.ablation = ablation
        self.languages = ablation.languages
        log_prob, units, documents = ablation.by_document()
        self.scores: Float[np.ndarray, "1+resample mask language"] = scores(
            log_prob, units, whole_then_resamples(documents, resamples, seed)
        )

    @property
    def unmasked(self) -> Float[np.ndarray, "1+resample language"]:
        """S of the untouched model."""
        return self.scores[:, self.ablation.base]

    @cached_property
    def lost(self) -> Float[np.ndarray, "1+resample mask language"]:
        """Nats a unit that each language loses under each mask."""
        lost: np.ndarray = np.log(self.unmasked)[:, None] - np.log(self.scores)
        return lost

    @cached_property
    def groups(self) -> dict[Group, dict[str, list[int]]]:
        """The masks of each kind, recipe and baseline: language → those that are judged for it."""
        found: dict[Group, dict[str, list[int]]] = {}
        for index, mask in enumerate(self.ablation.masks):
            if mask.kind != BASE:
                for language in [mask.target] if mask.target else self.languages:
                    group = found.setdefault((mask.kind, mask.recipe, mask.baseline), {})
                    group.setdefault(language, []).append(index)
        return found

    def effects(self, group: Group, language: str) -> dict[str, Drawn]:
        """``target``, ``others`` and, of a set that has matched controls, ``beyond``; nats a unit.

        Args:
            group: Whose masks, averaged.
            language: That they are judged for; empty: the mean over the languages.
        """
        if not language:
            each = [self.effects(group, name) for name in self.groups[group]]
            return {measure: np.mean([one[measure] for one in each], axis=0) for measure in each[0]}
        lost, target = self.lost[:, self.groups[group][language]], self.languages.index(language)
        own = lost[..., target].mean(axis=1)
        found = {"target": own, "others": np.delete(lost, target, axis=2).mean(axis=(1, 2))}
        if control := self.control(group):
            found["beyond"] = own - self.effects(control, language)["target"]
        return found

    def control(self, group: Group) -> Group | None:
        """The matched controls of a recipe's sets, if there are any."""
        control = ("matched", *group[1:])
        return control if group[0] == "recipe" and control in self.groups else None

    def f1(self, group: Group, language: str, drop: str) -> Drawn:
        """LangSpec-F1, averaged over seeds, and over languages where none is named."""
        found: Drawn
        if not language:
            found = np.mean([self.f1(group, name, drop) for name in self.groups[group]], axis=0)
            return found
        target = self.languages.index(language)
        masked = self.scores[:, self.groups[group][language]]
        found = langspec(self.unmasked[:, None], masked, target, drop=drop).mean(axis=1)
        return found

    def score(self, group: Group, language: str) -> Drawn:
        """S of a language under the masks that are judged for it (the geometric mean over seeds)."""
        target = self.languages.index(language)
        found: Drawn = np.exp(np.log(self.scores[:, self.groups[group][language], target]).mean(axis=1))
        return found


def survival(before: Measured, after: Measured) -> pd.DataFrame:
    """How much of every effect on ``before`` there is on ``after``.

    Returns:
        A row a group of masks, language (empty: the mean over them) and measure, with the effect on both, the
        share, and their intervals. ``ahead`` is the share of a set minus that of its matched controls.

    Raises:
        NeuroglotError: The two did not read the same samples under the same masks.
    """
    _alike(before, after)
    rows = []
    for group, language in _places(before):
        one, two = before.effects(group, language), after.effects(group, language)
        shares = {measure: _share(one[measure], two[measure]) for measure in one}
        ahead = dict.fromkeys(shares, np.full(len(before.scores), np.nan))
        if control := before.control(group):
            effects = [each.effects(control, language)["target"] for each in (before, after)]
            ahead["target"] = shares["target"] - _share(*effects)
        for measure, share in shares.items():
            rows.append(
                {
                    **_named(group, language),
                    "measure": measure,
                    **_between("before", one[measure]),
                    **_between("after", two[measure]),
                    **_between("share", share),
                    **_between("ahead", ahead[measure]),
                }
            )
    return pd.DataFrame(rows)


def f1_changes(before: Measured, after: Measured) -> pd.DataFrame:
    """LangSpec-F1 of every group of masks on both models, and the paired difference.

    Raises:
        NeuroglotError: The two did not read the same samples under the same masks.
    """
    _alike(before, after)
    rows = []
    for group, language in _places(before):
        for drop in DROPS:
            one, two = before.f1(group, language, drop), after.f1(group, language, drop)
            rows.append(
                {
                    **_named(group, language),
                    "drop": drop,
                    **_between("before", one),
                    **_between("after", two),
                    **_between("change", two - one),
                }
            )
    return pd.DataFrame(rows)


def raw_scores(measured: Measured) -> pd.DataFrame:
    """S of each language with nothing off (kind ``none``), and under each group of masks judged for it."""
    rows = []
    for number, language in enumerate(measured.languages):
        nothing = _between("score", measured.unmasked[:, number])
        rows.append({**_named((BASE, "", ""), language), **nothing})
        for group, members in measured.groups.items():
            if language in members:
                found = _between("score", measured.score(group, language))
                rows.append({**_named(group, language), **found})
    return pd.DataFrame(rows)


def _alike(before: Measured, after: Measured) -> None:
    one, two = before.ablation, after.ablation
    if one.masks != two.masks:
        raise NeuroglotError("two models are compared under the same masks; these are not")
    read = [[each.finite[name].values.tolist() for name in SAMPLE] for each in (one, two)]
    if read[0] != read[1]:
        raise NeuroglotError("two models are compared on the same samples; these are not")


def _places(measured: Measured) -> Iterator[tuple[Group, str]]:
    for group, members in measured.groups.items():
        for language in ["", *members]:
            yield group, language


def _named(group: Group, language: str) -> dict[str, object]:
    return {**dict(zip(("kind", "recipe", "baseline"), group, strict=True)), "language": language}


def _share(before: Drawn, after: Drawn) -> Drawn:
    """The quotient; NaN throughout where ``before`` cannot be told from nothing."""
    low, high = interval(before[1:])
    if low <= 0 <= high:
        return np.full(len(before), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Drawn = after / before
    return share


def _between(name: str, drawn: Drawn) -> dict[str, float]:
    """The value and its interval; order statistics, because a resample's share may be infinite."""
    low, high = np.quantile(drawn[1:], (0.025, 0.975), method="inverted_cdf")
    return {name: float(drawn[0]), f"{name}_low": float(low), f"{name}_high": float(high)}
