"""Rivals about the set itself: any neurons would do, other text gives others, words alone choose them."""

import pandas as pd

from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.controls.verdict import (
    MOST,
    Cells,
    Reading,
    Rival,
    conclude,
    percent,
    undecided,
    with_interval,
)
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure

KINDS = {"split_half": "other half", "bootstrap": "redrawn documents", "other_corpus": "other corpus"}
"""What `stability` chose again on, as a reader is told."""

_HALF_AGAIN = 1 / 3
"""The Jaccard index of two sets of one size that share half of their neurons: s / (2k − s) with s = k / 2."""


def ordered(findings: Findings, frame: pd.DataFrame) -> pd.DataFrame:
    """The best recipe first; inside it as it was."""
    order = recipes_of(findings, frame)
    return frame.sort_values("recipe", key=lambda names: names.map(order.index), kind="stable")


def matched(findings: Findings) -> Reading:
    """ρ, whose interval has to exclude 1."""
    frame = ordered(findings, rows(findings, "matched"))
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": frame["recipe"],
                "place": frame["target"],
                "margin": frame["rho_low"] - 1,
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


def parallel(findings: Findings) -> Reading:
    """F1 of sets found on monolingual text, on the report of the others."""
    frame = ordered(findings, rows(findings, "parallel"))
    both = frame[frame["identified_on"] == "monolingual"].merge(
        frame[frame["identified_on"] == "parallel"], on=["recipe", "target"], suffixes=("", "_parallel")
    )
    if both.empty:
        return undecided("Only one kind of text was identified on.", "only one kind of text")
    said = with_interval(both, "f1_relative", "low", "high")
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": both["recipe"],
                "place": both["target"],
                "margin": both["low"] - MOST * both["f1_relative_parallel"],
                "said": [
                    f"{one} against {figure(other)}"
                    for one, other in zip(said, both["f1_relative_parallel"], strict=True)
                ],
            }
        )
    )
    best = both[both["recipe"] == both["recipe"].iloc[0]]
    verdict = conclude(
        cells.ruled_out,
        "The sets do not hang on the sentences, or on the contents, that they were found on.",
        "that the sets are about what the texts say",
    )
    return Reading(
        verdict,
        "Found on other, monolingual text, the sets keep more than half of their F1 on the same report, "
        f"with the whole interval, {cells.where}; with the sets found on parallel text they have a Jaccard "
        f"index of {figure(best['jaccard'].median())} ({best['recipe'].iloc[0]}, median).",
        f"keeps over half of F1: {cells.short}",
        cells.ruled_out,
    )


def superficial(findings: Findings) -> Reading:
    """What is left of a set without the neurons that shuffled words choose, too."""
    frame = ordered(findings, rows(findings, "superficial"))
    both = frame[frame["part"] == "beyond superficial"].merge(
        frame[frame["part"] == "random of same size"], on=["recipe", "target"], suffixes=("", "_random")
    )
    if both.empty:
        return Reading(
            "No set has a part that words in random order would not choose, too: that words and script alone "
            "explain the harm is not ruled out.",
            "",
            "nothing beyond words",
            "no",
        )
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": both["recipe"],
                "place": both["target"],
                "margin": both["drop_low"] - both["drop_high_random"].clip(lower=0),
                "said": with_interval(both, "drop", "drop_low", "drop_high"),
            }
        )
    )
    best = both[both["recipe"] == both["recipe"].iloc[0]]
    verdict = conclude(
        cells.ruled_out,
        "Words and script alone do not explain the harm.",
        "that words and script alone explain the harm",
    )
    return Reading(
        verdict,
        f"Of each set {percent(1 - best['share'].median())} is chosen on words in random order, too "
        f"({best['recipe'].iloc[0]}, median). The rest alone costs its language more than as many random "
        f"neurons, interval against interval, {cells.where}.",
        f"the rest hurts more than random: {cells.short}",
        cells.ruled_out,
    )


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
PARALLEL = Rival(
    "parallel",
    "parallel",
    "The sets are about what the texts say, not about the language.",
    "parallel",
    parallel,
)
SUPERFICIAL = Rival(
    "superficial",
    "superficial",
    "The sets serve words and script alone; syntax and sense play no part.",
    "superficial",
    superficial,
)
STABILITY = Rival(
    "stability",
    "stability",
    "The sets are an accident of the sentences that they were found on.",
    "stability",
    stability,
)
