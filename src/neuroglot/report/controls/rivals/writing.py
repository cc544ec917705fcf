"""Rivals about how a language is written: tokens, scripts, romanised text."""

import math

import pandas as pd

from neuroglot.report.controls.columns import recipes_of, rows
from neuroglot.report.controls.rivals.sets import ordered
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


def scripts(findings: Findings) -> Reading:
    """Languages in the same script must not lose as much as the target; what they lose more is script."""
    frame = rows(findings, "script_pairs")
    table = {key: own.iloc[0] for key, own in frame.groupby(["recipe", "pairs_of"])}
    names = [name for name in recipes_of(findings, frame) if (name, "same script") in table]
    names = [name for name in names if pd.notna(table[name, "same script"]["high"])]
    if not names:
        return undecided(
            "No two languages of this study share a script, so it cannot tell script from language.",
            "no two languages share a script",
        )

    def said(name: str, kind: str) -> str:
        row = table.get((name, kind))
        return "–" if row is None else interval(row["share"], row["low"], row["high"])

    cleared = [name for name in names if table[name, "same script"]["high"] < 1]
    ruled_out = "yes" if cleared == names else "unclear" if cleared else "no"
    part = [name for name in names if (name, "difference") in table and table[name, "difference"]["low"] > 0]
    shares = "; ".join(
        f"{said(name, 'same script')} and {said(name, 'different script')}, a difference of "
        f"{said(name, 'difference')} ({name})"
        for name in names[:NAMED]
    )
    verdict = {
        "yes": "Script alone does not explain the harm",
        "no": "That script alone explains the harm is not ruled out",
        "unclear": "Script alone does not explain the harm of " + listing(cleared),
    }[ruled_out]
    more = (
        f", but it has a part in it for {listing(part)}"
        if part
        else ", and that it has a part in it is not shown (the differences' intervals reach 0)"
    )
    return Reading(
        f"{verdict}{more}.",
        f"Of what the target loses, languages in its script and languages in others lose {shares}.",
        f"same script loses less than the target: {len(cleared)} of {len(names)} recipes; script has a part: "
        f"{len(part)} of {len(names)}",
        ruled_out,
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
SCRIPTS = Rival(
    "scripts", "scripts", "The script alone: languages written alike lose alike.", "script_pairs", scripts
)
ROMANISED = Rival(
    "romanised", "romanised", "The sets serve a script, not a language.", "romanised", romanised
)
