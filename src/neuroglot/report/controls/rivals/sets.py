"""Rivals about the choice of neurons: any would do, or other sentences would give others."""

import pandas as pd

from neuroglot.report.controls.columns import ordered, rows
from neuroglot.report.controls.verdict import Cells, Reading, Rival, conclude, percent, with_interval
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure

KINDS = {"split_half": "other half", "bootstrap": "redrawn documents", "other_corpus": "other corpus"}
"""What `stability` chose again on, as a reader is told."""
_HALF_AGAIN = 1 / 3
"""The Jaccard index of two sets of one size that share half of their neurons: s / (2k − s) with s = k / 2."""


def matched(findings: Findings) -> Reading:
    """ρ, whose interval has to exclude 1."""
    frame = ordered(findings, rows(findings, "matched"))
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": frame["recipe"],
                "place": frame["target"],
                # Where nothing is lost, or something gained, a ratio of the two says nothing.
                "margin": (frame["rho_low"] - 1).where(frame["effect"] > 0),
                "said": with_interval(frame, "rho", "rho_low", "rho_high"),
            }
        )
    )
    best = frame[frame["recipe"] == frame["recipe"].iloc[0]]
    share = (best["control"] / best["effect"])[best["effect"] > 0].median()
    verdict = conclude(
        cells.ruled_out,
        "What hurts is which neurons are off, not how many, where or how often they fire.",
        "that any such neurons would do as much",
    )
    return Reading(
        verdict,
        f"Matched random neurons, as many in the same layers and as active, do {percent(share)} of the "
        f"damage (median over the languages of {best['recipe'].iloc[0]}), and ρ stays above 1 with its "
        f"whole interval {cells.where}. {_p(frame)}",
        f"ρ above 1: {cells.short}",
        cells.ruled_out,
    )


def _p(frame: pd.DataFrame) -> str:
    tested = frame["p_holm"].dropna()
    if tested.empty:
        seeds = int(frame["seeds"].max())
        draws = "1 draw allows" if seeds == 1 else f"{seeds} draws allow"
        least = figure(frame["p_least"].min())
        return f"{draws} no p below {least}, too much to survive a correction: none is claimed."
    return f"Corrected by Holm, p is at most 0.05 in {(tested <= 0.05).sum()} of {len(tested)}."


def chosen_again(findings: Findings) -> pd.DataFrame:
    """The frame ``stability`` with a row a recipe, kind and language: the mean over redraws."""
    frame = rows(findings, "stability")
    return (
        frame.groupby(["recipe", "kind", "language"], sort=False)[["jaccard", "chance"]].mean().reset_index()
    )


def stability(findings: Findings) -> Reading:
    """Over half of each set has to be found again. There is no interval: every language has to do so."""
    frame = ordered(findings, chosen_again(findings))
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": frame["recipe"],
                "place": frame["language"] + " on the " + frame["kind"].replace(KINDS),
                "margin": frame["jaccard"] - _HALF_AGAIN,
                "said": [figure(value) for value in frame["jaccard"].astype(float)],
            }
        ),
        "selections",
    )
    best = frame[frame["recipe"] == frame["recipe"].iloc[0]]
    means = [
        f"{figure(own['jaccard'].mean())} on the {KINDS.get(str(kind), kind)}"
        for kind, own in best.groupby("kind", sort=False)
    ]
    verdict = conclude(
        cells.ruled_out,
        "The sets are not an accident of the sentences.",
        "that the sets are an accident of the sentences",
    )
    return Reading(
        verdict,
        f"Chosen again, the sets of {best['recipe'].iloc[0]} have a mean Jaccard index of "
        f"{', '.join(means)} (chance {figure(best['chance'].mean(), 3)}). More than half of the neurons "
        f"come again {cells.where}.",
        f"over half come again: {cells.short}",
        cells.ruled_out,
    )


MATCHED = Rival(
    "matched",
    "matched",
    "Any neurons would do, if they are as many, in the same layers and as active.",
    "matched",
    matched,
)
STABILITY = Rival(
    "stability",
    "stability",
    "The sets are an accident of the sentences that they were found on.",
    "stability",
    stability,
)
