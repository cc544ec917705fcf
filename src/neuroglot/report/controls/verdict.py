"""From intervals to a verdict: is a rival explanation ruled out everywhere, nowhere, or here and there?

A *cell* is one place where a rival was put to the test, as a rule a recipe's set for one language. Its
*margin* is how far the interval stands on the side that rules the rival out: above 0 it excludes it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from neuroglot.report.findings import Findings
from neuroglot.report.words import figure, interval, listing

NAMED = 3
"""Recipes, or languages, that a sentence names before it counts the rest."""

MOST = 0.5
"""Of a share: what is above it is most of an effect."""


@dataclass(frozen=True)
class Reading:
    """What a check found.

    Attributes:
        verdict: What it rules out, or does not.
        numbers: What that rests on, with intervals.
        found: The same in a few words.
        ruled_out: ``yes`` (in every cell), ``no`` (in none), or ``unclear``.
    """

    verdict: str
    numbers: str
    found: str
    ruled_out: str

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.verdict} {self.numbers}".strip()


@dataclass(frozen=True)
class Rival:
    """Something else that could explain the results.

    Attributes:
        name: Of its figure, and of its place in the page.
        check: The check that asks about it, as a study names it.
        explains: The explanation itself.
        source: The frame without which nothing is said about it.
        read: What the check found about it.
    """

    name: str
    check: str
    explains: str
    source: str
    read: Callable[[Findings], Reading]


@dataclass(frozen=True)
class Cells:
    """All cells of a check.

    Attributes:
        frame: Columns ``recipe`` (in the order of the page), ``place`` (a language, as a rule), ``margin``
            and ``said`` (the numbers in words). No margin (NaN) rules nothing out.
        places: What a place is called, in the plural.
    """

    frame: pd.DataFrame
    places: str = "languages"

    @property
    def ruled_out(self) -> str:
        """``yes``: in every cell; ``no``: in none; else, or where there is no cell, ``unclear``."""
        out = self.frame["margin"] > 0
        if out.empty:
            return "unclear"
        return "yes" if out.all() else "unclear" if out.any() else "no"

    @property
    def where(self) -> str:
        """In words: for which recipe where, and the cell that is nearest to the other side."""
        groups = list(self.frame.groupby("recipe", sort=False))
        said = [f"for {recipe} {self._of(own)}" for recipe, own in groups[:NAMED]]
        rest = len(groups) - NAMED
        if rest > 0:
            out = sum(bool((own["margin"] > 0).all()) for _, own in groups[NAMED:])
            said.append(f"for {out} of {rest} other recipes in all")
        return listing(said)

    @property
    def short(self) -> str:
        """Counts only."""
        groups = list(self.frame.groupby("recipe", sort=False))
        said = [f"{recipe} {(own['margin'] > 0).sum()} of {len(own)}" for recipe, own in groups[:NAMED]]
        return ", ".join(said) + (" …" if len(groups) > NAMED else "")

    def _of(self, own: pd.DataFrame) -> str:
        out = own["margin"] > 0
        if len(own) == 1:
            return f"{'in' if out.all() else 'not in'} {own['place'].iloc[0]} ({own['said'].iloc[0]})"
        ranked = own.sort_values("margin", na_position="first")
        if out.all():
            edge = ranked.iloc[0]
            return f"in all {len(own)} {self.places} (least clear: {edge['place']}, {edge['said']})"
        if not out.any():
            edges = [f" (nearest: {row.place}, {row.said})" for row in ranked.dropna().tail(1).itertuples()]
            return f"in none of {len(own)} {self.places}" + "".join(edges)
        lacking = list(own.loc[~out, "place"])
        more = len(lacking) - NAMED
        names = [*lacking[:NAMED], *([f"{more} more"] if more > 0 else [])]
        return f"in {out.sum()} of {len(own)} {self.places} (not {listing(names)})"


def conclude(ruled_out: str, instead: str, rival: str) -> str:
    """The verdict in words, never more than it is.

    Args:
        ruled_out: Of the cells.
        instead: What is to be said where the rival is ruled out, a sentence.
        rival: The rival as a clause: ``that any neurons would do``.
    """
    start = rival[0].upper() + rival[1:]
    return {
        "yes": instead,
        "no": f"{start} is not ruled out.",
        "unclear": f"{start} is ruled out for some sets only.",
    }[ruled_out]


def undecided(verdict: str, found: str) -> Reading:
    """What is read where there is nothing to decide by."""
    return Reading(verdict, "", found, "unclear")


def keeps_specific(both: pd.DataFrame, before: str) -> pd.Series:
    """How far sets stay from losing half of their F1, and half of their way from a sledgehammer's collateral.

    F1 alone would let a set pass that now destroys every language: everything off has two thirds.

    Args:
        both: The sets' ``f1_relative``, ``low`` and ``collateral_mean``, and what they were before.
        before: The suffix of those columns.
    """
    was = both[f"collateral_mean{before}"].clip(upper=1)
    return pd.concat(
        [both["low"] - MOST * both[f"f1_relative{before}"], (1 + was) / 2 - both["collateral_mean"]], axis=1
    ).min(axis=1, skipna=False)


def with_interval(frame: pd.DataFrame, value: str, low: str, high: str) -> list[str]:
    """Each row's value in words."""
    return [interval(*row) for row in frame[[value, low, high]].astype(float).values]


def percent(share: float) -> str:
    """A share for a reader.

    >>> percent(0.083), percent(0.001), percent(-0.02), percent(float("nan"))
    ('8 %', 'under 1 %', 'none', '–')
    """
    if math.isnan(share):
        return "–"
    if share < 0.005:
        return "under 1 %" if share > 0 else "none"
    return f"{share:.0%}".replace("%", " %")


def middle(values: pd.Series, digits: int = 2) -> str:
    """The median, and how far the values reach."""
    median, least, most = (figure(value, digits) for value in (values.median(), values.min(), values.max()))
    return f"{median} ({least} to {most})"
