"""Rivals about the script: languages written alike, and text in Latin letters."""

import pandas as pd

from neuroglot.report.controls.columns import ordered, recipes_of, rows
from neuroglot.report.controls.verdict import (
    NAMED,
    Cells,
    Reading,
    Rival,
    conclude,
    percent,
    undecided,
    with_interval,
)
from neuroglot.report.findings import Findings
from neuroglot.report.words import interval, listing


def scripts(findings: Findings) -> Reading:
    """Languages in the same script must not lose as much as the target; what they lose more is script."""
    frame, pairs = rows(findings, "script_pairs"), rows(findings, "scripts")
    table = {key: own.iloc[0] for key, own in frame.dropna(subset=["high"]).groupby(["recipe", "pairs_of"])}
    names = [name for name in recipes_of(findings, frame) if (name, "same script") in table]
    if not names:
        return undecided(
            "No two languages of this study share a script, so it cannot tell script from language.",
            "no two languages share a script",
        )
    lost = pairs.groupby("recipe")["target_drop_relative"].mean()
    names = [name for name in names if lost.get(name, 0.0) > 0]
    if not names:
        return undecided("No set costs its target anything that other languages could share.", "nothing lost")
    cleared = [name for name in names if table[name, "same script"]["high"] < 1]
    ruled_out = "yes" if cleared == names else "unclear" if cleared else "no"
    differing = [name for name in names if (name, "difference") in table]
    part = [name for name in differing if table[name, "difference"]["low"] > 0]
    kinds = {"same script": "in its script", "different script": "in others", "difference": "the difference"}
    shares = "; ".join(
        f"{name}: "
        + ", ".join(
            f"{words} {interval(*table[name, kind][['share', 'low', 'high']].astype(float))}"
            for kind, words in kinds.items()
            if (name, kind) in table
        )
        for name in names[:NAMED]
    )
    verdict = {
        "yes": "Script alone does not explain the harm",
        "no": "That script alone explains the harm is not ruled out",
        "unclear": "Script alone does not explain the harm of " + listing(cleared),
    }[ruled_out]
    if part:
        more = f", but it has a part in it for {listing(part)}"
    elif differing:
        more = ", and that it has a part in it is not shown"
    else:
        more = "; whether it has a part in it cannot be told where all share one"
    return Reading(
        f"{verdict}{more}.",
        f"Of what the target loses, other languages lose, {shares}.",
        f"same script loses less than the target: {len(cleared)} of {len(names)} recipes; script has a part: "
        f"{len(part)} of {len(names)}",
        ruled_out,
    )


def romanised(findings: Findings) -> Reading:
    """The native set, switched off while romanised text is read, against the matched control there."""
    frame = ordered(findings, rows(findings, "romanised"))
    if frame["control_high"].isna().all():
        return undecided("There is no matched control to hold the romanised text against.", "no control")
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": frame["recipe"],
                "place": frame["target"],
                "margin": frame["romanised_low"] - frame["control_high"].clip(lower=0),
                "said": with_interval(frame, "romanised_drop", "romanised_low", "romanised_high"),
            }
        )
    )
    best = frame[frame["recipe"] == frame["recipe"].iloc[0]]
    share = (best["romanised_drop"] / best["native_drop"])[best["native_drop"] > 0].median()
    verdict = conclude(
        cells.ruled_out,
        "The sets serve more than a script.",
        "that the sets serve the script and not the language",
    )
    return Reading(
        verdict,
        f"Switched off, the sets cost the same text in Latin letters {percent(share)} of what they cost it "
        f"in its own script ({best['recipe'].iloc[0]}, median, nats a character), more than the matched "
        f"control by their intervals {cells.where}; {percent(best['survives'].median())} of a set is found "
        f"again on romanised text (chance {percent(best['chance'].median())}).",
        f"hurts romanised text: {cells.short}",
        cells.ruled_out,
    )


SCRIPTS = Rival(
    "scripts", "scripts", "The script alone: languages written alike lose alike.", "script_pairs", scripts
)
ROMANISED = Rival(
    "romanised", "romanised", "The sets serve a script, not a language.", "romanised", romanised
)
