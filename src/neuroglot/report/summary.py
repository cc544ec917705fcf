"""The summary: what the run found out, in sentences that claim no more than its figures.

Each function answers one question and has nothing to say where the run did not ask it. Two recipes are called
different only where the interval of their paired difference excludes 0.
"""

import pandas as pd

from neuroglot.report.findings import Findings
from neuroglot.report.standings import by_language, standings
from neuroglot.report.words import figure, interval, listing

_FEW_DOCUMENTS = 10
"""Below this a percentile bootstrap covers clearly less than it says."""

_NAMED = 3
"""Samples that were left out and are named in the summary; the page lists all."""


def summarise(findings: Findings) -> list[str]:
    """Plain sentences, the most important first; a bare score is LangSpec-F1 on the relative drop."""
    lines = standings(findings)
    found = lines.loc[lines["kind"] == "recipe"]
    if found.empty:
        return ["No recipe was evaluated in this run."]
    best = found.iloc[0]
    return [
        *_best(best, len(found)),
        *_everything_off(found, lines.loc[lines["kind"] == "everything_off"]),
        *_controls(best, lines),
        *_rivals(best, findings.differences),
        *_languages(best, findings),
        *_basis(findings),
        *_left_out(findings),
    ]


def _f1(line: pd.Series) -> str:
    return interval(line["f1_relative"], line["f1_relative_low"], line["f1_relative_high"])


def _baseline(line: pd.Series) -> str:
    return str(line["baseline"]).replace("_", " ")


def _best(best: pd.Series, competitors: int) -> list[str]:
    claim = "has a mean" if competitors == 1 else f"has, of {competitors} evaluated, the highest mean"
    absolute = interval(best["f1_absolute"], best["f1_absolute_low"], best["f1_absolute_high"])
    return [
        f"{best['label']} {claim} LangSpec-F1: {_f1(best)} (on the absolute drop {absolute}), "
        f"with {best['size']:.0f} neurons a set. The other languages lose on average "
        f"{figure(best['collateral_mean'])} times what the target loses, and the worst hit "
        f"{figure(best['collateral_max'])} times."
    ]


def _everything_off(found: pd.DataFrame, off: pd.DataFrame) -> list[str]:
    sentences = []
    for _, line in off.iterrows():
        # A recipe is held against everything off under its own baseline, or under what there is.
        rivals = found.loc[(found["baseline"] == line["baseline"]) | ~found["baseline"].isin(off["baseline"])]
        if rivals.empty:
            continue
        beaten = rivals["f1_relative"] <= line["f1_relative"]
        close = rivals.loc[~beaten & (rivals["f1_relative_low"] <= line["f1_relative_high"]), "label"]
        score = f"Switching everything off ({_baseline(line)}) scores {_f1(line)}"
        if beaten.all():
            verdict = "no recipe does better than that, so none is shown to be specific by this measure"
        elif beaten.any():
            names = listing(list(rivals.loc[beaten, "label"]))
            verdict = f"no less than {names}, which this measure cannot call specific"
        else:
            verdict = "less than every recipe"
        sentences.append(f"{score}: {verdict}.")
        if len(close):
            sentences.append(f"The interval of {listing(list(close))} overlaps that of everything off.")
    return sentences


def _controls(best: pd.Series, lines: pd.DataFrame) -> list[str]:
    matched = (lines["kind"] == "matched") & (lines["recipe"] == best["recipe"])
    controls = lines.loc[matched | (lines["kind"] == "uniform")]
    same = controls.loc[controls["baseline"] == best["baseline"]]
    controls = same if len(same) else controls
    if controls.empty:
        return [
            "No random control was evaluated beside it: "
            "its score alone does not show that the choice of neurons matters."
        ]
    scores = [f"{_f1(line)} ({line['kind']}, {_baseline(line)})" for _, line in controls.iterrows()]
    beaten = best["f1_relative"] > controls["f1_relative"].max()
    verdict = "" if beaten else ": no less than the best recipe"
    sentences = [f"Random sets beside it score {listing(scores)}{verdict}."]
    if pd.notna(best["rho"]):
        ratio = interval(best["rho"], best["rho_low"], best["rho_high"], digits=1)
        sentences.append(
            f"Its sets cost the target {ratio} times the log-probability that matched random sets cost (ρ)."
        )
    return sentences


def _rivals(best: pd.Series, differences: pd.DataFrame) -> list[str]:
    rows = differences.loc[differences["drop"] == "relative"].dropna(subset=["low", "high"])
    ahead = rows.loc[rows["recipe_a"] == best["recipe"]].rename(columns={"recipe_b": "rival"})
    behind = rows.loc[rows["recipe_b"] == best["recipe"]].rename(columns={"recipe_a": "rival"})
    # Seen from the other side, a difference and both of its ends change their sign and the ends their places.
    behind = behind.assign(difference=-behind["difference"], low=-behind["high"], high=-behind["low"])
    sentences = []
    for _, row in pd.concat([ahead, behind]).iterrows():
        by = interval(row["difference"], row["low"], row["high"], digits=3)  # two can hide on which side 0 is
        if row["low"] > 0 or row["high"] < 0:
            word = "ahead of" if row["low"] > 0 else "behind"
            sentences.append(
                f"{best['recipe']} is {word} {row['rival']} ({_baseline(row)}): "
                f"over the same documents their difference is {by}."
            )
        else:
            sentences.append(
                f"{best['recipe']} and {row['rival']} ({_baseline(row)}) cannot be told apart here: "
                f"their difference is {by}, an interval that includes 0."
            )
    return sentences


def _languages(best: pd.Series, findings: Findings) -> list[str]:
    frame = by_language(findings)
    own = frame.loc[frame["label"] == best["label"]].sort_values("f1_relative", ignore_index=True)
    if len(own) < 2:
        return []
    hard, easy = own.iloc[0], own.iloc[-1]
    return [
        f"It does best in {easy['language']} ({figure(easy['f1_relative'])}) and worst in {hard['language']} "
        f"({figure(hard['f1_relative'])})."
    ]


def _basis(findings: Findings) -> list[str]:
    base = findings.base
    few = base["documents"].min() < _FEW_DOCUMENTS
    caution = f" With fewer than {_FEW_DOCUMENTS} documents they are also too narrow." if few else ""
    return [
        f"All this rests on {_span(base['sentences'])} held-out sentences from {_span(base['documents'])} "
        f"documents in each of {len(base)} languages ({', '.join(findings.languages)}). Intervals are over "
        f"documents: they say nothing about other corpora, models or seeds.{caution}"
    ]


def _left_out(findings: Findings) -> list[str]:
    gone = findings.about.get("left out", [])
    if not gone:
        return []
    more = f"; and {len(gone) - _NAMED} more, listed below" if len(gone) > _NAMED else ""
    samples = "sample was" if len(gone) == 1 else "samples were"
    named = "; ".join(gone[:_NAMED])
    return [f"{len(gone)} {samples} left out, because a number was not finite: {named}{more}."]


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
