"""Rivals about the measure: likelihood moves and no task suffers."""

import pandas as pd

from neuroglot.report.controls.columns import COLUMNS, ordered, rows
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
from neuroglot.report.words import figure, listing


def choice(findings: Findings) -> Reading:
    """The target has to lose accuracy where it had any above chance."""
    frame = rows(findings, "choice")
    own = frame[frame["language"] == frame["target"]]
    asked = ordered(findings, own[own["kind"] == "recipe"])
    able = asked[~asked["at_chance"].astype(bool)]
    gone = sorted(set(asked.loc[asked["at_chance"].astype(bool), "target"]), key=findings.languages.index)
    if able.empty:
        return undecided(
            "In no language does the untouched model choose better than chance: nothing is said of tasks.",
            "at chance before anything is off",
        )
    cells = Cells(
        pd.DataFrame(
            {
                "recipe": able["recipe"],
                "place": able["target"],
                "margin": able["lost_low"],
                "said": with_interval(able, "lost", "lost_low", "lost_high"),
            }
        )
    )
    name = able["recipe"].iloc[0]
    best = able[able["recipe"] == name]
    control = own[(own["kind"] == "matched") & ~own["at_chance"].astype(bool)]
    verdict = conclude(
        cells.ruled_out,
        "Not likelihood alone suffers: a task does, too.",
        "that only likelihood moves",
    )
    beside = (
        f" Under the matched control accuracy falls in {(control['lost_low'] > 0).sum()} of {len(control)}."
        if len(control)
        else ""
    )
    f1 = rows(findings, "choice_f1").groupby(["kind", "recipe"])["f1"].mean()
    scored = [
        f"{figure(f1[kind, name])} for {what}"
        for kind, what in (("recipe", "the sets"), ("matched", "the controls"))
        if (kind, name) in f1.index
    ]
    if scored:
        beside += f" LangSpec-F1 by accuracy is {listing(scored)} ({name}, mean)."
    left = f" Not judged, because at chance from the start: {listing(gone)}." if gone else ""
    return Reading(
        verdict,
        "Choosing how a sentence goes on falls in the target from "
        f"{percent(best['accuracy_before'].mean())} right to {percent(best['accuracy_after'].mean())} "
        f"({name}, mean; chance 25 %). The loss excludes 0 {cells.where}."
        f"{beside}{left}",
        f"task accuracy falls: {cells.short}",
        cells.ruled_out,
    )


def agreement(findings: Findings) -> Reading:
    """Where likelihood and the task disagree, by their intervals; who is at chance cannot say."""
    frame = ordered(findings, rows(findings, "agreement"))
    judged = frame[frame["verdict"] != "task at chance"]
    apart = judged[judged["verdict"].isin(["likelihood only", "task only"])]
    both = int((judged["verdict"] == "both").sum())
    if judged.empty:
        return undecided(
            "Everywhere the task was at chance from the start, so likelihood is all there is.",
            "task at chance everywhere",
        )
    named = [
        f"{target} ({recipe}: {verdict}, likelihood {figure(likelihood)}, accuracy {figure(accuracy)})"
        for recipe, target, likelihood, accuracy, verdict in apart[list(COLUMNS["agreement"])].values
    ]
    more = len(named) - NAMED
    said = listing([*named[:NAMED], *([f"{more} more"] if more > 0 else [])])
    gone = len(frame) - len(judged)
    left = f" In {gone} more the task was at chance and says nothing." if gone else ""
    if apart.empty:
        lead = (
            f"Likelihood and task agree in all {len(judged)} cases ({both} lose both): neither misleads here."
        )
    else:
        lead = (
            f"Likelihood and task disagree in {len(apart)} of {len(judged)} cases: there a loss of "
            "likelihood shows no loss of the task, or the reverse."
        )
    return Reading(
        lead,
        (f"They are {said}." if said else "") + left,
        f"disagree in {len(apart)} of {len(judged)}",
        "yes" if apart.empty and both else "no" if len(apart) == len(judged) else "unclear",
    )


CHOICE = Rival(
    "choice", "choice", "Only likelihood moves; nothing that a model is used for suffers.", "choice", choice
)
AGREEMENT = Rival(
    "agreement", "choice", "Likelihood and task tell different stories.", "agreement", agreement
)
