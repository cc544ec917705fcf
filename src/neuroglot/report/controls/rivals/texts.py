"""Rivals about the text that sets are found on: its contents, or its words alone."""

import pandas as pd

from neuroglot.report.controls.columns import ordered, rows
from neuroglot.report.controls.verdict import (
    Cells,
    Reading,
    Rival,
    conclude,
    keeps_specific,
    percent,
    undecided,
    with_interval,
)
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure


def parallel(findings: Findings) -> Reading:
    """F1 of sets found on monolingual text, on the report of the others."""
    frame = ordered(findings, rows(findings, "parallel"))
    both = frame[frame["identified_on"] == "monolingual"].merge(
        frame[frame["identified_on"] == "parallel"], on=["recipe", "target"], suffixes=("", "_parallel")
    )
    both = both[both["low_parallel"] > 0]
    if both.empty:
        return undecided("No set has an F1 above 0 that other text could keep.", "no F1 to keep")
    said = with_interval(both, "f1_relative", "low", "high")
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": both["recipe"],
                "place": both["target"],
                "margin": keeps_specific(both, "_parallel"),
                "said": [
                    f"{one} against {figure(other)}, collateral {figure(collateral)}"
                    for one, other, collateral in zip(
                        said, both["f1_relative_parallel"], both["collateral_mean"], strict=True
                    )
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
        "with the whole interval, and stay at least halfway from everything off's collateral of 1, "
        f"{cells.where}; with the sets found on parallel text they have a Jaccard "
        f"index of {figure(best['jaccard'].median())} ({best['recipe'].iloc[0]}, median).",
        f"stays specific: {cells.short}",
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
