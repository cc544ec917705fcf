"""LangSpec-F1: did a mask hurt its target language, and only that?

With Δ_x = max(S_x − S_x^masked, 0), the drop of language x:

    P = Δ_L / (Δ_L + max_{x≠L} Δ_x + ε)        how much of the damage is the target's
    R = Δ_L / (S_L + ε)                        how much of the target's score is gone
    F1 = 2PR / (P + R + ε)                     F_β = (1 + β²)PR / (β²P + R + ε)

``drop="relative"`` replaces Δ by δ_x = max(1 − S_x^masked / S_x, 0) and R by δ_L: for likelihoods, S differs
sevenfold between languages and tokenizers. ε = 1e-12; 1e-3 would visibly bend small scores.

A mask that switches everything off scores well, so beside every F1 belongs the `collateral`.

Source: Le et al. 2026 (CRANE); ``relative``, ``mean``, ``sum``, β and chance are ours.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from neuroglot.errors import NeuroglotError, unknown

EPSILON = 1e-12

Scores = Float[np.ndarray, "*#rest language"]
"""Scores of all languages on the last axis; the axes before it are anything (masks, tasks, resamples)."""

OTHERS: dict[str, Callable[..., Any]] = {"max": np.max, "mean": np.mean, "sum": np.sum}
"""How the drops of the other languages become one number."""

DROPS = ("absolute", "relative")


def langspec_f1(
    base: Mapping[str, float],
    masked: Mapping[str, float],
    target: str,
    *,
    others: str = "max",
    beta: float = 1.0,
    chance: float | Mapping[str, float] = 0.0,
    drop: str = "absolute",
) -> float:
    """LangSpec-F1 of one mask, from the scores of every language before and after.

    Args:
        base: Language → score of the untouched model, not negative: accuracy, exp of a mean log-probability.
        masked: The same languages → score under the mask.
        target: The language that the mask was made for.
        others: How the other languages' drops count: ``max`` (the paper), ``mean`` or ``sum``.
        beta: Weight of R against P; 1 is the F1.
        chance: Score of a guess, for all languages or each: every S becomes max(S − chance, 0) first.
        drop: ``absolute`` (the paper) or ``relative``.

    Returns:
        0 (nothing, or only others, lost) to 1 (the target lost all, the others nothing).

    Raises:
        NeuroglotError: A missing language, no other language, an unknown target or option, a negative score.

    Example:
        >>> base = {"en": 0.4579, "zh": 0.3470, "vi": 0.3722}
        >>> masked = {"en": 0.3517, "zh": 0.2816, "vi": 0.2233}
        >>> round(langspec_f1(base, masked, "vi"), 4)
        0.4747
    """
    languages = list(base)
    if target not in base:
        raise unknown("target language", target, languages)
    floor = chance if isinstance(chance, Mapping) else dict.fromkeys(languages, chance)
    score = langspec(
        _in_order(base, languages, "base"),
        _in_order(masked, languages, "masked"),
        languages.index(target),
        others=others,
        beta=beta,
        chance=_in_order(floor, languages, "chance"),
        drop=drop,
    )
    return float(score)


def langspec(
    base: Scores,
    masked: Scores,
    target: int,
    *,
    others: str = "max",
    beta: float = 1.0,
    chance: float | Float[np.ndarray, " language"] = 0.0,
    drop: str = "absolute",
) -> Float[np.ndarray, "*#rest"]:
    """LangSpec-F1 over the last axis, for any number of masks and resamples at once; see `langspec_f1`.

    Args:
        base: Scores [..., language] of the untouched model; broadcasts against ``masked``.
        masked: Scores [..., language] under the mask.
        target: Index of the target language.
        others: As in `langspec_f1`.
        beta: As in `langspec_f1`.
        chance: One number, or one for each language.
        drop: As in `langspec_f1`.

    Raises:
        NeuroglotError: An unknown option, a negative β, or no other language.
    """
    if others not in OTHERS:
        raise unknown("others", others, OTHERS, "LangSpec-F1")
    if not beta >= 0:
        raise NeuroglotError(f"LangSpec-F1: beta must not be negative, and is {beta}")
    lost = drops(base, masked, chance=chance, drop=drop)
    own = lost[..., target]
    precision = own / (own + OTHERS[others](_without(lost, target), axis=-1) + EPSILON)
    recall = own if drop == "relative" else own / (np.maximum(base - chance, 0.0)[..., target] + EPSILON)
    return np.asarray((1 + beta**2) * precision * recall / (beta**2 * precision + recall + EPSILON))


def collateral(
    base: Scores,
    masked: Scores,
    target: int,
    *,
    chance: float | Float[np.ndarray, " language"] = 0.0,
    drop: str = "absolute",
) -> tuple[Float[np.ndarray, "*#rest"], Float[np.ndarray, "*#rest"]]:
    """Mean and largest drop of the others, as multiples of the target's: 0 is clean, 1 a sledgehammer.

    Arguments and errors are those of `langspec`. Where the target lost nothing both are NaN: nothing was
    aimed at.
    """
    lost = drops(base, masked, chance=chance, drop=drop)
    own = np.where(lost[..., target] > 0, lost[..., target], np.nan)
    rest = _without(lost, target)
    return np.asarray(rest.mean(axis=-1) / own), np.asarray(rest.max(axis=-1) / own)


def drops(
    base: Scores,
    masked: Scores,
    *,
    chance: float | Float[np.ndarray, " language"] = 0.0,
    drop: str = "absolute",
) -> Scores:
    """What each language lost: max(S − S_masked, 0), or with ``relative`` max(1 − S_masked / S, 0).

    A language that had nothing above chance to lose has lost 0.

    Raises:
        NeuroglotError: An unknown ``drop``.
    """
    if drop not in DROPS:
        raise unknown("drop", drop, DROPS, "LangSpec-F1")
    before, after = np.maximum(base - chance, 0.0), np.maximum(masked - chance, 0.0)
    lost: Scores = np.maximum(before - after, 0.0)
    if drop == "relative":
        lost = lost / np.where(before == 0, 1.0, before)
    return lost


def _without(lost: Scores, target: int) -> Float[np.ndarray, "*#rest other"]:
    """The drops of the other languages."""
    if lost.shape[-1] < 2:
        raise NeuroglotError("LangSpec-F1 needs at least one language beside the target")
    return np.delete(lost, target, axis=-1)


def _in_order(scores: Mapping[str, float], languages: list[str], name: str) -> Float[np.ndarray, " language"]:
    """A mapping's scores in the order of ``languages``, which must be its keys."""
    for language in languages:
        if language not in scores:
            raise NeuroglotError(f"LangSpec-F1: language {language!r} is missing from {name}")
    for language, score in scores.items():
        if language not in languages:
            raise unknown("language", language, languages, f"LangSpec-F1: {name}")
        if not 0 <= score < np.inf:
            raise NeuroglotError(f"LangSpec-F1: {name}[{language!r}] is {score}, not a number from 0 up")
    return np.array([scores[language] for language in languages], dtype=np.float64)
