"""Words that several sentences share."""

from collections.abc import Sequence

import pandas as pd

from neuroglot.report.words import figure, interval, listing

NAMED = 4
"""Languages that a sentence gives numbers of before it says how many more there are."""


def model(subject: str) -> str:
    """A subject in a sentence."""
    return f"the {subject} model"


def count(names: Sequence[str], of: Sequence[str]) -> str:
    """In how many languages, and in which.

    >>> count(["en", "vi"], ["en", "zh", "vi"]), count(["en", "vi"], ["en", "vi"])
    ('in 2 of 3 languages (en and vi)', 'in all 2 languages')
    >>> count([], ["en", "vi"]), count(["en"], ["en"]), count([], ["en"])
    ('in none of 2 languages', 'in en', 'not in en')
    """
    if len(of) == 1:
        return f"in {of[0]}" if names else f"not in {of[0]}"
    if len(names) == len(of):
        return f"in all {len(of)} languages"
    return (
        f"in {len(names)} of {len(of)} languages ({listing(list(names))})"
        if names
        else f"in none of {len(of)} languages"
    )


def numbers(named: Sequence[tuple[str, str]]) -> str:
    """Languages with their numbers, the first of them."""
    rest = len(named) - NAMED
    return ", ".join(
        [f"{name} {said}" for name, said in named[:NAMED]] + ([f"and {rest} more"] if rest > 0 else [])
    )


def ends(row: pd.Series, name: str, digits: int = 2) -> str:
    """A value of a row with its interval."""
    low, high = (f"{name}_low", f"{name}_high") if f"{name}_low" in row else ("low", "high")
    return interval(row[name], row[low], row[high], digits)


def span(values: pd.Series, digits: int = 2) -> str:
    """From the least to the most."""
    low, high = figure(values.min(), digits), figure(values.max(), digits)
    return low if low == high else f"{low} to {high}"
