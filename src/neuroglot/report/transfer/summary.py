"""What a transfer says, in sentences, with what it does not say."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from neuroglot.report.transfer.moved import Moved
from neuroglot.report.words import figure, interval, listing

Line = Mapping[Any, Any]
"""A row of ``survival``: means over the languages."""

Lines = Mapping[tuple[str, str], Line]
"""(kind, measure) → a recipe's row, or that of its matched controls."""


def summarise(moved: Moved) -> list[str]:
    """The sentences, model by model and recipe by recipe; those about a set come after what is left of it."""
    first, *others = moved.models
    said = [sentence for model in others for sentence in _model(moved, model)]
    return [
        *said,
        f"The neurons are those found on {first}, and so are the mean activations that some baselines put in "
        f"their place. A share compares losses of log-probability in {listing(moved.findings.languages)} on "
        "the same documents: it says that silencing the same neurons still costs the same text, not that a "
        "search on the other model would find them.",
    ]


def _model(moved: Moved, model: str) -> list[str]:
    if model in moved.about.get("same weights", []):
        return [
            f"{model} has the very weights that the sets were found on: this is no transfer, and its numbers "
            "repeat the first model's."
        ]
    rows = moved.rows("survival")
    rows = rows[(rows["model"] == model) & (rows["language"] == "") & (rows["baseline"] == "zero")]
    said = []
    for recipe in rows.loc[rows["kind"] == "recipe", "recipe"].unique():
        records = rows[rows["recipe"] == recipe].to_dict("records")
        own: Lines = {(row["kind"], row["measure"]): row for row in records}
        said += [_left(moved, recipe, own["recipe", "target"])]
        if pd.notna(own["recipe", "target"]["share"]):
            said += [_beyond(own), _others(own["recipe", "others"]), _f1(moved, model, recipe)]
    return said or [f"No set was switched off on {model}."]


def _left(moved: Moved, recipe: str, own: Line) -> str:
    first, model = moved.models[0], own["model"]
    if pd.isna(own["share"]):
        return (
            f"On {first} itself the sets of {recipe} cost their languages nothing that could be told from 0 "
            f"({_nats(own, 'before')}): nothing is there that could survive on {model}, where they cost "
            f"{_nats(own, 'after')}."
        )
    return (
        f"On {model} the sets of {recipe} cost their languages {_nats(own, 'after')}, on {first} "
        f"{_nats(own, 'before')}: {_percent(own)} of the effect is left."
    )


def _beyond(own: Lines) -> str:
    """What of it is owed to the choice of neurons, as far as the matched controls tell."""
    if ("matched", "target") not in own:
        return "Without matched controls nobody can say whether that is owed to the choice of neurons."
    control, beyond = own["matched", "target"], own["recipe", "beyond"]
    if beyond["after_low"] <= 0:
        return f"Matched random sets cost {_nats(control, 'after')} there: the sets cannot be told from them."
    said = f"Beyond matched random sets they cost {_nats(beyond, 'after')}"
    if pd.notna(beyond["share"]):
        said += f", {_percent(beyond)} of what that was"
    if pd.isna(control["share"]):
        return f"{said}; what the random sets cost could not be told from 0 to begin with."
    kept = f"of the effect of the random sets {_percent(control)} is left"
    ahead = own["recipe", "target"]
    if ahead["ahead_low"] > 0:
        return f"{said}; {kept}, less than of the sets'."
    if ahead["ahead_high"] < 0:
        return f"{said}; but {kept}, more than of the sets'."
    return f"{said}; but {kept} too: that a share survives is by itself no sign of the choice of neurons."


def _others(line: Line) -> str:
    return f"The other languages lose {_nats(line, 'after')} on average; they lost {_nats(line, 'before')}."


def _f1(moved: Moved, model: str, recipe: str) -> str:
    rows = moved.rows("f1")
    rows = rows[(rows["model"] == model) & (rows["kind"] == "recipe") & (rows["recipe"] == recipe)]
    rows = rows[(rows["baseline"] == "zero") & (rows["language"] == "") & (rows["drop"] == "relative")]
    line: Line = rows.to_dict("records")[0]
    word = "lower" if line["change_high"] < 0 else "higher" if line["change_low"] > 0 else "no sure change"
    changed = interval(line["change"], line["change_low"], line["change_high"], 3)
    return f"LangSpec-F1: {figure(line['after'])} after {figure(line['before'])} ({word}: {changed})."


def _nats(row: Line, name: str) -> str:
    return f"{interval(row[name], row[f'{name}_low'], row[f'{name}_high'])} nats a token"


def _percent(row: Line) -> str:
    value, low, high = (100 * row[name] for name in ("share", "share_low", "share_high"))
    return f"{interval(value, low, high, digits=0)} %"
