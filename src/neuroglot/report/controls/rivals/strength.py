"""Rivals about the intervention: the value that neurons are set to, its strength, the way that it takes."""

import pandas as pd

from neuroglot.report.controls.columns import ordered, rows
from neuroglot.report.controls.verdict import (
    MOST,
    Cells,
    Reading,
    Rival,
    conclude,
    keeps_specific,
    middle,
    percent,
    undecided,
    with_interval,
)
from neuroglot.report.findings import Findings
from neuroglot.report.words import figure

OWN = "own_mean"
"""The baseline that hands a language its own typical value, so that little harm is to be expected of it."""


def dose(findings: Findings) -> Reading:
    """Halfway to silence, the loss has to stand above the matched control's."""
    frame = ordered(findings, rows(findings, "dose"))
    between = frame.loc[frame["strength"].between(0, 1, inclusive="neither"), "strength"].unique()
    if not len(between):
        return undecided(
            "No strength between 0 and 1 was measured, so nothing is known of a gradual loss.",
            "no strength between 0 and 1",
        )
    half = min(between, key=lambda strength: abs(strength - 0.5))
    control = rows(findings, "dose_control")
    control = control.loc[control["strength"] == half, ["recipe", "target", "high"]]
    at = frame[frame["strength"] == half].merge(
        control, "left", ["recipe", "target"], suffixes=("", "_control")
    )
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": at["recipe"],
                "place": at["target"],
                "margin": at["low"] - at["high_control"].clip(lower=0).fillna(0.0),
                "said": with_interval(at, "drop", "low", "high"),
            }
        )
    )
    whole = at.merge(
        frame.loc[frame["strength"] == 0, ["recipe", "target", "drop"]], "left", ["recipe", "target"]
    )
    own = whole[whole["recipe"] == whole["recipe"].iloc[0]]
    share = (own["drop_x"] / own["drop_y"])[own["drop_y"] > 0].median()
    series = [own for _, own in frame.groupby(["recipe", "target"], sort=False)]
    verdict = conclude(
        cells.ruled_out,
        "The harm does not come of a value of 0 that the model never meets.",
        "that the model breaks only near 0",
    )
    rival = "more than the matched control" if len(control) else "something"
    return Reading(
        verdict,
        f"Turned down to {half:g} of their values, the sets already cost their languages {percent(share)} "
        f"of what silence costs ({own['recipe'].iloc[0]}, median), {rival} by their intervals "
        f"{cells.where}; on the way down the loss never falls back beyond its interval in "
        f"{sum(map(_grows, series))} of {len(series)}.",
        f"hurts at {half:g}: {cells.short}",
        cells.ruled_out,
    )


def _grows(series: pd.DataFrame) -> bool:
    """From untouched down to silence, no step's interval lies wholly below that of a milder one."""
    down = series[series["strength"] <= 1].sort_values("strength", ascending=False)
    return bool((down["high"] >= down["low"].cummax()).all())


def baselines(findings: Findings) -> Reading:
    """F1 and collateral under every other baseline, against those under zero."""
    frame = ordered(findings, rows(findings, "baselines"))
    zero = frame.loc[
        (frame["kind"] == "zero") & (frame["low"] > 0), ["recipe", "target", "f1_relative", "collateral_mean"]
    ]
    other = frame[~frame["kind"].isin(["zero", OWN])]
    both = other.merge(zero, on=["recipe", "target"], suffixes=("", "_zero"))
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": both["recipe"],
                "place": both["target"] + " under " + both["kind"].astype(str).str.replace("_", " "),
                "margin": keeps_specific(both, "_zero"),
                "said": [
                    f"{one}, collateral {figure(other)}"
                    for one, other in zip(
                        with_interval(both, "f1_relative", "low", "high"),
                        both["collateral_mean"],
                        strict=True,
                    )
                ],
            }
        ),
        "cases",
    )
    if both.empty:
        return undecided("No set has an F1 above 0 that another baseline could keep.", "no F1 to keep")
    means = (
        frame[frame["recipe"] == frame["recipe"].iloc[0]].groupby("kind", sort=False)["f1_relative"].mean()
    )
    said = ", ".join(f"{str(kind).replace('_', ' ')} {figure(value)}" for kind, value in means.items())
    verdict = conclude(
        cells.ruled_out,
        "Specificity does not hang on the value 0.",
        "that specificity comes of the value 0",
    )
    own = " The own mean hands a language its own typical value and is not counted." if OWN in means else ""
    return Reading(
        verdict,
        f"Mean F1 of {frame['recipe'].iloc[0]}: {said}. Set to another value than 0, the sets keep "
        "more than half of their F1 with the whole interval, and stay at least halfway from everything off's "
        f"collateral of 1, {cells.where}.{own}",
        f"stays specific: {cells.short}",
        cells.ruled_out,
    )


def direct(findings: Findings) -> Reading:
    """The share of the effect that goes straight to the logits; most of it must not."""
    frame = ordered(findings, rows(findings, "direct").dropna(subset=["share"]))
    frame = frame[frame["total"] > 0]
    if frame.empty:
        return undecided("No set costs its target anything that could be direct or not.", "nothing lost")
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": frame["recipe"],
                "place": frame["target"],
                "margin": MOST - frame["share_high"],
                "said": with_interval(frame, "share", "share_low", "share_high"),
            }
        )
    )
    best = frame[frame["recipe"] == frame["recipe"].iloc[0]]
    verdict = conclude(
        cells.ruled_out,
        "Most of the harm passes through later layers: the sets do more than write words to the output.",
        "that the sets mainly write words to the output",
    )
    return Reading(
        verdict,
        "Written straight to the logits, with later layers as they were, the sets of "
        f"{best['recipe'].iloc[0]} do {middle(best['share'])} of their whole effect (median, range). Less "
        f"than half, interval and all, is direct {cells.where}.",
        f"under half direct: {cells.short}",
        cells.ruled_out,
    )


DOSE = Rival(
    "dose", "dose", "The model breaks at a value that it never meets; nothing follows strength.", "dose", dose
)
BASELINES = Rival(
    "baselines",
    "baselines",
    "Specificity comes of the value 0 that neurons are set to.",
    "baselines",
    baselines,
)
DIRECT = Rival(
    "direct", "direct", "The neurons only write their language's words to the output.", "direct", direct
)
