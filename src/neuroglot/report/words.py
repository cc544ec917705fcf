"""Figures as words: the same rounding in the table, the page and the sentences."""

import math


def figure(value: float, digits: int = 2) -> str:
    """A number for a reader: fixed decimals, a dash for what was not measured, no meaningless digits."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    rounded = round(value, 0 if abs(value) >= 100 else digits) + 0.0  # adding 0 turns −0 into 0
    return f"{rounded:.{0 if abs(value) >= 100 else digits}f}".replace("-", "−")


def interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """A value with its interval; an interval without an upper end is a lower bound.

    >>> interval(0.5, 0.4, 0.6), interval(9.0, 4.0, math.inf), interval(0.5, math.nan, math.nan)
    ('0.50 [0.40, 0.60]', '≥ 4.00', '0.50')
    """
    if math.isinf(high) and not math.isnan(low):
        return f"≥ {figure(low, digits)}"
    if math.isnan(low) or math.isnan(high):
        return figure(value, digits)
    return f"{figure(value, digits)} [{figure(low, digits)}, {figure(high, digits)}]"


def listing(names: list[str]) -> str:
    """Names as a sentence has them.

    >>> listing(["en"]), listing(["en", "zh", "vi"])
    ('en', 'en, zh and vi')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
