"""Rivals about the tokenizer: what a likelihood is per, and how finely a language is cut."""

import math

import pandas as pd

from neuroglot.report.controls.columns import ordered, rows
from neuroglot.report.controls.verdict import (
    Cells,
    Reading,
    Rival,
    conclude,
    undecided,
    with_interval,
)
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure, interval, listing

_UNITS = ("tokens", "characters", "bytes")
_OFF = {"matched": "matched random", "everything_off": "everything off"}
_OF = {"f1_relative": "F1", "jaccard": "shared neurons", "collateral": "collateral"}


def units(findings: Findings) -> Reading:
    """What stands above a control per token has to do so per character and per byte."""
    frame = rows(findings, "units")
    own = ordered(findings, frame[frame["kind"] == "recipe"])
    highs = frame.groupby(["unit", "kind", "recipe", "language"])["f1_relative_high"].mean()
    found = []
    for (recipe, language), each in own.groupby(["recipe", "language"], sort=False):
        low = each.set_index("unit")["f1_relative_low"]
        for kind, name in _OFF.items():
            whose = (
                [recipe] if kind == "matched" else list(frame.loc[frame["kind"] == kind, "recipe"].unique())
            )
            keys = {unit: (unit, kind, *whose[:1], language) for unit in low.index}
            if not all(key in highs.index for key in keys.values()):
                continue
            margin = {unit: low[unit] - highs[key] for unit, key in keys.items()}
            if margin.get("tokens", 0.0) > 0:
                worst = min(margin, key=lambda unit: margin[unit])
                row = each[each["unit"] == worst].iloc[0]
                value = interval(row["f1_relative"], row["f1_relative_low"], row["f1_relative_high"])
                found.append(
                    (
                        recipe,
                        f"{language} above {name}",
                        margin[worst],
                        f"{value} per {worst.removesuffix('s')}",
                    )
                )
    cells = Cells(pd.DataFrame(found, columns=["recipe", "place", "margin", "said"]), "comparisons")
    if not found:
        return undecided(
            "Per token no set stands above its control with its whole interval, so there is nothing for the "
            "tokenizer to explain.",
            "nothing to explain",
        )
    best = own[own["recipe"] == own["recipe"].iloc[0]]
    means = best.groupby("unit")["f1_relative"].mean()
    said = ", ".join(
        f"{figure(means[unit])} per {unit.removesuffix('s')}" for unit in _UNITS if unit in means
    )
    verdict = conclude(
        cells.ruled_out,
        "That sets stand out is not owed to how the tokenizer cuts a language.",
        "that sets stand out only because of how the tokenizer cuts a language",
    )
    return Reading(
        verdict,
        f"The mean F1 of {own['recipe'].iloc[0]} is {said}. Of what stands above a control per token, this "
        f"holds per character and per byte, too, {cells.where}.",
        f"holds in every unit: {cells.short}",
        cells.ruled_out,
    )


def tokens(findings: Findings) -> Reading:
    """Rank correlations with tokens a character. A few languages can convict, never acquit."""
    frame = ordered(findings, rows(findings, "tokens_correlation").dropna(subset=["spearman"]))
    if frame.empty:
        return undecided("There are too few languages to correlate anything.", "too few languages")
    ends = [_fisher(*row) for row in frame[["spearman", "languages"]].astype(float).values]
    frame = frame.assign(low=[low for low, _ in ends], high=[high for _, high in ends])
    bound = frame[(frame["low"] > 0) | (frame["high"] < 0)]
    name = frame["recipe"].iloc[0]
    best = frame[frame["recipe"] == name]
    said = [
        f"{_OF.get(str(of), of)} {value}"
        for of, value in zip(best["of"], with_interval(best, "spearman", "low", "high"), strict=True)
    ]
    count = int(frame["languages"].max())
    if len(bound):
        which = [f"{_OF.get(str(row.of), row.of)} of {row.recipe}" for row in bound.itertuples()]
        verdict = (
            f"{listing(which)} {'goes' if len(which) == 1 else 'go'} with how finely the tokenizer cuts a "
            "language; that it is the cause is not ruled out."
        )
    else:
        verdict = (
            f"No correlation is shown, but over {count} languages a strong one could hide: it is not ruled "
            "out."
        )
    return Reading(
        verdict,
        f"Over {count} languages, tokens a character correlate (Spearman) with {listing(said)} for {name}.",
        f"goes with tokens a character: {len(bound)} of {len(frame)} measures",
        "no" if len(bound) else "unclear",
    )


def _fisher(r: float, count: float) -> tuple[float, float]:
    """The 95 % interval of Spearman's correlation over ``count`` languages (Fieller et al. 1957)."""
    if count <= 3 or math.isnan(r):
        return math.nan, math.nan
    middle = math.atanh(max(-0.999, min(0.999, r)))
    half = 1.96 * math.sqrt(1.06 / (count - 3))
    return math.tanh(middle - half), math.tanh(middle + half)


UNITS = Rival(
    "units", "units", "Scores follow from how finely the tokenizer cuts a language.", "units", units
)
TOKENS = Rival(
    "tokens",
    "tokens",
    "Scores and shared neurons follow how many tokens a language needs a character.",
    "tokens_correlation",
    tokens,
)
